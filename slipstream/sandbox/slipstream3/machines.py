"""The virtual machines, as the clouds report them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.moments import iso
from slipstream.sandbox.slipstream3.access import visible_to
from slipstream.sandbox.slipstream3.runs import Machine, Run

if TYPE_CHECKING:
    from datetime import datetime

    from slipstream.sandbox.slipstream3.world import World

_OFFER_FIELDS = (
    "resource:vcpu",
    "resource:ram",
    "resource:disk",
    "resource:instanceType",
    "price:currency",
    "price:unitCost",
    "price:billingPeriodCode",
    "price:freeUnits",
    "price:unitCode",
)


def offer_of(world: World, machine: Machine) -> dict[str, Any]:
    """
    Find the service offer that a machine corresponds to.

    :param world: The world.
    :param machine: The machine.
    :returns: A copy of the part of the offer that virtual machines carry.
    """
    offer = world.store.get(machine.offer) if machine.offer else _nearest(world, machine)
    if offer is None:
        return {"href": "service-offer/unknown"}
    return {"href": offer["id"], **{key: offer[key] for key in _OFFER_FIELDS if key in offer}}


def _nearest(world: World, machine: Machine) -> dict[str, Any] | None:
    kind = machine.size.get("instance.type")
    for offer in world.store.collection("service-offer"):
        of_cloud = offer["connector"]["href"] == machine.cloud and offer["resource:type"] == "VM"
        if of_cloud and kind in {None, offer.get("resource:instanceType")}:
            return offer
    return None


def describe(
    world: World, run: Run | None, machine: Machine, *, owner: str, state: str, now: datetime
) -> dict[str, Any]:
    """
    Write the document of a machine.

    :param world: The world.
    :param run: The run it belongs to; None for a machine started by other means.
    :param machine: The machine.
    :param owner: Who sees it.
    :param state: The state word, in lower case.
    :param now: The moment of measurement.
    :returns: The document.
    """
    modern = world.version.since(42)
    document: dict[str, Any] = {
        "id": _identifier(world, machine),
        "resourceURI": "http://sixsq.com/slipstream/1/VirtualMachine",
        "created": iso(now),
        "updated": iso(now),
        "connector": {"href": f"connector/{machine.cloud}"},
        "instanceID": machine.instance,
        "state": state if modern else _old_word(state),
        "credentials": [{"href": world.cloud_credential(owner, machine.cloud)}],
        "serviceOffer": offer_of(world, machine),
        "acl": visible_to(owner),
    }
    if machine.ip:
        document["ip"] = machine.ip
    if run is not None:
        document["deployment"] = {"href": run.href, "user": {"href": f"user/{run.owner}"}}
    if world.version.since(57):
        document["currency"] = "EUR"
    if world.version.since(59):
        document["billable"] = state == "running"
    return document


def _old_word(state: str) -> str:
    return {"pending": "Booting"}.get(state, state.capitalize())


def _identifier(world: World, machine: Machine) -> str:
    if machine.document:
        return machine.document
    if world.version.since(42):
        name = f"{machine.cloud}:{machine.instance}"
        return f"virtual-machine/{uuid.uuid3(uuid.NAMESPACE_OID, name)}"
    return f"virtual-machine/{world.ids.uuid()}"


def report(world: World, run: Run, machine: Machine, state: str, now: datetime) -> None:
    """
    Let the collection of virtual machines know about a machine.

    :param world: The world.
    :param run: Its run.
    :param machine: The machine; gets an identifier if it has none.
    :param state: Its state, in lower case.
    :param now: The moment.
    """
    machine.instance = machine.instance or world.ids.uuid()
    fresh = describe(world, run, machine, owner=run.owner, state=state, now=now)
    old = world.store.get(fresh["id"])
    fresh["created"] = old["created"] if old else fresh["created"]
    machine.document = fresh["id"]
    world.store.put(fresh)
    run.put(f"{machine.group}:instanceid", machine.instance)
    if machine.ip:
        run.put(f"{machine.group}:hostname", machine.ip)
    run.put(f"{machine.group}:vmstate", fresh["state"])


def vanish(world: World, run: Run, machine: Machine) -> None:
    """
    Take a machine out of its cloud.

    :param world: The world.
    :param run: Its run.
    :param machine: The machine.
    """
    if machine.document:
        world.store.remove(machine.document)
        run.put(f"{machine.group}:vmstate", "Unknown" if world.version.since(41) else "Terminated")


def active_count(world: World, run: Run) -> int:
    """
    Count the machines of a run that exist.

    :param world: The world.
    :param run: The run.
    :returns: The number.
    """
    return sum(1 for one in run.machines if one.document and one.document in world.store)
