"""
Parameters of deployments.

Their ids can be computed, so one is one read. Source: nuvla/api-server,
server/resources/deployment_parameter.clj.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import get
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.resources import read_resource, resource
from slipstream.backends.nuvla.search import search
from slipstream.backends.query_filters import either
from slipstream.errors import NodeFailed, UnknownName, shorten
from slipstream.filters import Filter, attr
from slipstream.session import Session
from slipstream.values import RunParameter

Values = dict[str, str | None]


def get_parameter(
    session: Session, deployment_id: str, name: str, ignore_abort: bool
) -> RunParameter:
    """
    One parameter, by its computed id; by a search where the id cannot be told from the name.

    A deployment that was never started has none at all, and none is unknown then.
    """
    deployment = resource_id(deployment_id, "deployment", "node")
    if not ignore_abort:
        _check_state(session, deployment)
    doing = f"read {shorten(name)} of {deployment}"
    request = get(parameter_id(deployment, name), "id,value")
    response = session.send(request, doing=doing, allow={404})
    if response.status == 200:
        return RunParameter(name=name, value=_value(resource(session, response, doing)))
    values = read_all(session, [deployment]).get(deployment, {})
    if values and name not in values:
        raise UnknownName("parameter", name, values, f"of {deployment}")
    return RunParameter(name=name, value=values.get(name))


def parameter_id(deployment: str, name: str) -> str:
    """
    The id that a parameter has.

    :param deployment: The deployment's id.
    :param name: The parameter's name; what stands before its first dot is the node's, but for
        the global ones.
    :returns: The id; it is a guess for nodes whose own names have dots.
    """
    node, dot, _ = name.partition(".")
    node_id = "" if not dot or node == "ip" else node
    digest = hashlib.md5(f"{deployment}:{node_id}:{name}".encode(), usedforsecurity=False).digest()
    return f"deployment-parameter/{uuid.UUID(bytes=digest, version=3)}"


def read_all(
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
        page=5000,
    )
    values: dict[str, Values] = {}
    for entry in entries:
        parent, name = documents.text(entry, "parent"), documents.text(entry, "name")
        if parent and name:
            values.setdefault(parent, {})[name] = _value(entry)
    return values


ADDRESSES = attr("name").eq("hostname") | attr("name").startswith("ip.")
"""The parameters that hold addresses."""


def _value(entry: Mapping[str, Any]) -> str | None:
    """The value; one that is set to nothing is set."""
    value = entry.get("value")
    return value if isinstance(value, str) else None


def _check_state(session: Session, deployment: str) -> None:
    document = read_resource(session, deployment, "id,state", doing=f"read {deployment}")
    if document.get("state") == "ERROR":
        raise NodeFailed(
            f"{deployment} is in error.", state="ERROR", endpoint=session.endpoint.url
        )
