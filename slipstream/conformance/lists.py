"""Lists are lists, complete, and agree with what is read one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from slipstream.conformance.checks import Failed, NotApplicable, check
from slipstream.conformance.contract import KINDS, identity
from slipstream.conformance.subject import Subject

_ITERATORS = ("ex_iterate_{}", "ex_iter_{}", "iterate_{}")
_RUNS = 3


@check("list", point="lists", each=tuple(KINDS))
def list_is_a_list(subject: Subject, kind: str) -> str:
    """A list method returns a list of the right class, without repetition."""
    resources = subject.listing(kind)
    if not isinstance(resources, list):
        raise Failed(f"list_{kind}() returns {type(resources).__name__} instead of a list.")
    cls = KINDS[kind]
    others = {type(item).__name__ for item in resources if not isinstance(item, cls)}
    if others:
        raise Failed(f"list_{kind}() returns {', '.join(sorted(others))}, not {cls.__name__}.")
    repeated = [str(key) for key, count in _identities(resources).items() if count > 1]
    if repeated:
        raise Failed(f"{len(repeated)} of {len(resources)} ids are repeated: {repeated[0]}.")
    return f"list_{kind}() returns {len(resources)} without repetition."


@check("stable", point="lists", each=tuple(KINDS))
def list_is_stable(subject: Subject, kind: str) -> str:
    """Nothing is lost or added from one call to the next while nothing changes."""
    previous = _identities(subject.listed(kind))
    for _ in range(_RUNS - 1):
        # Others may change something between two calls, but hardly each time.
        current = _identities(subject.call(f"list_{kind}"))
        if current == previous:
            return f"list_{kind}() returns the same {current.total()} again."
        previous = current
    raise Failed(f"list_{kind}() returns other ids each of {_RUNS} times.")


@check("lazy", point="lists", each=tuple(KINDS))
def iterator_agrees(subject: Subject, kind: str) -> str:
    """Where a list has an iterator beside it, that yields the same."""
    listed = _identities(subject.listed(kind))
    candidates = [name.format(kind) for name in _ITERATORS]
    method = next((name for name in candidates if hasattr(subject.driver, name)), None)
    if method is None:
        raise NotApplicable(f"The driver has no {candidates[0]}().")
    iterator = subject.call(method)
    if not isinstance(iterator, Iterator):
        raise Failed(f"{method}() returns {type(iterator).__name__} instead of an iterator.")
    yielded = _identities(iterator)
    if yielded != listed:
        raise Failed(
            f"{method}() yields {yielded.total()}, list_{kind}() {listed.total()}, not the same."
        )
    return f"{method}() yields the same {yielded.total()}."


@check("get-image", point="lists", needs=("get_image",))
def image_can_be_read(subject: Subject) -> str:
    """A listed image can be read by its id."""
    images = subject.listed("images")
    ids = list(dict.fromkeys([images[0].id, images[-1].id]))
    for image_id in ids:
        image = subject.call("get_image", image_id)
        if getattr(image, "id", None) != image_id:
            raise Failed(f"get_image({image_id!r}) returns {image!r}.")
    return f"get_image() finds {', '.join(ids)}."


@check("get-key-pair", point="lists", needs=("get_key_pair",))
def key_pair_can_be_read(subject: Subject) -> str:
    """A listed key pair can be read by its name."""
    pairs = subject.listed("key_pairs")
    names = Counter(pair.name for pair in pairs)
    listed = next((pair for pair in pairs if names[pair.name] == 1), None)
    if listed is None:
        raise NotApplicable("Each name belongs to several key pairs.")
    pair = subject.call("get_key_pair", listed.name)
    if identity(pair) != identity(listed):
        raise Failed(f"get_key_pair({listed.name!r}) returns {pair!r}.")
    return f"get_key_pair() finds {listed.name}."


def _identities(resources: Iterable[Any]) -> Counter[Any]:
    return Counter(map(identity, resources))
