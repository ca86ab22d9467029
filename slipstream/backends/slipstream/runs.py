"""
Runs and their machines: list, read, poll and terminate them.

The server pages its list by number alone, newest start first, while runs are created and end.
The list and the document name the same things differently (``status`` and ``state``,
``username`` and ``user``). Sources: SlipStreamServer, run/RunResource.java, RunListResource.java,
RuntimeParameterResource.java, persistence/Run.java, RunView.java, statemachine/States.java;
resources/virtual_machine.clj.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from itertools import chain, repeat
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import attrs

from slipstream.backends import cimi, documents
from slipstream.backends.cimi import CimiBackend
from slipstream.backends.slipstream.account import CONNECTOR, bare_connector, check_location, offer
from slipstream.backends.slipstream.dialect import (
    XML,
    read,
    read_xml,
    require_status,
    whole,
    without_markup,
)
from slipstream.backends.slipstream.modules import PREFIX, split_version
from slipstream.errors import BadInput, MalformedAnswer, NodeFailed, NotFound, UnknownName, shorten
from slipstream.filters import Filter
from slipstream.session import Session
from slipstream.transport import calls
from slipstream.transport.calls import Backoff
from slipstream.transport.messages import Request, Response, expect
from slipstream.values import (
    GONE,
    Deployment,
    DeploymentState,
    Phase,
    RunParameter,
    ServiceOffer,
    VirtualMachine,
)
from slipstream.values.fields import Pages
from slipstream.values.plain import parse_timestamp

RUN = "run/"
STATES = {
    "Initializing": Phase.PENDING,
    "Provisioning": Phase.STARTING,
    "Executing": Phase.CONFIGURING,
    "SendingReports": Phase.CONFIGURING,
    "Ready": Phase.RUNNING,
    "Finalizing": Phase.STOPPING,
    "Done": Phase.TERMINATED,
    "Cancelled": Phase.TERMINATED,
    "Aborted": Phase.ERROR,
}

PAGE = 500  # runs of a page; a larger limit is an error
OVERLAP = 10  # runs that two pages share: more than ever start in one millisecond

REMEMBERED = 20  # pages whose runs are remembered; a listing cannot go back further
ATTEMPTS = 3  # how often a page is read that is not what the server counts
LARGEST_PAGE = 10_000  # machines of a page: what the server gives at most
AT_ONCE = 100  # runs whose machines are searched for at once
LISTED_AT_ONCE = 250  # the same while runs are listed: half of a page
FEW = 3  # runs that are read one by one, if not among the newest, or without a machine yet
TERMINATE_TIMEOUT = 300.0  # seconds: the response waits for the cloud to take the order
LAUNCH_TIMEOUT = 120.0  # seconds for the machines of a run to exist that is ended at its start

STATE, ABORT, TAGS, SERVICE_URL = "ss:state", "ss:abort", "ss:tags", "ss:url.service"
RUN_ID = re.compile(cimi.UUID, re.IGNORECASE | re.ASCII)
_PARAMETERS = "runtimeParameters/entry/runtimeParameter"
_LOOK = "Look at list_nodes() and try again. An account that was deleted gets empty responses too."
_ORDER = {state: number for number, state in enumerate(STATES)}
_MACHINE_WORDS = {
    Phase.PENDING: "pending",
    Phase.STARTING: "booting building creating initializing starting",
    Phase.RUNNING: "active running",
    Phase.REBOOTING: "rebooting",
    Phase.PAUSED: "paused",
    Phase.SUSPENDED: "suspended",
    Phase.STOPPING: "shutting-down stopping",
    Phase.STOPPED: "poweroff stopped",
    Phase.TERMINATED: "deleted terminated",
    Phase.ERROR: "error failed",
}
"""The clouds' own words for the states of machines."""
_PHASES = {word: phase for phase, words in _MACHINE_WORDS.items() for word in words.split()}
_ENDED = {"Done", "Aborted", "Cancelled"}
_STARTING = {"Initializing", "Provisioning"}
APPLICATION = "Orchestration"  # the type of a run of an application; only these have orchestrators


def list_deployments(
    backend: CimiBackend, active_only: bool, addresses: bool
) -> Iterator[Deployment]:
    """
    List runs, newest first; the next two pages are read while one is used.

    Their addresses are two searches of machines for a page, side by side with the next four pages.
    """
    session = backend.session
    pages = iterate_pages(session, active_only=active_only, at_once=2 if addresses else 1)

    def convert(runs: Sequence[Element]) -> list[Deployment]:
        if not addresses:
            return summaries(runs)
        return summaries(runs, addresses_of(session, [run.get("uuid", "") for run in runs]))

    return Pages(cimi.convert_pages(convert, pages, size=LISTED_AT_ONCE if addresses else None))


def iterate_pages(
    session: Session, *, active_only: bool, at_once: int = 1
) -> Iterator[list[Element]]:
    """
    Go through the pages of runs, newest first.

    A run that is created meanwhile moves others to the next page: they are read twice and
    returned once. One that ends meanwhile moves others to the page before: a page that does not
    begin with a run of that one goes back.

    :param at_once: How many pages are requested at a time once the first one is used.
    :raises MalformedAnswer: If the list is not what the server counts, or changes too fast.
    """
    ids: dict[str, None] = {}
    offset = pages = returned = idle = most = total_at_first = 0
    read_page = partial(_page, session, active_only)
    prefetched: Iterator[tuple[int, list[Element]]] = iter(())
    while True:
        if at_once > 1 and pages == 1:
            offsets = range(PAGE - OVERLAP, total_at_first - OVERLAP, PAGE - OVERLAP)
            prefetched = cimi.read_ahead(read_page, offsets, at_once=at_once)
        if offset != pages * (PAGE - OVERLAP):
            prefetched = iter(())  # the list has changed, and its pages are read one by one
        total, runs = next(prefetched, None) or read_page(offset)
        if not pages:
            total_at_first, most = total, cimi.most_pages(total, PAGE)
        pages += 1
        begins = offset == 0 and returned == len(ids)  # so none is forgotten yet
        follows = begins or (bool(runs) and runs[0].get("uuid", "") in ids)
        new = {uuid: run for run in runs if follows and (uuid := run.get("uuid", "")) not in ids}
        ids |= dict.fromkeys(new)
        returned += len(new)
        idle = 0 if new else idle + 1
        yield list(new.values())
        is_last = follows and offset + len(runs) >= total
        # What was created meanwhile is counted and need not be returned.
        if is_last and min(total, total_at_first) - returned <= OVERLAP * (pages - 1):
            return
        if is_last or idle > cimi.IDLE_PAGES or pages > most:
            what = f"{pages} pages brought {returned} of the {total} that the server counts"
            raise cimi.malformed("list deployments", what)
        for old in list(ids)[: max(0, len(ids) - REMEMBERED * PAGE)]:
            del ids[old]
        if follows:
            offset += max(1, len(runs) - OVERLAP)
        else:
            offset = max(0, min(offset, total) - PAGE + OVERLAP)


def _page(session: Session, active_only: bool, offset: int) -> tuple[int, list[Element]]:
    doing = "list deployments"
    fields = {"offset": str(offset), "limit": str(PAGE), "activeOnly": str(active_only).lower()}
    for _ in range(ATTEMPTS):
        query = (*fields.items(), uncached())
        root = read_xml(session, "/run", "runs", doing=doing, query=query)
        total = whole(root.get("totalCount"))
        runs = root.findall("item")
        uuids = [run.get("uuid", "") for run in runs]
        if not all(map(RUN_ID.fullmatch, uuids)):
            raise cimi.malformed(doing, "the server returned one without a UUID as its id")
        if len(set(uuids)) < len(uuids):
            raise cimi.malformed(doing, f"the server returned one twice from number {offset} on")
        if total is None or total > cimi.MAX_ENTRIES:
            break
        # The server counts and reads one after the other, and a run may be created between.
        if len(runs) == max(0, min(PAGE, total - offset)):
            return total, runs
    counts = "none" if total is None else str(total)
    what = f"the server counts {counts} and returned {len(runs)} from number {offset} on"
    raise cimi.malformed(doing, what)


def run_id(text: str) -> str:
    """A deployment's id, checked to be a UUID."""
    if not RUN_ID.fullmatch(text):
        raise BadInput(
            f"{shorten(text)!r} is not the id of a deployment: that is a UUID.",
            hint="list_nodes() has the ids.",
        )
    return text.lower()


def uncached() -> tuple[str, str]:
    """
    Make a query parameter for which no cache has an entry.

    The vendor's front server keeps lists of runs for 30 s, runs for 40 s and their states for
    15 s, by address alone: for all users, and whatever a header says (SlipStreamServerDeps, the
    files of nginx).
    """
    return "_", secrets.token_hex(8)


def get_deployment(backend: CimiBackend, deployment_id: str) -> Deployment:
    """Read one run with its parameters; megabytes for a large application."""
    return document(_read_document(backend.session, deployment_id))


def get_deployments(backend: CimiBackend, deployment_ids: Sequence[str]) -> Iterator[Deployment]:
    """
    Read several runs: a page of the list for each 500, and once all run, a search of machines
    for each 100.

    One run by itself costs a request for its state, and its document once it is ready.
    """
    runs = [run_id(text) for text in deployment_ids]
    deployments = dict(_listed(backend.session, runs))
    others = [run for run in dict.fromkeys(runs) if run not in deployments]
    deployments |= {run: _by_itself(backend, run) for run in others}
    if all(run.phase is Phase.RUNNING for run in deployments.values()):
        deployments |= _with_addresses(backend, deployments.values())
    yield from (deployments[run] for run in runs)


def _listed(session: Session, runs: Sequence[str]) -> Iterator[tuple[str, Deployment]]:
    """Find runs in the list, as long as several are missing."""
    missing = set(runs)
    if len(missing) == 1:
        return
    pages = iterate_pages(session, active_only=False)
    for number, run in enumerate(chain.from_iterable(map(summaries, pages)), 1):
        if run.id in missing:
            missing.remove(run.id)
            yield run.id, run
        if not missing or (number >= PAGE and len(missing) <= FEW):
            return


def _by_itself(backend: CimiBackend, run: str) -> Deployment:
    """Read one run: its state and failure, and its document once it is ready."""
    try:
        # Whether a state can still come would be another request; any will do.
        state = get_state(backend, run, frozenset(STATES))
    except NotFound:
        return Deployment(id=run, state=GONE, phase=Phase.TERMINATED)
    if state.phase is Phase.RUNNING:
        return get_deployment(backend, run)
    return Deployment(id=run, state=state.state, phase=state.phase, failure=state.failure)


def _with_addresses(
    backend: CimiBackend, deployments: Iterable[Deployment]
) -> Iterator[tuple[str, Deployment]]:
    """
    Yield runs of the list, with their addresses.

    Machines are entered into their collection minutes after the run's document has them. A few
    documents are read instead; of more runs the addresses stay unknown until then.
    """
    runs = {run.id: run for run in deployments if run.parameters is None}
    ids = list(runs)
    for start in range(0, len(ids), AT_ONCE):
        page = ids[start : start + AT_ONCE]
        for run, addresses in addresses_of(backend.session, page).items():
            if deployment := runs.pop(run, None):
                ordered = _ordered(addresses, deployment.service_url or "")
                yield run, attrs.evolve(deployment, addresses=ordered)
    if len(runs) <= FEW:
        read = partial(get_deployment, backend)
        for deployment in cimi.read_ahead(read, list(runs), at_once=FEW):
            yield deployment.id, deployment


def get_state(backend: CimiBackend, deployment_id: str, states: frozenset[str]) -> DeploymentState:
    """Read the state; of an aborted run, which is a 409, the reason and then the state."""
    session, run = backend.session, run_id(deployment_id)
    state = _parameter(session, run, STATE, ignore_abort=False, allow={409})
    failure = None
    if state is None:
        reason = _parameter(session, run, ABORT, ignore_abort=True, allow={412})
        failure = without_markup(reason) or "aborted"
        state = _parameter(session, run, STATE, ignore_abort=True)
    state = state or ""
    return DeploymentState(
        state=state,
        phase=STATES.get(state, Phase.UNKNOWN),
        failure=failure,
        attainable=_attainable(backend, run, state, states, failure is not None),
    )


def get_parameter(
    backend: CimiBackend, deployment_id: str, name: str, ignore_abort: bool
) -> RunParameter:
    """
    Read a runtime parameter, in the run's document.

    It is never read at its own address: reading one there that does not exist aborts the
    deployment.
    """
    root = _read_document(backend.session, deployment_id)
    deployment = document(root)
    values = deployment.parameters or {}
    if name not in values:
        raise UnknownName("parameter", name, values, f"of deployment {deployment.id}")
    if deployment.failure and not ignore_abort:
        raise NodeFailed(
            f"Deployment {deployment.id} was aborted: {deployment.failure}.",
            state=deployment.state,
            reason=deployment.failure,
            node_ids=[deployment.id],
        )
    return RunParameter(name=name, value=values[name], secret=name in passwords(root))


def terminate(
    backend: CimiBackend,
    deployment_id: str,
    force: bool,
    raw: Mapping[str, Any],  # noqa: ARG001 - the id is enough
) -> bool:
    """
    End a run and its machines; one that has ended already is accepted as well.

    Before a machine of the run exists the response is 409; the server cancels the run, and starts
    the machine all the same (SlipStreamServer, connector/CliConnectorBase.java): the run is ended
    again until the server confirms. A run that could not be launched is cancelled, has no
    machine, and gets 400 for ever.
    """
    if force:
        raise BadInput(
            "ex_force has no meaning here: the server ends its machines in every state.",
            hint="Leave it out.",
        )
    session, run = backend.session, run_id(deployment_id)
    doing = f"terminate deployment {run}"

    def respond() -> Response:
        get_deployment(backend, run)  # what cannot be read cannot be terminated
        return expect(204)()

    request = Request(
        method="DELETE",
        path=f"/run/{run}",
        headers=XML,
        repeatable=True,
        read_timeout=max(TERMINATE_TIMEOUT, session.transport.settings.read_timeout),
        expects=respond,
    )
    deadline = calls.monotonic() + LAUNCH_TIMEOUT
    pauses = Backoff(start=1.0, factor=1.5, ceiling=10.0)
    response = session.send(request, doing=doing, allow={400, 409})
    while response.status in {400, 409}:
        deployment = get_deployment(backend, run)
        parameters = (deployment.parameters or {}).items()
        has_machine = any(value and name.endswith(":instanceid") for name, value in parameters)
        over = calls.monotonic() >= deadline
        is_done = deployment.state in _ENDED and not has_machine
        if is_done and (response.status == 400 or over):
            return True
        if over or response.status == 400 or "no instances" not in response.text:
            raise session.refusal(response, doing=doing)
        calls.sleep(next(pauses))
        response = session.send(request, doing=doing, allow={400, 404, 409})
        if response.status == 404:
            if session.backend.error_detail(response) is None:  # not the server's own
                raise session.refusal(response, doing=doing)
            return True
    require_status(response, 204, doing=doing, hint=_LOOK)
    return True


def _read_document(session: Session, deployment_id: str) -> Element:
    run = run_id(deployment_id)
    doing, expects = f"read deployment {run}", expect(200, f'<run uuid="{run}"/>'.encode())
    query = (uncached(),)
    root = read_xml(session, f"/run/{run}", "run", doing=doing, query=query, expects=expects)
    if root.get("uuid", "").lower() != run:
        raise MalformedAnswer(f"Cannot {doing}: the response is about another one.")
    # From here on no message and no log line shows them.
    session.hide(*filter(None, passwords(root).values()))
    return root


def _parameter(
    session: Session, run: str, key: str, *, ignore_abort: bool, allow: set[int] | None = None
) -> str | None:
    """One of the parameters that every run has; ``None`` for one of the statuses allowed."""
    request = Request(
        method="GET",
        path=f"/run/{run}/{key}",
        query=(("ignoreabort", "true" if ignore_abort else "false"), uncached()),
        headers={"Accept": "text/plain"},
        repeatable=True,
    )
    response = read(session, request, doing=f"read {key} of deployment {run}", allow=allow or ())
    return response.text.strip() if response.status < 400 else None


def _attainable(
    backend: CimiBackend, run: str, state: str, states: frozenset[str], failed: bool
) -> bool:
    if state in states or state not in STATES:
        return True
    if state in _ENDED:
        return False
    coming = {other for other in states if _ORDER.get(other, 0) > _ORDER[state]}
    if state == "Finalizing":
        coming -= {"Done"} if failed else {"Aborted"}
    if coming:
        return True
    # What lies behind can only come again on a run that can be scaled, from Ready.
    return state != "Finalizing" and bool(get_deployment(backend, run).scalable)


def list_virtual_machines(
    backend: CimiBackend,
    connector: str | None,
    deployment_id: str | None,
    raw: Mapping[str, Any],
) -> Iterator[VirtualMachine]:
    """List the machines on a connector or of a deployment, and refuse an unknown one."""
    where: Filter | None = None
    if connector is not None:
        where = cimi.either("connector/href", CONNECTOR + connector.removeprefix(CONNECTOR))
    if deployment_id is not None:
        of_run = cimi.either("deployment/href", RUN + run_id(deployment_id))
        where = of_run if where is None else where & of_run
    entry: cimi.Entry | None = None
    doing = "list virtual machines"
    for entry in cimi.search(backend.session, "virtual-machine", doing=doing, where=where):
        yield _machine(entry)
    if entry is not None:
        return
    if connector is not None:
        check_location(backend, connector)
    if deployment_id is not None and not raw:
        backend.get_state(deployment_id, frozenset())


def addresses_of(session: Session, runs: Sequence[str]) -> dict[str, list[str]]:
    """The addresses of the machines of a hundred deployments or so, by one search."""
    machines = cimi.search(
        session,
        "virtual-machine",
        doing="list the addresses of deployments",
        where=cimi.either("deployment/href", *(RUN + run for run in runs)),
        select="id,ip,deployment",
        page=LARGEST_PAGE,
    )
    by_run: dict[str, list[str]] = {}
    for entry in machines:
        run, address = documents.href(entry, "deployment"), documents.text(entry, "ip")
        if run and address:
            by_run.setdefault(run.removeprefix(RUN), []).append(address)
    return by_run


def _machine(entry: cimi.Entry) -> VirtualMachine:
    state = documents.text(entry, "state") or ""
    address = documents.text(entry, "ip")
    deployment = documents.href(entry, "deployment")
    size = documents.mapping(entry, "serviceOffer")
    return VirtualMachine(
        id=entry["id"],
        name=documents.text(entry, "instanceID") or entry["id"],
        state=state,
        phase=_PHASES.get(state.lower(), Phase.UNKNOWN),
        addresses=(address,) if address else (),
        connector=bare_connector(entry) or None,
        deployment_id=deployment.removeprefix(RUN) if deployment else None,
        offer=offer(size) if documents.text(size, "href") else None,
        created=documents.timestamp(entry, "created"),
        raw=entry,
    )


def summaries(
    items: Sequence[Element], machines: Mapping[str, Sequence[str]] | None = None
) -> list[Deployment]:
    """
    Convert items of the list.

    :param machines: The addresses of each run's machines, by its id, where they are known.
    """
    runs = [item.attrib for item in items]
    ids = [run.get("uuid", "") for run in runs]
    states = [run.get("status", "") for run in runs]
    return Deployment.lazy(
        runs,
        _rest_of_summary,
        id=ids,
        name=[_name_and_tags(run.get("tags", ""))[0] for run in runs],
        state=states,
        phase=[STATES.get(state, Phase.UNKNOWN) for state in states],
        failure=[without_markup(run["abort"]) if run.get("abort") else None for run in runs],
        addresses=[_of_list(run, machines) for run in runs] if machines else repeat(()),
    )


def _of_list(run: dict[str, str], machines: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The addresses of a run's machines; of an application only once its own machines are up."""
    addresses = machines.get(run.get("uuid", ""), ())
    if addresses and run.get("type") == APPLICATION:
        # Until its own machines are up, an application has none but orchestrators.
        is_starting = run.get("status") in _STARTING
        addresses = () if is_starting else _ordered(addresses, run.get("serviceUrl", ""))
    return tuple(addresses)


def _ordered(addresses: Sequence[str], service_url: str) -> Sequence[str]:
    """Put the address of the service first, which no orchestrator has."""
    if len(addresses) < 2 or not service_url:
        return addresses
    with suppress(ValueError):  # what is no URL
        host = urlsplit(service_url).hostname
        return sorted(addresses, key=lambda address: address != host)
    return addresses


def _rest_of_summary(run: dict[str, str]) -> dict[str, Any]:
    return {
        "user": run.get("username"),
        "tags": _name_and_tags(run.get("tags", ""))[1],
        "service_url": run.get("serviceUrl") or None,
        **_attributes(run),
    }


def document(root: Element) -> Deployment:
    """The document of a run."""
    values = {
        p.get("key", ""): p.text or "" if p.get("isSet") == "true" else None
        for p in root.iterfind(_PARAMETERS)
    }
    # Orchestrators serve the server only.
    own = {k: values[k] for k in sorted(values) if not k.startswith("orchestrator-")}
    # The id of an offer is all that a run tells of it; the machines may have several.
    offers = {value for key, value in own.items() if key.endswith(":service-offer")}
    offer = offers.pop() if len(offers) == 1 else None
    state = root.get("state") or values.get(STATE) or ""
    name, tags = _name_and_tags(values.get(TAGS) or "")
    return Deployment(
        id=root.get("uuid", ""),
        name=name,
        state=state,
        phase=STATES.get(state, Phase.UNKNOWN),
        failure=without_markup(values.get(ABORT)),
        tags=tags,
        user=root.get("user"),
        service_url=values.get(SERVICE_URL) or None,
        scalable=root.get("mutable") == "true",
        size=ServiceOffer(id=offer, name=offer) if offer else None,
        addresses=[value for key, value in own.items() if value and key.endswith(":hostname")],
        parameters=values,
        **_attributes(root.attrib),
    )


def _attributes(run: dict[str, str]) -> dict[str, Any]:
    """The attributes that a list and a document have under the same names."""
    module_id, module_name = _module(run.get("moduleResourceUri", ""))
    return {
        "module_id": module_id,
        "module_name": module_name,
        "connectors": _clouds(run.get("cloudServiceNames", "")),
        "started": parse_timestamp(run.get("startTime")),
        "raw": run,
    }


def passwords(root: Element) -> dict[str, str | None]:
    """The parameters that the module declares as passwords, which the run calls texts."""
    names = {p.get("name") for p in root.iterfind("module//parameter[@type='Password']")}
    values = {p.get("key", ""): p.text for p in root.iterfind(_PARAMETERS)}
    return {key: value for key, value in values.items() if key.partition(":")[2] in names}


# The runs of a long list share modules, clouds and tags.
@lru_cache
def _module(uri: str) -> tuple[str, str | None]:
    """The id of a module and its name."""
    module_id = uri.removeprefix(PREFIX)
    return module_id, split_version(module_id)[0].rpartition("/")[2] or None


@lru_cache
def _name_and_tags(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Split tags into the name, which is the first one, and the others."""
    name, *tags = (tag.strip() for tag in text.split(","))
    return name or None, tuple(filter(None, tags))


@lru_cache
def _clouds(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
