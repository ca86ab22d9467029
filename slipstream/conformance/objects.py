"""Checks of resources and lists: attributes, and the methods of the driver that they call."""

from __future__ import annotations

import copy
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from unittest import mock

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeLocation, StorageVolume
from libcloud.compute.types import NodeState

from slipstream.conformance.methods import KINDS, MISSING, identity, placeholders
from slipstream.conformance.subject import (
    Failed,
    NotApplicable,
    Skipped,
    Subject,
    check,
    describe,
    expect,
)

CALLS = {
    "node": {
        "reboot": "reboot_node",
        "start": "start_node",
        "stop_node": "stop_node",
        "destroy": "destroy_node",
    },
    "volume": {
        "attach": "attach_volume",
        "detach": "detach_volume",
        "snapshot": "create_volume_snapshot",
        "list_snapshots": "list_volume_snapshots",
        "destroy": "destroy_volume",
    },
    "snapshot": {"destroy": "destroy_volume_snapshot"},
}
"""The methods of resources, and the method of the driver that each is to call."""

_ARGUMENTS = {"attach": (placeholders(None)["node"],), "snapshot": (MISSING,)}
_SNAPSHOTS = ("list_volume_snapshots", "create_volume_snapshot", "destroy_volume_snapshot")
_LONGEST = 500
_PRINTED = 3
Look = Callable[[Any], Iterator[str]]
_NODE_FAULTS: list[Look] = []


@check("calls-driver", point="objects", each=tuple(CALLS))
def resources_call_their_driver(subject: Subject, kind: str) -> str:
    """``node.destroy()`` and its like call the driver with arguments that it takes."""
    resource = _example(subject, kind)
    # It checks the arguments by the signatures of the real one, and sends nothing.
    resource.driver = mock.create_autospec(type(subject.driver), instance=True)
    for method, expected in CALLS[kind].items():
        resource.driver.reset_mock()
        try:
            getattr(resource, method)(*_ARGUMENTS.get(method, ()))
        except Exception as error:  # noqa: BLE001 - a driver's own resource may raise any
            raise Failed(f"{kind}.{method}() raises {describe(error)}") from None
        calls = [call[0] for call in resource.driver.method_calls]
        if calls != [expected]:
            names = ", ".join(calls) or "nothing"
            raise Failed(f"{kind}.{method}() calls {names} instead of {expected}.")
    return f"A {kind} calls the driver by {', '.join(CALLS[kind])}."


def _example(subject: Subject, kind: str) -> Any:
    """A copy of a listed resource, or a placeholder."""
    if kind == "snapshot":
        if not any(map(subject.overrides, _SNAPSHOTS)):
            raise NotApplicable("The driver has no snapshots.")
        return placeholders(None)[kind]
    try:
        return copy.copy(subject.listed(f"{kind}s")[0])
    except (NotApplicable, Skipped):
        if not subject.overrides(f"list_{kind}s"):
            raise
        return placeholders(None)[kind]


@check("by-hand", point="objects", each=("list_images", "list_sizes"), needs=("list_locations",))
def constructed_locations_are_accepted(subject: Subject, method: str) -> str:
    """A program that stores the id of a location constructs the location from it."""
    subject.require(method)
    location = subject.listed("locations")[0]
    try:
        expected = subject.call(method, location=location)
    except (LibcloudError, ValueError) as error:
        raise NotApplicable(f"{method}(location) is refused: {describe(error)}") from None
    resources = subject.call(method, location=NodeLocation(location.id, "", "", subject.driver))
    if sorted(map(identity, resources)) != sorted(map(identity, expected)):
        raise Failed(
            f"{method}() returns {len(resources)} for it, and {len(expected)} for a listed one."
        )
    return f"{method}() returns the same {len(resources)} as for the listed location."


@check("by-hand.list_volume_snapshots", point="objects", needs=("list_volume_snapshots",))
def constructed_volumes_are_accepted(subject: Subject) -> str:
    """A program that stores the id of a volume constructs the volume from it."""
    volume = StorageVolume(subject.listed("volumes")[0].id, "", 0, subject.driver)
    return f"list_volume_snapshots() returns {len(subject.call('list_volume_snapshots', volume))}."


def check_each(name: str, praise: str, kind: str | None = None) -> Callable[[Look], Look]:
    """Add a check of the faults of each listed resource, of one kind or of every one."""

    def register(look: Look) -> Look:
        def function(subject: Subject, kind: str) -> str:
            resources = subject.listed(kind)
            faults = [
                f"{getattr(item, 'id', None) or getattr(item, 'name', None)}: {fault}"
                for item in resources
                for fault in look(item)
            ]
            if not faults:
                return f"Each of {len(resources)} {praise}."
            more = f"; and {len(faults) - _PRINTED} more" if len(faults) > _PRINTED else ""
            raise Failed(f"{'; '.join(faults[:_PRINTED])}{more}.")

        if kind in {None, "nodes"}:
            _NODE_FAULTS.append(look)
        needs = () if kind is None else (f"list_{kind}",)
        kinds = tuple(KINDS) if kind is None else (kind,)
        check(name, point="objects", each=kinds, needs=needs)(function)
        return look

    return register


@check_each("ids", "has an id")
def id_faults(resource: Any) -> Iterator[str]:
    """An id is a string that can be stored and used again; a key pair has a name instead."""
    value = resource.id if hasattr(resource, "id") else resource.name
    if not isinstance(value, str) or not value:
        yield f"the id {value!r} is not a string, or empty"


@check_each("attributes", "has readable attributes")
def attribute_faults(resource: Any) -> Iterator[str]:
    """Reading an attribute never raises, since some programs read all of them."""
    for name in dir(resource):
        try:
            getattr(resource, name)
        except Exception as error:  # noqa: BLE001 - a property may raise any
            yield f"{name} raises {describe(error)}"


@check_each("repr", "has a short repr")
def repr_faults(resource: Any) -> Iterator[str]:
    """Printing a resource works, since programs log it."""
    try:
        text = repr(resource)
    except Exception as error:  # noqa: BLE001 - a repr may raise any
        yield f"repr() raises {describe(error)}"
        return
    if len(text) > _LONGEST:
        yield f"repr() is {len(text)} characters long"


@check_each("extra", "has a dict as extra, which JSON can hold")
def extra_faults(resource: Any) -> Iterator[str]:
    """``extra`` is a dict that can be written as JSON, since programs store it."""
    extra = getattr(resource, "extra", None)
    if not isinstance(extra, dict):
        yield f"extra is {type(extra).__name__}"
        return
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as error:
        yield f"extra cannot be written as JSON: {error}"


@check_each("numbers", "has numbers as ram, disk and price", "sizes")
def number_faults(size: Any) -> Iterator[str]:
    """Memory, disk and price are numbers, since programs compare sizes by them."""
    for name in ("ram", "disk", "price"):
        value = getattr(size, name, None)
        if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
            yield f"{name} is {value!r}"


@check_each("addresses", "has lists of addresses", "nodes")
def address_faults(node: Any) -> Iterator[str]:
    """Addresses are lists, since programs add them."""
    for name in ("public_ips", "private_ips"):
        value = getattr(node, name, None)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            yield f"{name} is {value!r}"


@check_each("state", "has a NodeState as state", "nodes")
def state_faults(node: Any) -> Iterator[str]:
    """The state is a ``NodeState``; another one breaks comparisons, and printing the node."""
    state = getattr(node, "state", None)
    if not isinstance(state, NodeState):
        yield f"state is {state!r}"


def node_faults(node: Any) -> list[str]:
    """The faults of one node."""
    if not isinstance(node, Node):
        return [f"it is {type(node).__name__} instead of a Node"]
    return [fault for look in _NODE_FAULTS for fault in look(node)]


_RUNS = 3


@check("list", point="lists", each=tuple(KINDS))
def list_is_a_list(subject: Subject, kind: str) -> str:
    """A list method returns a list of the right class, without repetition."""
    resources = subject.listing(kind)
    if not isinstance(resources, list):
        raise Failed(f"list_{kind}() returns {type(resources).__name__} instead of a list.")
    cls = KINDS[kind]
    others = {type(item).__name__ for item in resources if not isinstance(item, cls)}
    expect(not others, f"list_{kind}() returns {', '.join(sorted(others))}, not {cls.__name__}.")
    repeated = [str(key) for key, count in _identities(resources).items() if count > 1]
    if repeated:
        raise Failed(f"{len(repeated)} of {len(resources)} ids are repeated: {repeated[0]}.")
    return f"list_{kind}() returns {len(resources)} without repetition."


@check("stable", point="lists", each=tuple(KINDS))
def list_is_stable(subject: Subject, kind: str) -> str:
    """Two calls return the same list."""
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
    """The iterator beside a list yields the same."""
    listed, method = _identities(subject.listed(kind)), f"ex_iterate_{kind}"
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
    expect(identity(pair) == identity(listed), f"get_key_pair({listed.name!r}) returns {pair!r}.")
    return f"get_key_pair() finds {listed.name}."


def _identities(resources: Iterable[Any]) -> Counter[Any]:
    return Counter(map(identity, resources))
