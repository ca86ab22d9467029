"""Objects call their driver by the base's names, and those made by hand are as good as others."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.compute.base import NodeLocation, StorageVolume

from slipstream.conformance.contract import KINDS
from slipstream.conformance.methods import NOWHERE, stand_ins
from slipstream.conformance.registry import Failed, NotApplicable, Skipped, check
from slipstream.conformance.subject import Subject, described

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
"""The methods of objects, and the method of the driver that each is to call."""

_NEEDED = {"attach": (stand_ins(None)["node"],), "snapshot": (NOWHERE,)}
_OF_SNAPSHOTS = ("list_volume_snapshots", "create_volume_snapshot", "destroy_volume_snapshot")


class Recorder:
    """
    Stands in for a driver: it writes down what is called, and sends nothing.

    :param driver: The driver whose methods' arguments it knows.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.called: list[str] = []
        self.type, self.name = driver.type, driver.name

    def __getattr__(self, name: str) -> Any:
        signature = inspect.signature(getattr(self._driver, name))

        def call(*args: Any, **kwargs: Any) -> bool:
            signature.bind(*args, **kwargs)
            self.called.append(name)
            return True

        return call


@check("calls-driver", point="objects", each=tuple(CALLS))
def objects_call_their_driver(subject: Subject, what: str) -> str:
    """``node.destroy()`` and its like reach the driver with arguments that it takes."""
    recorder = Recorder(subject.driver)
    thing = _example(subject, what)
    thing.driver = recorder
    for own, wanted in CALLS[what].items():
        recorder.called.clear()
        try:
            getattr(thing, own)(*_NEEDED.get(own, ()))
        except Exception as error:  # noqa: BLE001 - a driver's own object may raise any
            raise Failed(f"{what}.{own}() raises {described(error)}") from None
        if recorder.called != [wanted]:
            found = ", ".join(recorder.called) or "nothing"
            raise Failed(f"{what}.{own}() calls {found} instead of {wanted}.")
    return f"A {what} reaches the driver by {', '.join(CALLS[what])}."


def _example(subject: Subject, what: str) -> Any:
    """A copy of one that was listed, or one made by hand."""
    if what == "snapshot" and not any(map(subject.own, _OF_SNAPSHOTS)):
        raise NotApplicable("The driver has no snapshots.")
    if what != "snapshot":
        try:
            return copy.copy(subject.listed(f"{what}s")[0])
        except (NotApplicable, Skipped):
            if not subject.own(f"list_{what}s"):
                raise
    return stand_ins(None)[what]


@check("by-hand", point="objects", each=("list_images", "list_sizes"), needs=("list_locations",))
def places_made_by_hand_are_taken(subject: Subject, method: str) -> str:
    """A program that has stored the id of a location makes the location by hand."""
    if not subject.own(method):
        raise NotApplicable(f"The driver has no {method}() of its own.")
    listed = subject.listed("locations")[0]
    kind = KINDS[method.removeprefix("list_")]
    try:
        wanted = subject.ask(method, location=listed)
    except (LibcloudError, ValueError) as error:
        raise NotApplicable(f"{method}(location) is refused: {described(error)}") from None
    by_hand = NodeLocation(listed.id, "", "", subject.driver)
    found = subject.ask(method, location=by_hand)
    if sorted(map(kind.identity, found)) != sorted(map(kind.identity, wanted)):
        raise Failed(f"{method}() gives {len(found)} for it, and {len(wanted)} for a listed one.")
    return f"{method}() gives the same {len(found)} as for the location that was listed."


@check("by-hand.list_volume_snapshots", point="objects", needs=("list_volume_snapshots",))
def volumes_made_by_hand_are_taken(subject: Subject) -> str:
    """A program that has stored the id of a volume makes the volume by hand."""
    listed = subject.listed("volumes")[0]
    by_hand = StorageVolume(listed.id, "", 0, subject.driver)
    found = subject.ask("list_volume_snapshots", by_hand)
    return f"list_volume_snapshots() gives {len(found)} for it."
