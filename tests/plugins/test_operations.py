"""Each operation passes the wrappers of plugins, and a backend may leave most of them out."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState
from plugin_objects import LoadPlugin, connected, wrapper

from slipstream import Backend, DeploymentRequest
from slipstream.errors import MalformedAnswer, NodeFailed, NotFound, NotSupported
from slipstream.hookspecs import OPERATIONS
from slipstream.values import Deployment, Phase

VALUES: dict[str, Any] = {
    "request": DeploymentRequest(module_id="m"),
    "deployment_ids": ("a", "b"),
    "states": frozenset({"up"}),
}


def watching(arguments: Sequence[str], calls: list[object]) -> Any:
    """A wrapper that takes some arguments and notes their values."""
    names = ", ".join(arguments)
    return wrapper(f"calls.append([{names}]); return (yield)", names, calls=calls)


@pytest.mark.parametrize("name", OPERATIONS)
def test_wrappers_of_unsupported_operation(name: str, load_plugin: LoadPlugin) -> None:
    arguments = list(inspect.signature(getattr(Backend, name)).parameters)[1:]
    values = [VALUES.get(argument, f"a {argument}") for argument in arguments]
    calls: list[object] = []
    hooks: dict[str, Any] = {
        f"slipstream_{name}": watching(["session", "dry_run", *arguments], calls),
        "slipstream_operation": watching(["operation", "arguments"], calls),
    }
    with connected(load_plugin, **hooks) as driver:
        with pytest.raises(NotSupported, match=r"^faulty endpoints cannot "):
            getattr(driver._backend, name)(*values)
        of_operation = [OPERATIONS[name], dict(zip(arguments, values, strict=True))]
        assert calls == [of_operation, [driver._session, False, *values]]


def test_later_argument_is_not_passed_to_older_backend(load_plugin: LoadPlugin) -> None:
    class Older(Backend):
        name = "older"

        def stop_deployment(self, deployment_id: str) -> bool:
            return deployment_id == "d"

    with connected(load_plugin, Older) as driver:
        call: Any = driver._backend.stop_deployment
        assert call("d", later="argument")


class OneByOne(Backend):
    """A backend that reads one deployment at a time."""

    name = "one by one"
    states = {"Ready": Phase.RUNNING}  # noqa: RUF012

    def get_deployment(self, deployment_id: str) -> Deployment:
        if deployment_id == "gone":
            raise NotFound("There is no such thing.", code=404)
        return Deployment(
            id=deployment_id.replace("other", "another"),
            state="Ready",
            phase=Phase.RUNNING,
            addresses=["203.0.113.7"],
        )


def nodes_of(*ids: str) -> list[Node]:
    return [Node(name, name, NodeState.UNKNOWN, [], [], None) for name in ids]


def test_get_deployments_by_default(load_plugin: LoadPlugin) -> None:
    driver = connected(load_plugin, OneByOne)
    result = driver.wait_until_running(nodes_of("b", "a"))
    assert [(node.id, ips) for node, ips in result] == [
        ("b", ["203.0.113.7"]),
        ("a", ["203.0.113.7"]),
    ]
    with pytest.raises(NodeFailed, match="Deployment gone is Deleted and cannot run any more"):
        driver.wait_until_running(nodes_of("a", "gone"))
    for read in (
        lambda: driver.ex_get_node("other"),
        lambda: driver.wait_until_running(nodes_of("a", "other")),
    ):
        with pytest.raises(MalformedAnswer, match="other: the response is about another one"):
            read()
