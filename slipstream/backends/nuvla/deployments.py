"""
Deployments as they are read: documents, states, parameters, why they failed, and their logs.

What is selected leaves out ``api-credentials``, which the server shows in clear. A search finds a
deployment as it is: creating, changing and deleting one are seen by the next search. It sees the
edits of a job about a second late, so the reason of a failure is read from the job itself. A log
and the job that fetches it belong to the session that created them. Sources: nuvla/api-server,
spec/deployment.cljc, server/resources/deployment.clj, deployment_parameter.clj, job.clj,
resource_log.clj, deployment/utils.clj; nuvla/job-engine, job/executor/executor.py.
"""

from __future__ import annotations

import ast
import hashlib
import html
import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import attrs

from slipstream.backends import documents
from slipstream.backends.cimi import (
    CimiBackend,
    convert_pages,
    either,
    first,
    read_ahead,
    search,
    search_pages,
)
from slipstream.backends.nuvla.resources import change, find, node_id, read, reference
from slipstream.errors import (
    BadInput,
    Forbidden,
    NodeFailed,
    RequestFailed,
    UnknownName,
    WaitTimeout,
    shorten,
)
from slipstream.filters import Filter, attr
from slipstream.session import Session
from slipstream.session.polling import poll
from slipstream.values import Deployment, DeploymentState, Phase, RunParameter
from slipstream.values.fields import Pages

GONE = "DELETED"
"""Our word for a deployment that the server does not have any more."""

STATES = {
    "CREATED": Phase.PENDING,
    "PENDING": Phase.PENDING,
    "STARTING": Phase.STARTING,
    "STARTED": Phase.RUNNING,
    "UPDATING": Phase.UPDATING,
    "UPDATED": Phase.RUNNING,
    "PAUSING": Phase.PAUSED,
    "PAUSED": Phase.PAUSED,
    "SUSPENDING": Phase.SUSPENDED,
    "SUSPENDED": Phase.SUSPENDED,
    "STOPPING": Phase.STOPPING,
    "STOPPED": Phase.STOPPED,
    "ERROR": Phase.ERROR,
    GONE: Phase.TERMINATED,
}
SELECT = (
    "id,name,description,state,tags,created,updated,parent,credential-name,infrastructure-service,"
    "infrastructure-service-name,nuvlabox,nuvlabox-name,owner,execution-mode,module,acl"
)
AT_ONCE = 100
"""Deployments whose parameters are searched for at once."""

_PARAMETERS_PAGE = 5000
_UNSTARTABLE = {"ERROR", "STOPPED", "STOPPING", GONE}
_STARTED = {"STARTED", "UPDATED", "STARTING", "PENDING", "UPDATING"}
_PATTERN = re.compile(r"\$\{([^}]+)\}")
_ADDRESS_NAMES = ("ip.public", "hostname", "ip.local", "ip.vpn", "ip.swarm")
_ADDRESSES = attr("name").eq("hostname") | attr("name").startswith("ip.")
"""The parameters that hold addresses."""

MESSAGE_TIMEOUT = 3.0
"""Seconds to wait for the message of a job: it is written around the time of the failure."""

MOST_SESSIONS = 3
"""Sessions in which the logs of one call are requested, each after the last one has ended."""

PERIOD = 1.0
"""Seconds between two polls of a job."""

_ACTIONS = ("start_deployment", "stop_deployment", "update_deployment")
_FINAL = {"SUCCESS", "FAILED", "CANCELED"}
_JOB_SELECT = "id,created,target-resource,state,status-message"
_NO_REASON = "the server states no reason"
_REPR = re.compile(r"(\w+)\(((['\"]).*\3),?\)", re.DOTALL)
_HTML = re.compile(r"<(?:!doctype|html|head|body)\b.*", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)

Values = dict[str, str | None]
T = TypeVar("T")


def list_deployments(
    backend: CimiBackend,
    active_only: bool,  # noqa: ARG001 - none of them ends but by being deleted
    addresses: bool,
) -> Iterator[Deployment]:
    """The addresses are one search for each hundred, side by side with the next two pages."""
    session = backend.session
    pages = search_pages(session, "deployment", doing="list deployments", select=SELECT)

    def convert(entries: Sequence[dict[str, Any]]) -> list[Deployment]:
        if not addresses:
            return list(map(deployment, entries))
        values = read_parameters(session, [entry["id"] for entry in entries], _ADDRESSES)
        return [deployment(entry, parameters=values.get(entry["id"], {})) for entry in entries]

    return Pages(convert_pages(convert, pages, size=AT_ONCE if addresses else None))


def get_deployment(backend: CimiBackend, deployment_id: str) -> Deployment:
    """Read a deployment, and the reason if it is in error."""
    session, name = backend.session, node_id(deployment_id)
    document = read(session, name, SELECT)
    values = read_parameters(session, [name]).get(name, {})
    failure = read_failure(session, name) if document.get("state") == "ERROR" else None
    return deployment(document, parameters=values, failure=failure)


def get_deployments(backend: CimiBackend, deployment_ids: Sequence[str]) -> Iterator[Deployment]:
    """
    Read several deployments: a search for each 100, and one for the reasons of those in error;
    once all run, one for the parameters of each 100.
    """
    session = backend.session
    names = [node_id(text) for text in deployment_ids]
    unique = list(dict.fromkeys(names))
    entries = {name: {"id": name, "state": GONE} for name in unique}
    entries |= _by_hundreds(_search, session, unique)
    deployments = {name: deployment(entry) for name, entry in entries.items()}
    failed = [d.id for d in deployments.values() if d.phase is Phase.ERROR]
    for name, reason in _by_hundreds(read_failures, session, failed).items():
        deployments[name] = attrs.evolve(deployments[name], failure=reason)
    if all(d.phase is Phase.RUNNING for d in deployments.values()):
        values = _by_hundreds(read_parameters, session, unique)
        for name in unique:
            running = deployment(entries[name], parameters=values.get(name, {}))
            # What has no address is reached by the name of its host.
            host = values.get(name, {}).get("hostname")
            reached = running.addresses or ([host] if host else [])
            deployments[name] = attrs.evolve(running, addresses=reached)
    yield from (deployments[name] for name in names)


def _by_hundreds(
    read: Callable[[Session, Sequence[str]], Mapping[str, T]], session: Session, names: list[str]
) -> dict[str, T]:
    documents: dict[str, T] = {}
    for start in range(0, len(names), AT_ONCE):
        documents |= read(session, names[start : start + AT_ONCE])
    return documents


def _search(session: Session, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    where = either("id", *names)
    entries = search(session, "deployment", doing="read deployments", select=SELECT, where=where)
    return {entry["id"]: entry for entry in entries}


def get_state(backend: CimiBackend, deployment_id: str, states: frozenset[str]) -> DeploymentState:
    """Read the state alone, ``GONE`` if the server does not have the deployment any more."""
    session, name = backend.session, node_id(deployment_id)
    state = read_state(session, name)
    return DeploymentState(
        state=state,
        phase=STATES.get(state, Phase.UNKNOWN),
        failure=read_failure(session, name) if state == "ERROR" else None,
        attainable=state in states
        or (state != GONE and not (state in _UNSTARTABLE and states <= _STARTED)),
    )


def read_state(session: Session, name: str) -> str:
    """Read the state of a deployment alone."""
    document = find(session, name, "id,state", doing=f"read the state of {name}")
    return GONE if document is None else documents.text(document, "state") or ""


def deployment(
    document: Mapping[str, Any], *, parameters: Values | None = None, failure: str | None = None
) -> Deployment:
    """A deployment's document as a value."""
    entry = {name: value for name, value in document.items() if name != "api-credentials"}
    state = documents.text(entry, "state") or ""
    module = documents.mapping(entry, "module")
    location = documents.text(entry, "infrastructure-service-name")
    filled_in, more = {}, {}
    if parameters is not None:
        filled_in = _urls(module, parameters)
        more = {"urls": filled_in, "hostname": parameters.get("hostname")}
    # The content of a module holds the values of environment variables.
    light = {name: value for name, value in module.items() if name != "content"}
    return Deployment(
        id=entry["id"],
        name=documents.text(entry, "name"),
        state=state,
        phase=STATES.get(state, Phase.UNKNOWN),
        failure=failure,
        module_id=documents.text(module, "href") or documents.text(module, "id") or "",
        module_name=documents.text(module, "name"),
        tags=documents.texts(entry, "tags"),
        connectors=[location] if location else [],
        user=documents.text(entry, "owner"),
        started=documents.timestamp(entry, "created"),
        service_url=next(iter(filled_in.values()), None),
        addresses=_addresses(parameters or {}),
        parameters=parameters,
        raw={**entry, **more, "module": light, "subtype": module.get("subtype")},
    )


def _urls(module: Mapping[str, Any], parameters: Values) -> dict[str, str]:
    """The addresses of an application: the module's patterns, filled in."""
    patterns = documents.mapping(module, "content").get("urls")
    filled = {}
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, list) and len(pattern) == 2:
            names = _PATTERN.findall(str(pattern[1]))
            if all(parameters.get(name) for name in names):
                filled[str(pattern[0])] = _PATTERN.sub(
                    lambda match: str(parameters[match[1]]), str(pattern[1])
                )
    return filled


def _addresses(parameters: Values) -> Iterable[str]:
    """The addresses of a deployment; the parameter hostname may be a name instead."""
    addresses = []
    for value in filter(None, map(parameters.get, _ADDRESS_NAMES)):
        with suppress(ValueError):
            ipaddress.ip_address(value)
            addresses.append(value)
    return dict.fromkeys(addresses)


def get_parameter(
    backend: CimiBackend, deployment_id: str, name: str, ignore_abort: bool
) -> RunParameter:
    """
    Read a parameter by its computed id, or else by a search.

    A deployment that was never started has none at all, and none is unknown then.
    """
    session, deployment = backend.session, node_id(deployment_id)
    if not ignore_abort and read(session, deployment, "id,state").get("state") == "ERROR":
        reason = read_failure(session, deployment)
        message = f"{deployment} is in error: {reason.rstrip('.')}."
        raise NodeFailed(message, state="ERROR", reason=reason, node_ids=[deployment])
    doing = f"read {shorten(name)} of {deployment}"
    document = find(session, parameter_id(deployment, name), "id,value", doing=doing)
    if document is not None:
        return RunParameter(name=name, value=_value(document))
    values = read_parameters(session, [deployment]).get(deployment, {})
    if not values and ignore_abort:
        read(session, deployment, "id,state")  # of one that is gone nothing is unset
    if values and name not in values:
        raise UnknownName("parameter", name, values, f"of {deployment}")
    return RunParameter(name=name, value=values.get(name))


def parameter_id(deployment: str, name: str) -> str:
    """
    The id of a parameter; a guess for nodes whose names have dots.

    The part before the first dot of a name is the node's, but for global names.
    """
    node, dot, _ = name.partition(".")
    node_id = "" if not dot or node == "ip" else node
    digest = hashlib.md5(f"{deployment}:{node_id}:{name}".encode(), usedforsecurity=False).digest()
    return f"deployment-parameter/{uuid.UUID(bytes=digest, version=3)}"


def read_parameters(
    session: Session, deployments: Iterable[str], only: Filter | None = None
) -> dict[str, Values]:
    """The parameters of some deployments in one search."""
    where = either("parent", *deployments)
    entries = search(
        session,
        "deployment-parameter",
        doing="read the parameters of deployments",
        select="id,created,parent,name,value",
        where=where & only if only is not None else where,
        page=_PARAMETERS_PAGE,
    )
    values: dict[str, Values] = {}
    for entry in entries:
        parent, name = documents.text(entry, "parent"), documents.text(entry, "name")
        if parent and name:
            values.setdefault(parent, {})[name] = _value(entry)
    return values


def _value(entry: Mapping[str, Any]) -> str | None:
    """The value; an empty text, 0 and false are values."""
    value = entry.get("value")
    return value if isinstance(value, str | None) else json.dumps(value)


def read_failure(session: Session, deployment: str) -> str:
    """Read why a deployment is in error, in the words of its newest job."""
    doing, where = f"read why {deployment} failed", _jobs_of([deployment])
    job = first(session, "job", doing=doing, select="id,created", where=where)
    return _NO_REASON if job is None else _wait_for_reason(session, job)


def read_failures(session: Session, deployments: Sequence[str]) -> dict[str, str]:
    """Read why some deployments are in error: by one search, and by their jobs where it lags."""
    jobs: dict[str, dict[str, Any]] = {}
    doing, where = "read why deployments failed", _jobs_of(deployments)
    for job in search(session, "job", doing=doing, select=_JOB_SELECT, where=where):
        jobs.setdefault(documents.href(job, "target-resource") or "", job)
        if jobs.keys() >= set(deployments):
            break
    reasons = read_ahead(partial(_wait_for_reason, session), jobs.values(), at_once=8)
    return dict.fromkeys(deployments, _NO_REASON) | dict(zip(jobs, reasons, strict=True))


def is_at_work(session: Session, deployment: str) -> bool:
    """Whether a job of a deployment is queued or running."""
    doing = f"look for jobs of {deployment}"
    where = _jobs_of([deployment]) & either("state", "QUEUED", "RUNNING")
    return first(session, "job", doing=doing, select="id,created", where=where) is not None


def read_reason(job: dict[str, Any]) -> str:
    """The last line of a job's message; the rest of it is a traceback."""
    message = documents.text(job, "status-message") or ""
    lines = _HTML.sub(_html_text, message).strip().splitlines()
    if not lines:
        return "its job was canceled" if job.get("state") == "CANCELED" else _NO_REASON
    match = _REPR.fullmatch(lines[-1].strip())
    if not match:
        return lines[-1].strip()
    # The executor writes the repr of an exception first, and its traceback a little later.
    try:
        text = str(ast.literal_eval(match[2]))
    except (ValueError, SyntaxError):
        text = match[2]
    return f"{match[1]}: {(text.strip().splitlines() or [''])[-1]}"


def _wait_for_reason(session: Session, job: dict[str, Any]) -> str:
    """The reason in a found job, or in the job itself once it is written."""
    polls = poll(
        lambda: read(session, job["id"], _JOB_SELECT),
        what=job["id"],
        period=PERIOD,
        timeout=MESSAGE_TIMEOUT,
    )
    document = job
    # That the deployment has failed is known; the reason must not hide it.
    with suppress(RequestFailed):
        for document in chain([job], polls):
            state = document.get("state")
            if state == "CANCELED" or (state in _FINAL and document.get("status-message")):
                break
    return read_reason(document)


def _jobs_of(deployments: Iterable[str]) -> Filter:
    return either("target-resource/href", *deployments) & either("action", *_ACTIONS)


def _html_text(match: re.Match[str]) -> str:
    title = _TITLE.search(match[0])
    return " ".join(html.unescape(title[1] if title else _TAG.sub(" ", match[0])).split())


def _only_component(session: Session, deployment: str) -> str:
    doing, where = f"read the components of {deployment}", either("parent", deployment)
    select, collection = "id,created,name,value", "deployment-parameter"
    entries = search(session, collection, doing=doing, select=select, where=where)
    names = {
        str(entry.get("value")) for entry in entries if str(entry.get("name")).endswith(".node-id")
    }
    if not names:
        read(session, deployment, "id")  # which one that is gone has none of
        raise BadInput(
            f"{deployment} has no components yet.", hint="Read its logs once it has been started."
        )
    if len(names) > 1:
        raise BadInput(
            f"{deployment} has {len(names)} components: name those whose logs you need.",
            hint=f"They are the services of the application: {', '.join(sorted(names))}.",
        )
    return names.pop()


def get_logs(
    backend: CimiBackend, deployment_id: str, components: Iterable[str], lines: int, timeout: float
) -> dict[str, list[str]]:
    """Have the server fetch the last lines of each service, and read them."""
    session, name = backend.session, node_id(deployment_id)
    names = list(components) or [_only_component(session, name)]
    body = {"components": names, "lines": lines}
    for _ in range(MOST_SESSIONS - 1):
        login = session.login
        try:
            return _fetch_logs(session, name, body, timeout)
        except Forbidden:
            # A new session cannot read the log of one that has ended.
            if session.login is login:
                raise
    return _fetch_logs(session, name, body, timeout)


def _fetch_logs(
    session: Session, name: str, body: dict[str, Any], timeout: float
) -> dict[str, list[str]]:
    doing = f"read the logs of {name}"
    response = change(session, "POST", f"{name}/create-log", body, doing=doing, success=201)
    log = reference(response, "resource-id", "resource-log", doing)
    response = change(session, "POST", f"{log}/fetch", doing=doing, success=202)
    job = reference(response, "location", "job", doing)
    read_job = partial(read, session, job, "id,state,status-message", doing=doing)
    for document in poll(read_job, what=job, period=PERIOD, timeout=timeout):
        state = documents.text(document, "state")
        if state in _FINAL - {"SUCCESS"}:
            raise NodeFailed(f"Cannot {doing}: {read_reason(document)}", state=str(state))
        if state == "SUCCESS":
            break
    else:
        raise WaitTimeout(
            f"Cannot {doing}: not fetched after {timeout:g} seconds.",
            hint="Try again with a longer timeout.",
        )
    document = read(session, log, "id,log", doing=doing)
    return {
        str(component): [str(line) for line in text] if isinstance(text, list) else [str(text)]
        for component, text in documents.mapping(document, "log").items()
    }
