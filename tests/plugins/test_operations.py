"""Every hook reaches plugins: each operation can be watched, refused and answered."""

from __future__ import annotations

import inspect
import sys
import textwrap

import pytest
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream import hookspecs
from slipstream.libcloud.errors import (
    BadInput,
    MalformedAnswer,
    NodeFailed,
    NotSupported,
    PluginFailed,
    WaitTimeout,
)

WORDPRESS = "apps/WordPress/wordpress"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7Ho0PkFJdWOBMLcKPq3MS0rVyRb0Dd0gPn1cKzVSK9 laptop"


def deployed(driver):
    return driver.create_node(image=driver.get_image(WORDPRESS))


def not_running(driver, node):
    try:
        return driver.wait_until_running([node], timeout=0)
    except WaitTimeout as error:
        return error


def imported(driver):
    return driver.import_key_pair_from_string("laptop", KEY)


def old_image(driver):
    return driver.get_image("examples/images/old/ubuntu-14.04")


# How a user of the driver gets to each operation: what comes before it, and the call.
OPERATIONS = {
    "slipstream_list_deployments": (None, lambda driver, _: driver.list_nodes()),
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
    "slipstream_list_modules": (None, lambda driver, _: driver.list_images()),
    "slipstream_get_module": (None, lambda driver, _: driver.get_image(WORDPRESS)),
    "slipstream_delete_module": (old_image, lambda driver, image: driver.delete_image(image)),
    "slipstream_list_service_offers": (None, lambda driver, _: driver.list_sizes()),
    "slipstream_list_connectors": (None, lambda driver, _: driver.list_locations()),
    "slipstream_list_virtual_machines": (
        None,
        lambda driver, _: driver.ex_list_virtual_machines(),
    ),
    "slipstream_get_parameter": (
        deployed,
        lambda driver, node: driver.ex_get_node_parameter(node, "ss:state"),
    ),
    "slipstream_list_ssh_keys": (None, lambda driver, _: driver.list_key_pairs()),
    "slipstream_add_ssh_key": (None, lambda driver, _: imported(driver)),
    "slipstream_delete_ssh_key": (imported, lambda driver, key: driver.delete_key_pair(key)),
}
NOT_ON_SLIPSTREAM = {
    "slipstream_reboot_deployment",
    "slipstream_start_deployment",
    "slipstream_stop_deployment",
    "slipstream_update_deployment",
    "slipstream_get_logs",
}
HOOKS = [f"slipstream_{name}" for name in hookspecs.OPERATIONS]


def wrapping(hook, body):
    """The source of a plugin that runs ``body`` with all arguments of a hook, then goes on."""
    method = getattr(hookspecs.Backend, hook.removeprefix("slipstream_"))
    names = ", ".join(["session", *list(inspect.signature(method).parameters)[1:]])
    return f"""
seen = []
@hookimpl(wrapper=True)
def {hook}({names}):
    {body}
    return (yield)
"""


@pytest.fixture
def as_entitled(hook, sandbox, connect):
    """Make a driver of a user who may do it."""
    user = sandbox.users["super" if hook == "slipstream_delete_module" else "alice"]
    return lambda **arguments: connect(
        user.username, user.password, ex_disable_plugins=[], **arguments
    )


@pytest.fixture
def driver(as_entitled):
    return as_entitled()


def test_every_operation_has_its_test():
    assert set(HOOKS) == set(OPERATIONS)


@pytest.mark.parametrize("hook", sorted(NOT_ON_SLIPSTREAM))
def test_what_this_family_has_not_is_unsupported(hook, driver):
    prepare, call = OPERATIONS[hook]
    with pytest.raises(NotSupported, match="slipstream endpoints cannot"):
        call(driver, prepare(driver))


@pytest.mark.parametrize("hook", sorted(OPERATIONS.keys() - NOT_ON_SLIPSTREAM))
def test_a_wrapper_sees_the_arguments_and_the_result_passes(hook, as_entitled, add_plugin):
    prepare, call = OPERATIONS[hook]
    module = add_plugin("watch", wrapping(hook, "seen.append(session)"))
    driver = as_entitled()
    subject = prepare and prepare(driver)
    assert call(driver, subject) is not None
    seen = sys.modules[module].seen
    assert seen
    assert all(session is driver._session for session in seen)


@pytest.mark.parametrize("hook", OPERATIONS)
def test_a_wrapper_can_refuse_an_operation_and_no_request_is_made(
    hook, as_entitled, add_plugin, sandbox
):
    prepare, call = OPERATIONS[hook]
    subject = prepare and prepare(as_entitled())
    add_plugin("policy", wrapping(hook, "raise BadInput('The house rules forbid it.')"))
    driver = as_entitled()
    sandbox.journal.clear()
    with pytest.raises(BadInput, match=r"The house rules forbid it\."):
        call(driver, subject)
    assert not [entry for entry in sandbox.journal if entry.method in {"POST", "PUT", "DELETE"}]


@pytest.mark.parametrize("hook", sorted(OPERATIONS.keys() - NOT_ON_SLIPSTREAM))
def test_one_hook_wraps_every_operation(hook, as_entitled, add_plugin):
    prepare, call = OPERATIONS[hook]
    module = add_plugin(
        "metrics",
        """
        names = []
        @hookimpl(wrapper=True)
        def slipstream_operation(session, operation, arguments):
            names.append((operation.name, operation.changes, sorted(arguments)))
            return (yield)
        """,
    )
    driver = as_entitled()
    call(driver, prepare and prepare(driver))
    operation = hookspecs.OPERATIONS[hook.removeprefix("slipstream_")]
    method = getattr(hookspecs.Backend, operation.name)
    arguments = sorted(list(inspect.signature(method).parameters)[1:])
    assert (operation.name, operation.changes, arguments) in sys.modules[module].names


CACHE = """
from slipstream.hookspecs import Answered

sizes = {}

@hookimpl(wrapper=True, trylast=True)
def slipstream_list_service_offers(session, connector):
    key = (session.endpoint, connector)
    if key in sizes:
        raise Answered(sizes[key])
    sizes[key] = list((yield))
    return sizes[key]
"""
METRICS = """
counts = []

@hookimpl(wrapper=True)
def slipstream_operation(operation):
    result = yield
    counts.append(operation.name)
    return result

@hookimpl(wrapper=True, tryfirst=True)
def slipstream_list_service_offers():
    return (yield)
"""


def test_a_wrapper_can_answer_without_going_on_and_the_others_see_its_answer(
    add_plugin, as_alice, sandbox
):
    add_plugin("cache", CACHE)
    metrics = add_plugin("metrics", METRICS)
    driver = as_alice()
    first = [size.id for size in driver.list_sizes()]
    sandbox.journal.clear()
    assert [size.id for size in driver.list_sizes()] == first
    assert not list(sandbox.journal)
    assert sys.modules[metrics].counts.count("list_service_offers") == 2


def test_an_answer_of_the_wrong_type_names_the_plugin(add_plugin, as_alice):
    add_plugin("cache", CACHE.replace("raise Answered(sizes[key])", "raise Answered(3)"))
    driver = as_alice()
    driver.list_sizes()
    with pytest.raises(PluginFailed, match=r"plugin 'cache', .* it returned int"):
        driver.list_sizes()


DRY_RUN = """
seen = []

@hookimpl(wrapper=True)
def slipstream_deploy(session{}):
    seen.append(session)
    return (yield)
"""


@pytest.mark.parametrize(("argument", "count"), [("", 0), (", dry_run", 1)])
def test_a_wrapper_sees_dry_runs_only_if_it_asks_for_them(argument, count, add_plugin, as_alice):
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


def foreign(methods="pass"):
    """The source of a plugin whose backend has nothing but some methods."""
    return FOREIGN.format(methods=textwrap.dedent(methods).replace("\n", "\n    "))


@pytest.mark.parametrize("hook", OPERATIONS)
def test_what_a_backend_leaves_out_is_unsupported_in_so_many_words(hook, add_plugin, as_entitled):
    prepare, call = OPERATIONS[hook]
    subject = prepare and prepare(as_entitled())
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


def test_a_plugin_answers_for_a_backend_of_its_own_and_for_no_other(add_plugin, as_alice):
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


def nodes_of(*ids):
    return [Node(name, name, NodeState.UNKNOWN, [], [], None) for name in ids]


def test_a_backend_that_reads_one_deployment_can_be_waited_for_with_many(add_plugin, as_alice):
    add_plugin("elsewhere", foreign(ONE_BY_ONE))
    driver = as_alice(ex_endpoint_kind="elsewhere")
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


def test_a_backend_that_gives_another_deployment_is_not_believed(add_plugin, as_alice):
    add_plugin("elsewhere", foreign(ANOTHER))
    driver = as_alice(ex_endpoint_kind="elsewhere")
    for read in (
        lambda: driver.ex_get_node("one"),
        lambda: driver.wait_until_running(nodes_of("another", "one")),
    ):
        with pytest.raises(MalformedAnswer, match="one: the response is about another one"):
            read()


TOO_FEW = """\
def get_deployments(self, deployment_ids):
    return iter(())
"""


def test_a_backend_that_leaves_deployments_out_is_not_believed(add_plugin, as_alice):
    add_plugin("elsewhere", foreign(TOO_FEW))
    driver = as_alice(ex_endpoint_kind="elsewhere")
    with pytest.raises(PluginFailed, match="it gave 0 deployments for 2 ids"):
        driver.wait_until_running(nodes_of("two", "one"))
