"""
Single resources: their ids, the requests that most operations send, and what the responses say.

Nothing is believed that is not the server's own response.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from slipstream.backends.cimi import JSON, SEND_JSON, UUID, is_id, json_object, unconfirmed
from slipstream.errors import BadInput, MalformedAnswer, shorten
from slipstream.session import Session
from slipstream.session.session import PLACEHOLDER
from slipstream.transport.messages import Request, Response, expect

LARGEST_LABEL = 32_766
"""Bytes of a name or a tag that the server can index."""

_LOOK = "Look whether it has happened before you try again."
Expected = Callable[[], Response] | None


def resource_id(text: str, collection: str, what: str) -> str:
    """The id of a resource, from the id or the UUID alone."""
    match = re.fullmatch(rf"(?:{collection}/)?({UUID})", text)
    if not match:
        raise BadInput(
            f"{shorten(text)!r} is not the id of a {what}: that is '{collection}/<uuid>'."
        )
    return f"{collection}/{match[1]}"


def node_id(text: str) -> str:
    """The id of a deployment, from the id or the UUID alone."""
    return resource_id(text, "deployment", "node")


def check_label(what: str, label: str) -> None:
    """Refuse a name or a tag that the server cannot index; its own message is unreadable."""
    if len(label.encode("utf-8", "replace")) > LARGEST_LABEL:
        raise BadInput(
            f"The {what} {shorten(label)!r} is too long for the server: it has more than"
            f" {LARGEST_LABEL} bytes."
        )


def get(path: str, select: str | None = None, *, expects: Expected = None) -> Request:
    """A request that reads."""
    query = (("select", select),) if select else ()
    return Request(
        method="GET",
        path=f"/api/{path}",
        query=query,
        headers=JSON,
        repeatable=True,
        expects=expects,
    )


def write(method: str, path: str, document: Any = None, *, expects: Expected = None) -> Request:
    """A request that changes something; only a POST does more when it is sent twice."""
    return Request(
        method=method,
        path=f"/api/{path}",
        headers=JSON if document is None else SEND_JSON,
        body=None if document is None else json.dumps(document).encode(),
        repeatable=method != "POST",
        expects=expects,
    )


def change(
    session: Session,
    method: str,
    path: str,
    document: Any = None,
    *,
    doing: str,
    success: int = 200,
    allow: Collection[int] = (),
    renewable: bool | Callable[[], object] = True,
    expects: Expected = None,
) -> Response:
    """
    Send a change; only the server's own response confirms it.

    :param success: The status of the response when it is done; its body is a JSON object
        that repeats the status, or the resource.
    :param allow: Error statuses that the caller wants to see for itself.
    :param renewable: See :meth:`Session.send`.
    :raises AnswerLost: If the response is something else, such as the page of a proxy.
    """
    if expects is None and not (success == 201 and "/" in path):
        answer = {"status": success, "location": f"job/{PLACEHOLDER}"}
        if success == 201:
            answer["resource-id"] = f"{path}/{PLACEHOLDER}"
        expects = expect(success, json.dumps(answer).encode())
    request = write(method, path, document, expects=expects)
    response = session.send(request, doing=doing, allow=allow, renewable=renewable)
    if response.status in allow:
        _check_missing(session, response, doing)
        return response
    result = json_object(response)
    says_so = result.get("status") == success or is_id(result.get("id"))
    about, subject = result.get("resource-id", result.get("id")), "/".join(path.split("/")[:2])
    # The response of 201 names what was made, and that about a version names its content.
    is_content = path.endswith("/delete-version") and str(about).startswith("module-")
    is_another = not (success == 201 or is_content) and about not in (None, subject)
    if response.status != success or not says_so or is_another:
        raise unconfirmed(response, doing=doing, hint=_LOOK)
    return response


def _check_missing(session: Session, response: Response, doing: str) -> None:
    """Refuse a 404 that the server itself has not sent, but a proxy."""
    if response.status == 404 and json_object(response).get("status") != 404:
        raise session.refusal(response, doing=doing)


def read(session: Session, name: str, select: str, *, doing: str = "") -> dict[str, Any]:
    """Read one resource."""
    doing = doing or f"read {name}"
    return resource(session.send(get(name, select), doing=doing), doing, name)


def find(
    session: Session,
    name: str,
    select: str,
    *,
    doing: str = "",
    none_for: Collection[int] = (404,),
) -> dict[str, Any] | None:
    """Read one resource, ``None`` if there is none of that id, or for another of some statuses."""
    doing = doing or f"read {name}"
    response = session.send(get(name, select), doing=doing, allow=none_for)
    _check_missing(session, response, doing)
    return None if response.status in none_for else resource(response, doing, name)


def resource(response: Response, doing: str, name: str | None = None) -> dict[str, Any]:
    """The resource in a response, which must have this id."""
    document = response.json()
    if not isinstance(document, dict) or not is_id(document.get("id")):
        raise MalformedAnswer(f"Cannot {doing}: the response is not a resource.")
    # A version may stand behind the id of a module.
    if name not in {None, document["id"].partition("_")[0]}:
        raise MalformedAnswer(f"Cannot {doing}: the response is about another resource.")
    return document


def reference(response: Response, key: str, collection: str, doing: str) -> str:
    """The id of the new resource in a response."""
    identifier = json_object(response).get(key)
    if not is_id(identifier, collection):
        raise unconfirmed(response, doing=doing, hint=_LOOK)
    return str(identifier)
