"""
Deployments as XML documents.

Source: SlipStreamServer, jar-persistence Run.java, RunView.java and Vm.java.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from slipstream.sandbox.slipstream3.module_xml import PERSISTENT_MAP, module_in_run
from slipstream.sandbox.slipstream3.modules import parameter_map
from slipstream.sandbox.slipstream3.runs import ENDED, Run, RuntimeParameter
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import Element, entries, java_timestamp, string_array
from slipstream.sandbox.store import Document


@attrs.frozen(kw_only=True)
class RunQuery:
    """A search for runs: those of a cloud, an owner or a module, and the active ones, if given."""

    offset: int = 0
    limit: int = 20
    cloud: str | None = None
    owner: str | None = None
    active: bool = False
    module: str | None = None

    def matches(self, run: Run) -> bool:
        """Whether a run belongs to the result."""
        return (
            self.owner in {None, run.owner}
            and not (self.active and run.state in ENDED)
            and self.module in {None, "", run.module.uri}
            and (self.cloud or "") in ",".join(run.clouds)
        )


def run_list(state: State, query: RunQuery) -> Element:
    """The ``runs`` that a query finds, newest first."""
    newest_first = sorted(state.runs.values(), key=lambda run: run.created, reverse=True)
    matches = [run for run in newest_first if query.matches(run)]
    items = [_item(state, run) for run in matches[query.offset : query.offset + query.limit]]
    attributes = {
        "offset": query.offset,
        "limit": query.limit,
        "count": len(items),
        "totalCount": len(matches),
        "cloud": query.cloud,
    }
    return Element("runs", attributes, items)


def _item(state: State, run: Run) -> Element:
    documents = [machine.document for machine in run.machines]
    return Element(
        "item",
        {
            "resourceUri": run.href,
            "uuid": run.uuid,
            "moduleResourceUri": run.module.uri,
            "status": run.state,
            "abort": run.abort_reason,
            "startTime": java_timestamp(run.created),
            "cloudServiceNames": ",".join(run.clouds),
            "username": run.owner,
            "type": run.kind,
            "tags": run.get("ss:tags"),
            "serviceUrl": run.get("ss:url.service"),
            "activeVm": sum((document or "") in state.store for document in documents),
        },
    )


def dashboard(connectors: Mapping[str, Document], active: Sequence[str]) -> Element:
    """What a user runs on each cloud; the active runs of the user are passed by their clouds."""
    quotas = {cloud: int(document["quotaVm"]) for cloud, document in connectors.items()}
    rows = [(cloud, quota, active.count(cloud)) for cloud, quota in quotas.items()]
    rows.append(("All Clouds", sum(quotas.values()), len(active)))
    usages = [
        Element("cloudUsage", {"cloud": cloud, "vmQuota": quota, "userRunUsage": usage})
        for cloud, quota, usage in rows
    ]
    clouds = [Element("string", text=cloud) for cloud in quotas]
    kind = {"class": "java.util.ArrayList"}
    return Element(
        "dashboard",
        children=[Element("clouds", kind, clouds), Element("cloudUsages", kind, usages)],
    )


def run_document(state: State, run: Run) -> Element:
    """The ``run`` element of a run."""
    created = java_timestamp(run.created)
    runtime = [(key, _runtime(parameter, created)) for key, parameter in run.runtime.items()]
    orchestrators_last = sorted(run.machines, key=lambda machine: machine.is_orchestrator)
    return Element(
        "run",
        {
            "category": run.module.category,
            "deleted": False,
            "resourceUri": run.href,
            "uuid": run.uuid,
            "type": run.kind,
            "cloudServiceNames": ",".join(run.clouds),
            "state": run.state,
            "moduleResourceUri": run.module.uri,
            "startTime": created,
            "endTime": java_timestamp(run.ended) if run.ended else None,
            "lastStateChangeTime": java_timestamp(run.changed),
            "nodeNames": ",".join(machine.group for machine in orchestrators_last),
            "user": run.owner,
            "mutable": run.mutable,
            "creation": created,
            "groups": ",".join(run.nodes),
        },
        [
            Element("runtimeParameters", {"class": PERSISTENT_MAP}, entries(runtime, cdata=True)),
            module_in_run(state, run.module),
            parameter_map(run.parameters.values(), kind=PERSISTENT_MAP),
            string_array("cloudServiceNamesList", run.clouds),
        ],
    )


def _runtime(parameter: RuntimeParameter, created: str) -> Element:
    return Element(
        "runtimeParameter",
        {
            "description": parameter.description,
            "deleted": False,
            "key": parameter.key,
            "isSet": bool(parameter.value),
            "name": parameter.name,
            "group": "Global" if parameter.group == "ss" else parameter.group,
            "mapsOthers": bool(parameter.targets),
            "type": parameter.type,
            "mappedRuntimeParameterNames": ",".join(parameter.targets),
            "isMappedValue": parameter.is_mapped,
            "creation": created,
        },
        text=parameter.value,
        cdata=True,
    )
