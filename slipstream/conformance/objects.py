"""What programs read from nodes, sizes, images, locations, key pairs and volumes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from libcloud.compute.types import NodeState

from slipstream.conformance.contract import KINDS
from slipstream.conformance.registry import Failed, check
from slipstream.conformance.subject import Subject, described

_LONGEST = 500
_SHOWN = 3


@check("ids", point="objects", each=tuple(KINDS))
def ids_are_texts(subject: Subject, kind: str) -> str:
    """An id is a text that can be stored and given back; a key pair has a name for it."""
    return _all(subject, kind, _id_faults, "has an id")


def _id_faults(thing: Any) -> Iterator[str]:
    identity = getattr(thing, "id", None) if hasattr(thing, "id") else thing.name
    if not isinstance(identity, str) or not identity:
        yield f"the id {identity!r} is not a text with something in it"


@check("attributes", point="objects", each=tuple(KINDS))
def attributes_can_be_read(subject: Subject, kind: str) -> str:
    """Some programs walk through all attributes of an object; none may raise."""
    return _all(subject, kind, _attribute_faults, "can be read throughout")


def _attribute_faults(thing: Any) -> Iterator[str]:
    for name in dir(thing):
        try:
            getattr(thing, name)
        except Exception as error:  # noqa: BLE001 - a property may raise any
            yield f"{name} raises {described(error)}"


@check("repr", point="objects", each=tuple(KINDS))
def reprs_are_short(subject: Subject, kind: str) -> str:
    """Objects are put into logs."""
    return _all(subject, kind, _repr_faults, "prints in a few words")


def _repr_faults(thing: Any) -> Iterator[str]:
    try:
        text = repr(thing)
    except Exception as error:  # noqa: BLE001 - a repr may raise any
        yield f"repr() raises {described(error)}"
        return
    if len(text) > _LONGEST:
        yield f"repr() is {len(text)} characters long"


@check("extra", point="objects", each=tuple(KINDS))
def extra_is_a_dict(subject: Subject, kind: str) -> str:
    """What only this provider has stands in a dict, which may be empty."""
    return _all(subject, kind, _extra_faults, "has a dict as extra")


def _extra_faults(thing: Any) -> Iterator[str]:
    extra = getattr(thing, "extra", None)
    if not isinstance(extra, dict):
        yield f"extra is {type(extra).__name__}"


@check("numbers.sizes", point="objects", needs=("list_sizes",))
def sizes_are_numbers(subject: Subject) -> str:
    """Programs compare sizes by memory, disk and price, which ``None`` breaks."""
    return _all(subject, "sizes", _number_faults, "has numbers as ram, disk and price")


def _number_faults(size: Any) -> Iterator[str]:
    for name in ("ram", "disk", "price"):
        value = getattr(size, name, None)
        if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
            yield f"{name} is {value!r}"


@check("addresses.nodes", point="objects", needs=("list_nodes",))
def addresses_are_lists(subject: Subject) -> str:
    """Programs add the lists of addresses, which ``None`` breaks."""
    return _all(subject, "nodes", _address_faults, "has lists of addresses")


def _address_faults(node: Any) -> Iterator[str]:
    for name in ("public_ips", "private_ips"):
        value = getattr(node, name, None)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            yield f"{name} is {value!r}"


@check("state.nodes", point="objects", needs=("list_nodes",))
def states_are_libclouds(subject: Subject) -> str:
    """A state that is no ``NodeState`` breaks comparisons, and printing the node."""
    return _all(subject, "nodes", _state_faults, "has a NodeState as state")


def _state_faults(node: Any) -> Iterator[str]:
    state = getattr(node, "state", None)
    if not isinstance(state, NodeState):
        yield f"state is {state!r}"


def node_faults(node: Any) -> list[str]:
    """
    All that is wrong with one node.

    :param node: The node.
    :returns: A few words for each fault.
    """
    if not isinstance(node, KINDS["nodes"].cls):
        return [f"it is {type(node).__name__} instead of a Node"]
    looks = (
        _id_faults,
        _attribute_faults,
        _repr_faults,
        _extra_faults,
        _address_faults,
        _state_faults,
    )
    return [fault for look in looks for fault in look(node)]


def _all(subject: Subject, kind: str, look: Callable[[Any], Iterator[str]], praise: str) -> str:
    things = subject.listed(kind)
    faults = [f"{_name(thing)}: {fault}" for thing in things for fault in look(thing)]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise Failed(f"{'; '.join(faults[:_SHOWN])}{more}.")
    return f"Each of {len(things)} {praise}."


def _name(thing: Any) -> str:
    return str(getattr(thing, "id", None) or getattr(thing, "name", None))
