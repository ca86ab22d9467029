"""Every hook reaches plugins: each operation can be watched, refused and answered."""

from __future__ import annotations

import inspect

import pytest
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream import hookspecs
from slipstream.hookspecs import hookimpl
from slipstream.libcloud.errors import (
    BadInput,
    MalformedAnswer,
    NodeFailed,
    NotSupported,
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
CONTRIBUTIONS = {"slipstream_login_methods", "slipstream_endpoints"}
HOOKS = {name: getattr(hookspecs, name) for name in dir(hookspecs) if name[:11] == "slipstream_"}


def wrapper(hook, before):
    """A plugin that calls ``before(**arguments)`` and hands the answer on."""
    names = ", ".join(inspect.signature(HOOKS[hook]).parameters)
    source = (
        f"def {hook}({names}):\n    before({', '.join(f'{n}={n}' for n in names.split(', '))})"
    )
    namespace = {"before": before}
    exec(f"{source}\n    return (yield)", namespace)
    plugin = type("Plugin", (), {})()
    setattr(plugin, hook, hookimpl(wrapper=True)(namespace[hook]))
    return plugin


@pytest.fixture
def as_entitled(hook, sandbox, connect):
    """Make a driver of a user who may do it, with plugins that no other driver has."""
    user = sandbox.users["super" if hook == "slipstream_delete_module" else "alice"]
    return lambda **arguments: connect(
        user.username, user.password, ex_disable_plugins=[], **arguments
    )


@pytest.fixture
def driver(as_entitled):
    return as_entitled()


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_its_test(hook):
    assert hook in OPERATIONS.keys() ^ CONTRIBUTIONS


@pytest.mark.parametrize("hook", sorted(NOT_ON_SLIPSTREAM))
def test_what_this_family_has_not_is_unsupported(hook, driver):
    prepare, call = OPERATIONS[hook]
    with pytest.raises(NotSupported, match="slipstream endpoints cannot"):
        call(driver, prepare(driver))


@pytest.mark.parametrize("hook", sorted(OPERATIONS.keys() - NOT_ON_SLIPSTREAM))
def test_a_plugin_sees_what_is_asked_and_the_answer_passes(hook, driver):
    prepare, call = OPERATIONS[hook]
    subject = prepare and prepare(driver)
    seen = []
    driver._plugins._manager.register(wrapper(hook, lambda **asked: seen.append(asked)))
    assert call(driver, subject) is not None
    assert seen
    assert all(asked["session"] is driver._session for asked in seen)


@pytest.mark.parametrize("hook", OPERATIONS)
def test_a_plugin_can_refuse_an_operation_and_no_request_is_made(hook, driver, sandbox):
    prepare, call = OPERATIONS[hook]
    subject = prepare and prepare(driver)

    def refuse(**_):
        raise BadInput("The house rules forbid it.")

    driver._plugins._manager.register(wrapper(hook, refuse))
    sandbox.journal.clear()
    with pytest.raises(BadInput, match=r"The house rules forbid it\."):
        call(driver, subject)
    assert not [one for one in sandbox.journal if one.method in {"POST", "PUT", "DELETE"}]


FOREIGN = """
import attrs

ELSEWHERE = attrs.evolve(SLIPSTREAM_3, name="elsewhere")

@hookimpl
def slipstream_endpoints():
    return [EndpointKind(name="elsewhere", backend=ELSEWHERE)]
"""


@pytest.mark.parametrize("hook", OPERATIONS)
def test_what_no_backend_answers_is_unsupported_in_so_many_words(hook, stranger, as_entitled):
    prepare, call = OPERATIONS[hook]
    subject = prepare and prepare(as_entitled())
    stranger("elsewhere", FOREIGN)
    driver = as_entitled(ex_endpoint_kind="elsewhere")
    with pytest.raises(NotSupported, match="elsewhere endpoints cannot"):
        call(driver, subject)


ANSWERING = (
    FOREIGN
    + """
from slipstream.values import Connector

class Answers:
    # 'session' need not come first, nor need this be a function of a module.
    @hookimpl
    @serves("elsewhere")
    def slipstream_list_service_offers(self, connector, session):
        yield from ()

    @hookimpl
    @serves("elsewhere")
    def slipstream_list_connectors(self, session):
        yield Connector(id="moon", name="moon")

    slipstream_endpoints = staticmethod(slipstream_endpoints)

plugin = Answers()
"""
)


def test_a_plugin_answers_for_a_backend_of_its_own_and_for_no_other(stranger, as_alice):
    module = "elsewhere_of_dist_of_elsewhere"
    assert stranger("elsewhere", ANSWERING, value=f"{module}:plugin") == module
    there, here = as_alice(ex_endpoint_kind="elsewhere"), as_alice()
    assert [one.name for one in there.list_locations()] == ["moon"]
    assert there.list_sizes() == []
    assert "moon" not in [one.name for one in here.list_locations()]
    assert here.list_sizes()


ONE_BY_ONE = (
    FOREIGN
    + """
from slipstream.values import Deployment, Phase

@hookimpl
@serves("elsewhere")
def slipstream_get_deployment(session, deployment_id):
    if deployment_id == "gone":
        raise NotFound("There is no such thing.")
    addresses = ["203.0.113.7"]
    return Deployment(id=deployment_id, state="Ready", phase=Phase.RUNNING, addresses=addresses)
"""
)


def by_hand(*ids):
    return [Node(one, one, NodeState.UNKNOWN, [], [], None) for one in ids]


def test_a_backend_that_reads_one_deployment_can_be_waited_for_with_many(stranger, as_alice):
    stranger("elsewhere", ONE_BY_ONE)
    driver = as_alice(ex_endpoint_kind="elsewhere")
    result = driver.wait_until_running(by_hand("two", "one"))
    assert [(node.id, ips) for node, ips in result] == [
        ("two", ["203.0.113.7"]),
        ("one", ["203.0.113.7"]),
    ]
    with pytest.raises(NodeFailed, match="Deployment gone is Deleted and cannot run any more"):
        driver.wait_until_running(by_hand("one", "gone"))


TOO_FEW = (
    FOREIGN
    + """
@hookimpl
@serves("elsewhere")
def slipstream_get_deployments(session, deployment_ids):
    return iter(())
"""
)


def test_a_backend_that_leaves_deployments_out_is_not_believed(stranger, as_alice):
    stranger("elsewhere", TOO_FEW)
    driver = as_alice(ex_endpoint_kind="elsewhere")
    with pytest.raises(MalformedAnswer, match="2 deployments were asked for, and 0 came"):
        driver.wait_until_running(by_hand("two", "one"))
