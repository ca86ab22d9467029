"""Every hook reaches plugins: each operation can be watched, refused and answered."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState
from plugin_objects import AddPlugin, Connect, Driver

from slipstream import hookspecs
from slipstream.libcloud.errors import (
    BadInput,
    MalformedAnswer,
    NodeFailed,
    NotSupported,
    PluginFailed,
    WaitTimeout,
)
from slipstream.sandbox import Sandbox

WORDPRESS = "apps/WordPress/wordpress"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7Ho0PkFJdWOBMLcKPq3MS0rVyRb0Dd0gPn1cKzVSK9 laptop"


def deployed(driver: Driver) -> Node:
    return driver.create_node(image=driver.get_image(WORDPRESS))


def not_running(driver: Driver, node: Node) -> object:
    try:
        return driver.wait_until_running([node], timeout=0)
    except WaitTimeout as error:
        return error


def imported(driver: Driver, _: object = None) -> Any:
    return driver.import_key_pair_from_string("laptop", KEY)


def old_image(driver: Driver) -> Any:
    return driver.get_image("examples/images/old/ubuntu-14.04")


def nothing(driver: Driver) -> None:
    """An operation that needs nothing to be there."""


Prepare = Callable[[Driver], Any]
# How a user of the driver gets to each operation: what comes before it, and the call.
OPERATIONS: dict[str, tuple[Prepare, Callable[[Driver, Any], Any]]] = {
    "slipstream_list_deployments": (nothing, lambda driver, _: driver.list_nodes()),
    "slipstream_get_deployment": (deployed, lambda driver, node: driver.ex_get_node(node.id)),
    "slipstream_get_deployments": (deployed, not_running),
    "slipstream_get_state": (
        deployed,
        lambda driver, node: driver.ex_wait_node_in_state(node, ["Initializing", "Provisioning"]),
    ),
    "slipstream_deploy": (
        lambda driver: driver.get_image(WORDPRESS),
        lambda driver, image: driver.create_node(image=image),
    ),
    "slipstream_terminate": (deployed, lambda driver, node: driver.destroy_node(node)),
    "slipstream_start_deployment": (deployed, lambda driver, node: driver.start_node(node)),
    "slipstream_stop_deployment": (deployed, lambda driver, node: driver.stop_node(node)),
    "slipstream_reboot_deployment": (deployed, lambda driver, node: driver.reboot_node(node)),
    "slipstream_update_deployment": (deployed, lambda driver, node: driver.ex_update_node(node)),
    "slipstream_get_logs": (deployed, lambda driver, node: driver.ex_get_node_logs(node, ["web"])),
    "slipstream_list_modules": (nothing, lambda driver, _: driver.list_images()),
    "slipstream_get_module": (nothing, lambda driver, _: driver.get_image(WORDPRESS)),
    "slipstream_delete_module": (old_image, lambda driver, image: driver.delete_image(image)),
    "slipstream_list_service_offers": (nothing, lambda driver, _: driver.list_sizes()),
    "slipstream_list_connectors": (nothing, lambda driver, _: driver.list_locations()),
    "slipstream_list_virtual_machines": (
        nothing,
        lambda driver, _: driver.ex_list_virtual_machines(),
    ),
    "slipstream_get_parameter": (
        deployed,
        lambda driver, node: driver.ex_get_node_parameter(node, "ss:state"),
    ),
    "slipstream_list_ssh_keys": (nothing, lambda driver, _: driver.list_key_pairs()),
    "slipstream_add_ssh_key": (nothing, imported),
    "slipstream_delete_ssh_key": (imported, lambda driver, key: driver.delete_key_pair(key)),
}
NOT_ON_SLIPSTREAM = {
    "slipstream_reboot_deployment",
    "slipstream_start_deployment",
    "slipstream_stop_deployment",
    "slipstream_update_deployment",
    "slipstream_get_logs",
}
ON_SLIPSTREAM = sorted(OPERATIONS.keys() - NOT_ON_SLIPSTREAM)


def wrapping(hook: str, body: str) -> str:
    """The source of a plugin that runs ``body`` with all arguments of a hook, then goes on."""
    method = getattr(hookspecs.Backend, hook.removeprefix("slipstream_"))
    names = ", ".join(["session", *list(inspect.signature(method).parameters)[1:]])
    return f"""
seen, names = [], []
@hookimpl(wrapper=True)
def {hook}({names}):
    {body}
    return (yield)
@hookimpl(wrapper=True)
def slipstream_operation(operation, arguments):
    names.append((operation.name, operation.changes, sorted(arguments)))
    return (yield)
"""


@pytest.fixture
def as_entitled(hook: str, sandbox: Sandbox, connect: Connect) -> Connect:
    """Make a driver of a user who may do it."""
    user = sandbox.users["super" if hook == "slipstream_delete_module" else "alice"]
    return lambda **arguments: connect(
        user.username, user.password, ex_disable_plugins=[], **arguments
    )


def test_every_operation_has_its_test() -> None:
    assert {f"slipstream_{name}" for name in hookspecs.OPERATIONS} == set(OPERATIONS)


@pytest.mark.parametrize("hook", ON_SLIPSTREAM)
def test_wrappers_of_an_operation_and_of_all_see_its_arguments_and_its_result_passes(
    hook: str, as_entitled: Connect, add_plugin: AddPlugin
) -> None:
    prepare, call = OPERATIONS[hook]
    module = add_plugin("watch", wrapping(hook, "seen.append(session)"))
    driver = as_entitled()
    assert call(driver, prepare(driver)) is not None
    plugin: Any = sys.modules[module]
    assert plugin.seen
    assert all(session is driver._session for session in plugin.seen)
    operation = hookspecs.OPERATIONS[hook.removeprefix("slipstream_")]
    method = getattr(hookspecs.Backend, operation.name)
    arguments = sorted(list(inspect.signature(method).parameters)[1:])
    assert (operation.name, operation.changes, arguments) in plugin.names


@pytest.mark.parametrize("hook", OPERATIONS)
def test_a_wrapper_can_refuse_an_operation_and_no_request_is_made(
    hook: str, as_entitled: Connect, add_plugin: AddPlugin, sandbox: Sandbox
) -> None:
    prepare, call = OPERATIONS[hook]
    subject = prepare(as_entitled())
    add_plugin("policy", wrapping(hook, "raise BadInput('The house rules forbid it.')"))
    driver = as_entitled()
    sandbox.journal.clear()
    with pytest.raises(BadInput, match=r"The house rules forbid it\."):
        call(driver, subject)
    assert not [entry for entry in sandbox.journal if entry.method in {"POST", "PUT", "DELETE"}]


ANSWER = """
from slipstream.hookspecs import Answered

@hookimpl(wrapper=True)
def slipstream_list_service_offers():
    raise Answered(3)
    yield
"""


def test_an_answer_of_the_wrong_type_names_the_plugin(
    add_plugin: AddPlugin, as_alice: Connect
) -> None:
    add_plugin("cache", ANSWER)
    with pytest.raises(PluginFailed, match=r"plugin 'cache', .* it returned int"):
        as_alice().list_sizes()


OUTER = """
results = []

@hookimpl(wrapper=True, tryfirst=True)
def slipstream_list_service_offers():
    result = yield
    results.append(list(result))
    return results[-1]
"""


def test_an_answer_of_a_wrapper_passes_those_around_it(
    add_plugin: AddPlugin, as_alice: Connect, sandbox: Sandbox
) -> None:
    add_plugin("cache", ANSWER.replace("Answered(3)", "Answered([])"))
    outer = add_plugin("outer", OUTER)
    driver = as_alice()
    sandbox.journal.clear()
    assert driver.list_sizes() == []
    assert not list(sandbox.journal)
    plugin: Any = sys.modules[outer]
    assert plugin.results == [[]]


DRY_RUN = """
seen = []

@hookimpl(wrapper=True)
def slipstream_deploy(session{}):
    seen.append(session)
    return (yield)
"""


@pytest.mark.parametrize(("argument", "count"), [("", 0), (", dry_run", 1)])
def test_a_wrapper_sees_dry_runs_only_if_it_asks_for_them(
    argument: str, count: int, add_plugin: AddPlugin, as_alice: Connect
) -> None:
    module = add_plugin("audit", DRY_RUN.format(argument))
    driver = as_alice()
    image = driver.get_image(WORDPRESS)
    assert driver.ex_explain("create_node", image=image).complete
    assert len(sys.modules[module].seen) == count


FOREIGN = """
from slipstream.backends.cimi import CimiBackend
from slipstream.values import Connector, Deployment, Phase

class Elsewhere(CimiBackend):
    name = "elsewhere"
    sessions_key, templates_key, template_key = "sessions", "sessionTemplates", "sessionTemplate"
    states = {{"Initializing": Phase.PENDING, "Provisioning": Phase.STARTING}}

    {methods}

@hookimpl
def slipstream_endpoints():
    return [EndpointKind(name="elsewhere", backend=Elsewhere)]
"""


def foreign(methods: str = "pass") -> str:
    """The source of a plugin whose backend has nothing but some methods."""
    return FOREIGN.format(methods=textwrap.dedent(methods).replace("\n", "\n    "))


@pytest.mark.parametrize("hook", OPERATIONS)
def test_what_a_backend_leaves_out_is_unsupported_in_so_many_words(
    hook: str, add_plugin: AddPlugin, as_entitled: Connect
) -> None:
    prepare, call = OPERATIONS[hook]
    subject = prepare(as_entitled())
    add_plugin("elsewhere", foreign())
    driver = as_entitled(ex_endpoint_kind="elsewhere")
    with pytest.raises(NotSupported, match="elsewhere endpoints cannot"):
        call(driver, subject)


ANSWERING = """\
def list_service_offers(self, connector, usable_only):
    yield from ()

def list_connectors(self):
    yield Connector(id="moon", name="moon")
"""


def test_a_plugin_answers_for_a_backend_of_its_own_and_for_no_other(
    add_plugin: AddPlugin, as_alice: Connect
) -> None:
    add_plugin("elsewhere", foreign(ANSWERING))
    there, here = as_alice(ex_endpoint_kind="elsewhere"), as_alice()
    assert [location.name for location in there.list_locations()] == ["moon"]
    assert there.list_sizes() == []
    assert "moon" not in [location.name for location in here.list_locations()]
    assert here.list_sizes()


ONE_BY_ONE = """\
states = {"Ready": Phase.RUNNING}

def get_deployment(self, deployment_id):
    if deployment_id == "gone":
        raise NotFound("There is no such thing.", code=404)
    addresses = ["203.0.113.7"]
    return Deployment(id=deployment_id, state="Ready", phase=Phase.RUNNING, addresses=addresses)
"""


@pytest.fixture
def elsewhere(add_plugin: AddPlugin, as_alice: Connect) -> Callable[[str], Driver]:
    """Make a driver on a backend that has nothing but some methods."""

    def make(methods: str) -> Driver:
        add_plugin("elsewhere", foreign(methods))
        return as_alice(ex_endpoint_kind="elsewhere")

    return make


def nodes_of(*ids: str) -> list[Node]:
    return [Node(name, name, NodeState.UNKNOWN, [], [], None) for name in ids]


def test_a_backend_that_reads_one_deployment_can_be_waited_for_with_many(
    elsewhere: Callable[[str], Driver],
) -> None:
    driver = elsewhere(ONE_BY_ONE)
    result = driver.wait_until_running(nodes_of("two", "one"))
    assert [(node.id, ips) for node, ips in result] == [
        ("two", ["203.0.113.7"]),
        ("one", ["203.0.113.7"]),
    ]
    with pytest.raises(NodeFailed, match="Deployment gone is Deleted and cannot run any more"):
        driver.wait_until_running(nodes_of("one", "gone"))


ANOTHER = """\
def get_deployment(self, deployment_id):
    return Deployment(id="another", state="Ready", phase=Phase.RUNNING)
"""


def test_a_backend_that_gives_another_deployment_is_not_believed(
    elsewhere: Callable[[str], Driver],
) -> None:
    driver = elsewhere(ANOTHER)
    reads: list[Callable[[], object]] = [
        lambda: driver.ex_get_node("one"),
        lambda: driver.wait_until_running(nodes_of("another", "one")),
    ]
    for read in reads:
        with pytest.raises(MalformedAnswer, match="one: the response is about another one"):
            read()


def test_a_backend_that_leaves_deployments_out_is_not_believed(
    elsewhere: Callable[[str], Driver],
) -> None:
    driver = elsewhere("def get_deployments(self, deployment_ids):\n    return iter(())\n")
    with pytest.raises(PluginFailed, match="it gave 0 deployments for 2 ids"):
        driver.wait_until_running(nodes_of("two", "one"))
