"""
Deployments as XML documents.

Source: SlipStreamServer, jar-persistence Run.java, RunView.java and Vm.java.
"""

from __future__ import annotations

from collections.abc import Iterable

from slipstream.sandbox.slipstream3.module_xml import PERSISTENT_MAP, module_in_run
from slipstream.sandbox.slipstream3.modules import parameter_map
from slipstream.sandbox.slipstream3.runs import ENDED, Run, RuntimeParameter
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import Element, attributes_of, entries, string_array

_ITEM = (
    "resourceUri=href uuid moduleResourceUri=module.uri status=state abort=abort_reason "
    "startTime=created username=owner type=kind"
)
_RUN = (
    "category=module.category resourceUri=href uuid type=kind state moduleResourceUri=module.uri "
    "startTime=created endTime=ended lastStateChangeTime=changed user=owner mutable "
    "creation=created groups=nodes cloudServiceNames=clouds"
)
_RUNTIME = "description key name type isMappedValue=is_mapped mappedRuntimeParameterNames=targets"


def run_list(
    state: State,
    *,
    offset: int = 0,
    limit: int = 20,
    cloud: str | None = None,
    owner: str | None = None,
    active: bool = False,
    module: str | None = None,
) -> Element:
    """The newest runs of a cloud, an owner or a module, and the active ones, if given."""
    runs = [
        run
        for run in sorted(state.runs.values(), key=lambda run: run.created, reverse=True)
        if owner in {None, run.owner}
        and not (active and run.state in ENDED)
        and module in {None, "", run.module.uri}
        and (cloud or "") in ",".join(run.clouds)
    ]
    items = [_item(state, run) for run in runs[offset : offset + limit]]
    counts = {"count": len(items), "totalCount": len(runs)}
    return Element("runs", {"offset": offset, "limit": limit, **counts, "cloud": cloud}, items)


def _item(state: State, run: Run) -> Element:
    more = {
        "cloudServiceNames": run.clouds,
        "tags": run.get("ss:tags"),
        "serviceUrl": run.get("ss:url.service"),
        "activeVm": sum((machine.document or "") in state.store for machine in run.machines),
    }
    return Element("item", attributes_of(run, _ITEM) | more)


def dashboard(state: State, runs: Iterable[Run]) -> Element:
    """How much of each cloud some runs use."""
    active = [cloud for run in runs if run.state not in ENDED for cloud in run.clouds]
    quotas = {cloud: int(document["quotaVm"]) for cloud, document in state.connectors.items()}
    rows = [(cloud, quota, active.count(cloud)) for cloud, quota in quotas.items()]
    rows.append(("All Clouds", sum(quotas.values()), len(active)))
    usages = [
        Element("cloudUsage", {"cloud": cloud, "vmQuota": quota, "userRunUsage": usage})
        for cloud, quota, usage in rows
    ]
    clouds = [Element("string", text=cloud) for cloud in quotas]
    kind = {"class": "java.util.ArrayList"}
    lists = [Element("clouds", kind, clouds), Element("cloudUsages", kind, usages)]
    return Element("dashboard", children=lists)


def run_document(state: State, run: Run) -> Element:
    """The ``run`` element of a run."""
    created = {"creation": run.created, "deleted": False}
    runtime = [(key, _runtime(parameter, created)) for key, parameter in run.runtime.items()]
    orchestrators_last = sorted(run.machines, key=lambda machine: machine.component is None)
    names = {"nodeNames": [machine.group for machine in orchestrators_last], "deleted": False}
    return Element(
        "run",
        attributes_of(run, _RUN) | names,
        [
            Element("runtimeParameters", {"class": PERSISTENT_MAP}, entries(runtime, cdata=True)),
            module_in_run(state.library, run.module),
            parameter_map(run.parameters.values(), PERSISTENT_MAP),
            string_array("cloudServiceNamesList", run.clouds),
        ],
    )


def _runtime(parameter: RuntimeParameter, common: dict[str, object]) -> Element:
    more = {
        "isSet": bool(parameter.value),
        "group": "Global" if parameter.group == "ss" else parameter.group,
        "mapsOthers": bool(parameter.targets),
    }
    attributes = attributes_of(parameter, _RUNTIME) | more | common
    return Element("runtimeParameter", attributes, text=parameter.value, cdata=True)
