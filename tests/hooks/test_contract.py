"""The hooks as plugins know them: names and arguments are added, never changed."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

import slipstream
from slipstream import hookspecs
from slipstream.plugins import Plugins
from slipstream.plugins.loading import BUILT_IN

# A plugin written for any release works with all later ones: extend this, change nothing.
HOOKS = {
    "slipstream_login_methods": [],
    "slipstream_endpoints": [],
    "slipstream_list_deployments": ["session", "active_only", "addresses"],
    "slipstream_get_deployment": ["session", "deployment_id"],
    "slipstream_get_deployments": ["session", "deployment_ids"],
    "slipstream_get_state": ["session", "deployment_id", "wanted"],
    "slipstream_deploy": ["session", "request"],
    "slipstream_terminate": ["session", "deployment_id"],
    "slipstream_start_deployment": ["session", "deployment_id"],
    "slipstream_stop_deployment": ["session", "deployment_id"],
    "slipstream_reboot_deployment": ["session", "deployment_id"],
    "slipstream_update_deployment": ["session", "deployment_id"],
    "slipstream_get_logs": ["session", "deployment_id", "components", "lines", "timeout"],
    "slipstream_list_modules": ["session", "path", "recurse"],
    "slipstream_get_module": ["session", "module_id"],
    "slipstream_delete_module": ["session", "module_id", "all_versions"],
    "slipstream_list_service_offers": ["session", "connector"],
    "slipstream_list_connectors": ["session"],
    "slipstream_list_virtual_machines": ["session", "connector", "deployment_id", "known"],
    "slipstream_get_parameter": ["session", "deployment_id", "name", "ignore_abort"],
    "slipstream_list_ssh_keys": ["session"],
    "slipstream_add_ssh_key": ["session", "key"],
    "slipstream_delete_ssh_key": ["session", "key"],
}
PUBLIC = {
    "Backend",
    "Credentials",
    "DeploymentRequest",
    "Endpoint",
    "EndpointKind",
    "LoginMethod",
    "Parameter",
    "Request",
    "Response",
    "Role",
    "Session",
    "hookimpl",
    "serves",
}
IMPLEMENTATIONS = [
    pytest.param(spec, function, id=f"{module.rpartition('.')[2]}-{name}")
    for module in BUILT_IN
    for name, function in vars(import_module(module)).items()
    if (spec := getattr(hookspecs, name, None)) and name in HOOKS
]


def annotations(function):
    return inspect.get_annotations(inspect.unwrap(function))


def element(annotation):
    """What is handed over, be it promised as an iterable, an iterator, a list, or maybe none."""
    text = annotation.removesuffix(" | None")
    return re.sub(r"^(Iterable|Iterator|list)\[(.*)\]$", r"many \2", text)


def test_the_names_of_the_hooks_and_of_their_arguments_are_what_they_were():
    found = {name: spec for name, spec in vars(hookspecs).items() if name[:11] == "slipstream_"}
    assert {
        name: list(inspect.signature(spec).parameters) for name, spec in found.items()
    } == HOOKS


def test_what_a_plugin_can_import_is_still_there():
    assert set(slipstream.__all__) >= PUBLIC
    assert all(hasattr(slipstream, name) for name in slipstream.__all__)


def test_the_group_of_entry_points_and_the_pluggy_project_are_called_slipstream():
    assert hookspecs.PROJECT == "slipstream"
    assert Plugins()._manager.project_name == "slipstream"


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_what_it_is_for_and_what_its_arguments_are(name):
    spec = getattr(hookspecs, name)
    text = inspect.getdoc(spec)
    assert text.partition("\n")[0].endswith(".")
    for argument in HOOKS[name]:
        assert f":param {argument}: " in text


@pytest.mark.parametrize(("spec", "function"), IMPLEMENTATIONS)
def test_a_built_in_hook_has_the_annotations_of_its_specification(spec, function):
    expected, found = annotations(spec), annotations(function)
    assert list(inspect.signature(function).parameters) == HOOKS[spec.__name__]
    assert element(found.pop("return")) == element(expected.pop("return"))
    assert found == expected


def test_every_hook_but_one_for_plugins_is_answered_by_what_comes_with_the_package():
    answered = {parameter.values[0].__name__ for parameter in IMPLEMENTATIONS}
    assert set(HOOKS) - answered == {"slipstream_reboot_deployment"}


def test_the_login_methods_and_endpoints_that_come_with_the_package():
    plugins = Plugins(allowed=[])
    assert {"internal", "api-key", "cookie-file", "session-template"} <= set(
        plugins.login_methods.names
    )
    assert {"nuv.la", "slipstream"} <= set(plugins.endpoint_kinds.names)
    assert "nuv.la" in plugins.endpoint_kinds.get("nuv.la").hosts
