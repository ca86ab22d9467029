"""
Doing something to many resources at once.

Source: nuvla/api-server, server/resources/common/std_crud.clj.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.nuvla.call import Answer, Call
from slipstream.sandbox.nuvla.query import Wanted, read_filter
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.kind import Action
    from slipstream.sandbox.store import Document


def matching(call: Call, kind: str, text: str | None = None) -> list[Document]:
    """
    Find what a bulk request is about.

    :param call: The request.
    :param kind: The type of resource.
    :param text: The filter; that of the JSON body, if left out.
    :returns: The resources that it matches and the asker sees.
    :raises JsonProblem: 400 without the header or the filter.
    """
    if not call.bulk:
        raise JsonProblem(400, "Bulk request should contain bulk http header.")
    text = str(call.document.get("filter") or "") if text is None else text
    if not text:
        raise JsonProblem(400, "Bulk request should contain a non empty cimi filter.")
    judge = Wanted(read_filter(text, call.world.now()), ())
    return [
        one
        for one in call.world.store.collection(kind)
        if call.identity.may("view-meta", one["acl"]) and judge.matches(one)
    ]


def attempt(call: Call, document: Document, action: Action) -> None:
    """
    Do something to one of many; a refusal leaves the others alone.

    :param call: The request.
    :param document: The resource.
    :param action: What to do.
    """
    with contextlib.suppress(JsonProblem):
        action(call, document)


def summary(changed: int, what: str) -> Answer:
    """
    Answer as the index does.

    :param changed: How many were changed.
    :param what: ``deleted`` or ``updated``.
    :returns: The answer.
    """
    document = {
        "took": 1,
        "timed_out": False,
        "total": changed,
        what: changed,
        "batches": 1,
        "version_conflicts": 0,
        "noops": 0,
        "failures": [],
    }
    return Answer(document=document)


def delete(call: Call, kind: str) -> Answer:
    """
    Delete what a filter matches.

    :param call: The request; the filter is a parameter or a field of the form.
    :param kind: The type of resource.
    :returns: The index's summary.
    """
    texts = call.fields.get("filter", ())
    found = matching(call, kind, texts[0] if texts else "")
    doomed = [one for one in found if call.identity.may("delete", one["acl"])]
    for document in doomed:
        call.world.store.remove(document["id"])
    return summary(len(doomed), "deleted")


def _tagging(change: Callable[[list[str], list[str]], list[str]]) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        kind = call.path.split("/")[0]
        sent: Any = call.document.get("doc")
        tags = list(sent.get("tags", ())) if isinstance(sent, dict) else []
        found = matching(call, kind)
        open_ = [one for one in found if call.identity.may("edit-meta", one["acl"])]
        for document in open_:
            new = change(list(document.get("tags", [])), tags)
            call.world.change(document["id"], call.world.now(), tags=new)
        return summary(len(open_), "updated")

    return run


TAGGING: Mapping[str, Callable[[Call], Answer]] = {
    "set-tags": _tagging(lambda _, sent: sent),
    "add-tags": _tagging(lambda old, sent: [*old, *(one for one in sent if one not in old)]),
    "remove-tags": _tagging(lambda old, sent: [one for one in old if one not in sent]),
}
