"""Records refuse what they are given by mistake, when they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from slipstream import Backend, EndpointKind, LoginMethod, Request, Response
from slipstream.errors import BadInput
from slipstream.values import (
    CloudEntryPoint,
    Connector,
    Deployment,
    DeploymentRequest,
    DeploymentState,
    Module,
    ModuleKind,
    ModuleNode,
    ModuleParameter,
    Parameter,
    Phase,
    RunParameter,
    ServiceOffer,
    SSHKey,
    VirtualMachine,
)
from slipstream.values.fields import Record


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda wrong: Deployment(id="1", phase=wrong), "phase of a Deployment is str, not Phase"),
        (lambda wrong: Deployment(id="1", tags=wrong), r"write \['running'\]"),
        (lambda wrong: Deployment(id="1", addresses=wrong), "one text where several"),
        (
            lambda wrong: Module(id="1", path="a", name="a", kind=wrong),
            "is str, not ModuleKind",
        ),
        (lambda wrong: Request(method="GET", path=wrong), "begins with a slash"),
        (lambda wrong: Request(method="GET", path="/x", query=wrong), "a tuple of pairs"),
        (
            lambda wrong: Request(method="PUT", path="/x", body=wrong),
            "is str, not bytes or NoneType",
        ),
    ],
)
def test_a_text_is_refused_where_something_else_belongs(
    make: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        make("running")


RECORDS: list[tuple[type[Record], dict[str, Any]]] = [
    (CloudEntryPoint, {"collections": {}}),
    (Connector, {"id": "1", "name": "n"}),
    (Deployment, {"id": "1"}),
    (DeploymentRequest, {"module_id": "m"}),
    (DeploymentState, {"state": "Ready", "phase": Phase.RUNNING}),
    (EndpointKind, {"name": "lab", "backend": Backend}),
    (LoginMethod, {"name": "code", "authenticate": print}),
    (Module, {"id": "1", "path": "a", "name": "a", "kind": ModuleKind.COMPONENT}),
    (ModuleNode, {"name": "n"}),
    (ModuleParameter, {"name": "n"}),
    (Parameter, {"name": "n", "value": "v"}),
    (Request, {"method": "GET", "path": "/x"}),
    (Response, {"status": 200, "headers": {}, "body": b"", "url": "https://x"}),
    (RunParameter, {"name": "n"}),
    (ServiceOffer, {"id": "1", "name": "n"}),
    (SSHKey, {"type": "ssh-ed25519", "blob": "x"}),
    (VirtualMachine, {"id": "1", "name": "n"}),
]


class Wrong:
    """What no field takes."""


@pytest.mark.parametrize(("record", "arguments"), RECORDS)
def test_each_field_is_frozen_and_refuses_what_has_another_type(
    record: type[Record], arguments: dict[str, Any]
) -> None:
    made = record(**arguments)
    for field in attrs.fields(record):  # type: ignore[type-var]
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, field.name, None)
        with pytest.raises((TypeError, BadInput)):
            record(**{**arguments, field.name: Wrong()})


@pytest.mark.parametrize(
    ("record", "arguments"),
    [
        (Deployment, {"id": "1", "tags": ["a", 3]}),
        (Deployment, {"id": "1", "parameters": {"a": 3}}),
        (Deployment, {"id": "1", "parameters": {3: "a"}}),
        (DeploymentRequest, {"module_id": "m", "parameters": ["a=b"]}),
        (Request, {"method": "GET", "path": "/x", "headers": {"Age": 3}}),
        (EndpointKind, {"name": "lab", "backend": Backend, "hosts": [3]}),
    ],
)
def test_each_item_of_a_field_is_checked(record: type[Record], arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        record(**arguments)


def test_a_value_of_the_wrong_type_is_not_quoted() -> None:
    with pytest.raises(TypeError) as caught:
        Parameter(name="title", value=b"quite-secret")  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_query_holds_pairs_of_texts() -> None:
    for query in [(("limit", 1),), {"limit": "1"}, ("ab",)]:
        wrong: Any = query
        if query == ("ab",):
            wrong = (("a", "b", "c"),)
        with pytest.raises(TypeError, match="pairs of texts"):
            Request(method="GET", path="/x", query=wrong)
