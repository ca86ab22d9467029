"""
Deployments as XML documents.

Source: SlipStreamServer, jar-persistence Run.java, RunView.java and Vm.java.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from slipstream.sandbox.slipstream3 import machines, module_xml
from slipstream.sandbox.slipstream3.access import Identity
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.java_moments import java
from slipstream.sandbox.slipstream3.parameters import parameter_map, string_array
from slipstream.sandbox.slipstream3.runs import ENDED, Run, RuntimeParameter
from slipstream.sandbox.slipstream3.xmltext import Element, entries

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_MAP = "org.hibernate.collection.internal.PersistentMap"


@attrs.frozen(kw_only=True)
class Page:
    """
    Which part of a list is wanted.

    :param offset: How many to leave out.
    :param limit: How many to return at most.
    :param cloud: Only what has this text among its clouds.
    """

    offset: int = 0
    limit: int = 20
    cloud: str = ""


@attrs.frozen(kw_only=True)
class RunQuery:
    """
    Which runs are wanted.

    :param page: The part of the list.
    :param owner: Only runs of this user; anyone's, if None.
    :param active: Leave out those that have ended.
    :param module: Only runs of this module, as ``module/PATH/VERSION``.
    """

    page: Page = attrs.field(factory=Page)
    owner: str | None = None
    active: bool = False
    module: str | None = None

    def matches(self, run: Run) -> bool:
        """
        Judge a run.

        :param run: The run.
        :returns: Whether it is wanted.
        """
        return (
            self.owner in {None, run.owner}
            and not (self.active and run.state in ENDED)
            and self.module in {None, "", run.module.uri}
            and self.page.cloud in ",".join(run.clouds)
        )


def run_list(world: World, query: RunQuery, *, shows_cloud: bool = True) -> Element:
    """
    Write a list of runs, newest first.

    :param world: The world.
    :param query: Which ones.
    :param shows_cloud: Whether to repeat the cloud that was asked for.
    :returns: The ``runs`` element.
    """
    newest_first = sorted(world.runs.values(), key=lambda run: run.created, reverse=True)
    found = [run for run in newest_first if query.matches(run)]
    page = query.page
    items = [_item(world, run) for run in found[page.offset : page.offset + page.limit]]
    attributes = {
        "offset": page.offset,
        "limit": page.limit,
        "count": len(items),
        "totalCount": len(found),
        "cloud": page.cloud if shows_cloud else None,
    }
    return Element("runs", attributes, items)


def _item(world: World, run: Run) -> Element:
    return Element(
        "item",
        {
            "resourceUri": run.href,
            "uuid": run.uuid,
            "moduleResourceUri": run.module.uri,
            "status": run.state,
            "abort": run.abort_reason,
            "startTime": java(run.created),
            "cloudServiceNames": ",".join(run.clouds),
            "username": run.owner,
            "type": run.kind,
            "tags": run.get("ss:tags"),
            "serviceUrl": run.get("ss:url.service"),
            "activeVm": machines.active_count(world, run),
        },
    )


def run_document(world: World, run: Run) -> Element:
    """
    Write one run.

    :param world: The world.
    :param run: The run.
    :returns: The ``run`` element.
    """
    created = java(run.created)
    runtime = [(one.key, _runtime(one, created)) for one in run.runtime.values()]
    return Element(
        "run",
        {
            "creation": created,
            "category": run.module.category,
            "deleted": False,
            "resourceUri": run.href,
            "uuid": run.uuid,
            "type": run.kind,
            "cloudServiceNames": ",".join(run.clouds),
            "state": run.state,
            "moduleResourceUri": run.module.uri,
            "startTime": created,
            "endTime": java(run.ended) if run.ended else None,
            "lastStateChangeTime": java(run.changed),
            "nodeNames": ",".join(run.node_names),
            "user": run.owner,
            "mutable": run.mutable,
        },
        [
            parameter_map(run.parameters.values(), kind=_MAP),
            Element("runtimeParameters", {"class": _MAP}, entries(runtime, cdata=True)),
            module_xml.inner(world, run.module),
            string_array("cloudServiceNamesList", run.clouds),
        ],
    )


def _runtime(parameter: RuntimeParameter, created: str) -> Element:
    is_global = parameter.group == "ss"
    return Element(
        "runtimeParameter",
        {
            "description": parameter.description,
            "deleted": False,
            "creation": created,
            "key": parameter.key,
            "isSet": bool(parameter.value),
            "group": "Global" if is_global else parameter.group,
            "mapsOthers": bool(parameter.targets),
            "type": parameter.type,
            "mappedRuntimeParameterNames": ",".join(parameter.targets),
            "isMappedValue": parameter.is_mapped,
            "name": parameter.name if is_global else None,
        },
        text=parameter.value,
        cdata=True,
    )


def dashboard(world: World, account: Account) -> Element:
    """
    Write the summary of a user's use of the clouds.

    :param world: The world.
    :param account: The user.
    :returns: The ``dashboard`` element.
    """
    clouds = sorted(world.connectors)
    active = [
        run for run in world.runs.values() if run.owner == account.name and run.state not in ENDED
    ]
    usages = [_usage(world, cloud, active) for cloud in clouds]
    total = dict(usages[0].attributes)
    for name in total:
        if name != "cloud":
            total[name] = str(sum(int(usage.attributes[name]) for usage in usages))
    total["cloud"] = "All Clouds"
    names = [Element("string", text=cloud) for cloud in clouds]
    kind = {"class": "java.util.ArrayList"}
    every = [*usages, Element("cloudUsage", total)]
    return Element(
        "dashboard", {}, [Element("clouds", kind, names), Element("cloudUsages", kind, every)]
    )


def _usage(world: World, cloud: str, active: list[Run]) -> Element:
    mine = [run for run in active if cloud in run.clouds]
    counts = not world.version.since(71)
    present = [one for run in mine for one in run.machines if one.cloud == cloud and one.document]
    return Element(
        "cloudUsage",
        {
            "cloud": cloud,
            "vmQuota": world.connectors[cloud]["quotaVm"],
            "userRunUsage": len(mine),
            "userVmUsage": len(present) if counts else 0,
            "userInactiveVmUsage": 0,
            "othersVmUsage": 0,
            "pendingVmUsage": 0,
            "unknownVmUsage": 0,
        },
    )


def machine_list(world: World, identity: Identity, page: Page, run: str, user: str) -> Element:
    """
    Write the list of virtual machines that servers before v3.62 have.

    :param world: The world.
    :param identity: Who asks.
    :param page: The part of the list.
    :param run: Only machines of this run, unless empty.
    :param user: The name to repeat.
    :returns: The ``vms`` element.
    """
    found = [
        one
        for one in world.store.collection("virtual-machine")
        if identity.may_view(one["acl"])
        and page.cloud in one["connector"]["href"]
        and run in one.get("deployment", {}).get("href", "")
    ]
    found.sort(key=lambda one: str(one["updated"]), reverse=True)
    items = [_machine(world, one, user) for one in found[page.offset : page.offset + page.limit]]
    attributes = {
        "offset": page.offset,
        "limit": page.limit,
        "count": len(items),
        "totalCount": len(found),
        "cloud": page.cloud,
        "runUuid": run,
        "user": user,
    }
    return Element("vms", attributes, items)


def _machine(world: World, document: dict[str, object], user: str) -> Element:
    offer = document["serviceOffer"]
    deployment = document.get("deployment")
    assert isinstance(offer, dict)  # noqa: S101
    uuid = str(deployment["href"])[4:] if isinstance(deployment, dict) else None
    run = world.runs.get(uuid or "")
    at = (
        next((one for one in run.machines if one.document == document["id"]), None)
        if run
        else None
    )
    connector = document["connector"]
    assert isinstance(connector, dict)  # noqa: S101
    measured = datetime.fromisoformat(str(document["updated"]))
    return Element(
        "vm",
        {
            "cloud": str(connector["href"]).removeprefix("connector/"),
            "user": user,
            "instanceId": document["instanceID"],
            "state": document["state"],
            "measurement": java(measured),
            "runUuid": uuid,
            "runOwner": run.owner if run else None,
            "ip": document.get("ip"),
            "name": at.group if at else None,
            "nodeName": at.node if at and at.node != "machine" else None,
            "nodeInstanceId": at.index if at and at.node not in {None, "machine"} else None,
            "isUsable": str(document["state"]).lower() == "running",
            "cpu": offer.get("resource:vcpu"),
            "ram": offer.get("resource:ram"),
            "disk": offer.get("resource:disk"),
            "instanceType": offer.get("resource:instanceType"),
        },
    )
