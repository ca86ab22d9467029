"""Limits on what a user may start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from slipstream.filters import parse
from slipstream.sandbox.slipstream3.access import Identity
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.machines import describe
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.runs import Machine, Run
from slipstream.sandbox.store import Document, Query, Store

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

MOST_MACHINES = 300


def check(world: World, account: Account, run: Run, wanted: Sequence[Machine]) -> None:
    """
    Make sure that machines may be started.

    :param world: The world.
    :param account: Who asks.
    :param run: The run they belong to.
    :param wanted: The machines.
    :raises XmlProblem: 409 if a limit would be passed.
    """
    if world.version.since(47) and len(run.machines) > MOST_MACHINES:
        raise XmlProblem(409, f"Limit exceeded. Maximum {MOST_MACHINES} VMs per deployment.")
    if not world.version.since(39):
        _check_connectors(world, account, wanted)
        return
    identity = Identity(account.name, tuple(account.login_roles))
    future = [
        describe(world, run, one, owner=account.name, state="pending", now=world.now())
        for one in wanted
    ]
    for quota in world.store.collection("quota"):
        if identity.may_view(quota["acl"]):
            _check_quota(world, account, quota, future)


def _check_connectors(world: World, account: Account, wanted: Sequence[Machine]) -> None:
    for cloud in sorted({machine.cloud for machine in wanted}):
        limit = int(world.connectors[cloud]["quotaVm"])
        requested = sum(1 for machine in wanted if machine.cloud == cloud)
        href = f"connector/{cloud}"
        mine = Identity(account.name)
        current = sum(
            one["connector"]["href"] == href and mine.may_view(one["acl"])
            for one in world.store.collection("virtual-machine")
        )
        if current + requested > limit:
            raise XmlProblem(
                409,
                f"Concurrent VM quota exceeded (quota={limit}, current={current}, "
                f"requested={requested})",
            )


def _check_quota(
    world: World, account: Account, quota: Document, future: Iterable[Document]
) -> None:
    current = measure(world, quota, user=account.name)
    requested = _total(quota, future)
    if current + requested > quota["limit"]:
        name = quota.get("name", quota["id"])
        raise XmlProblem(
            409,
            f"Quota '{name}' exceeded (quota={quota['limit']}, current={current}, "
            f"requested={requested})",
        )


def measure(world: World, quota: Document, *, user: str | None) -> int:
    """
    Count what a quota is about.

    :param world: The world.
    :param quota: The quota's document.
    :param user: Only what this user may see; everything, if None.
    :returns: The present amount.
    """
    everything = world.store.collection("virtual-machine")
    identity = Identity(user, ("USER", "ANON"))
    mine = (one for one in everything if user is None or identity.may_view(one["acl"]))
    return _total(quota, mine)


def _total(quota: Document, documents: Iterable[Document]) -> int:
    algorithm, _, attribute = quota["aggregation"].partition(":")
    scratch = Store()
    for place, document in enumerate(documents):
        scratch.put({**document, "id": f"virtual-machine/{place}"})
    query = Query(filter=parse(quota["selection"]), last=0, aggregations=((algorithm, attribute),))
    found: Any = scratch.search("virtual-machine", query).aggregations
    return int(found[f"{algorithm}:{attribute}"]["value"] or 0)
