"""Lists are lists, complete, and agree with what is read one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from slipstream.conformance.contract import KINDS, Kind
from slipstream.conformance.registry import Failed, NotApplicable, check
from slipstream.conformance.subject import Subject

_TWINS = ("ex_iterate_{}", "ex_iter_{}", "iterate_{}")
_RUNS = 3


@check("list", point="lists", each=tuple(KINDS))
def list_is_one(subject: Subject, name: str) -> str:
    """A list method gives a list of the right things, none twice."""
    kind = KINDS[name]
    found = subject.listing(name)
    if not isinstance(found, list):
        raise Failed(f"{kind.method}() gives {type(found).__name__} instead of a list.")
    strange = {type(one).__name__ for one in found if not isinstance(one, kind.cls)}
    if strange:
        raise Failed(
            f"{kind.method}() gives {', '.join(sorted(strange))}, not {kind.cls.__name__}."
        )
    twice = [str(one) for one, count in Counter(_ids(kind, found)).items() if count > 1]
    if twice:
        raise Failed(f"{len(twice)} of {len(found)} ids stand there more than once: {twice[0]}.")
    return f"{kind.method}() gives {len(found)}, none twice."


@check("stable", point="lists", each=tuple(KINDS))
def list_is_stable(subject: Subject, name: str) -> str:
    """Nothing is lost or added from one call to the next while nobody changes anything."""
    kind = KINDS[name]
    before = _ids(kind, subject.listed(name))
    for _ in range(_RUNS - 1):
        # Somebody else may have changed something between two calls, but hardly each time.
        again = _ids(kind, subject.ask(kind.method))
        if Counter(before) == Counter(again):
            return f"{kind.method}() gives the same {len(again)} again."
        before = again
    raise Failed(f"{kind.method}() gives other ids each of {_RUNS} times.")


@check("lazy", point="lists", each=tuple(KINDS))
def lazy_twin_agrees(subject: Subject, name: str) -> str:
    """Where a list can be read one by one, that is an iterator over the same."""
    kind = KINDS[name]
    listed = _ids(kind, subject.listed(name))
    candidates = [twin.format(name) for twin in _TWINS]
    twin = next((one for one in candidates if hasattr(subject.driver, one)), None)
    if twin is None:
        raise NotApplicable(f"The driver has no {candidates[0]}().")
    entries = subject.ask(twin)
    if not isinstance(entries, Iterator):
        raise Failed(f"{twin}() gives {type(entries).__name__} instead of an iterator.")
    found = _ids(kind, list(entries))
    if Counter(found) != Counter(listed):
        raise Failed(f"{twin}() gives {len(found)}, {kind.method}() {len(listed)}, not the same.")
    return f"{twin}() gives the same {len(found)}."


@check("get-image", point="lists", needs=("get_image",))
def image_can_be_read(subject: Subject) -> str:
    """What is listed can be read by its id."""
    images = subject.listed("images")
    ends = {image.id: image for image in (images[0], images[-1])}
    for image in ends.values():
        found = subject.ask("get_image", image.id)
        if getattr(found, "id", None) != image.id:
            raise Failed(f"get_image({image.id!r}) gives {found!r}.")
    return f"get_image() finds {', '.join(ends)}."


@check("get-key-pair", point="lists", needs=("get_key_pair",))
def key_pair_can_be_read(subject: Subject) -> str:
    """What is listed can be read by its name."""
    pairs = subject.listed("key_pairs")
    names = Counter(pair.name for pair in pairs)
    pair = next((one for one in pairs if names[one.name] == 1), None)
    if pair is None:
        raise NotApplicable("Each name is borne by several key pairs.")
    found = subject.ask("get_key_pair", pair.name)
    if (found.name, found.fingerprint) != (pair.name, pair.fingerprint):
        raise Failed(f"get_key_pair({pair.name!r}) gives {found!r}.")
    return f"get_key_pair() finds {pair.name}."


def _ids(kind: Kind, things: list[Any]) -> list[Any]:
    return [kind.identity(thing) for thing in things]
