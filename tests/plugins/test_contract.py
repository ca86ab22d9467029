"""The hooks as plugins know them: names and arguments are added, never changed."""

from __future__ import annotations

import inspect

import pytest

import slipstream
from slipstream import hookspecs
from slipstream.backends import Nuvla, SlipStream3
from slipstream.errors import BadInput
from slipstream.plugins import Plugins

# A plugin written for any release works with all later ones: extend this, change nothing.
HOOKS = {
    "slipstream_login_methods": [],
    "slipstream_endpoints": [],
    "slipstream_list_deployments": ["session", "active_only", "addresses"],
    "slipstream_get_deployment": ["session", "deployment_id"],
    "slipstream_get_deployments": ["session", "deployment_ids"],
    "slipstream_get_state": ["session", "deployment_id", "states"],
    "slipstream_deploy": ["session", "request"],
    "slipstream_terminate": ["session", "deployment_id", "force", "raw"],
    "slipstream_start_deployment": ["session", "deployment_id"],
    "slipstream_stop_deployment": ["session", "deployment_id"],
    "slipstream_reboot_deployment": ["session", "deployment_id"],
    "slipstream_update_deployment": ["session", "deployment_id"],
    "slipstream_get_logs": ["session", "deployment_id", "components", "lines", "timeout"],
    "slipstream_list_modules": ["session", "path", "recurse", "connector"],
    "slipstream_get_module": ["session", "module_id"],
    "slipstream_delete_module": ["session", "module_id", "all_versions"],
    "slipstream_list_service_offers": ["session", "connector", "usable_only"],
    "slipstream_list_connectors": ["session"],
    "slipstream_list_virtual_machines": ["session", "connector", "deployment_id", "raw"],
    "slipstream_get_parameter": ["session", "deployment_id", "name", "ignore_abort"],
    "slipstream_list_ssh_keys": ["session"],
    "slipstream_add_ssh_key": ["session", "key"],
    "slipstream_delete_ssh_key": ["session", "key"],
}
PUBLIC = {
    *("Backend", "Credentials", "DeploymentRequest", "Endpoint", "EndpointKind", "Login"),
    *("LoginAttempt", "LoginMethod", "Parameter", "Request", "Response", "Role", "Session"),
    "hookimpl",
}
CONTRIBUTIONS = ("slipstream_login_methods", "slipstream_endpoints")


def test_hooks_and_arguments_are_stable() -> None:
    arguments = {
        f"slipstream_{name}": ["session", *parameters(hookspecs.Backend, name)]
        for name in hookspecs.OPERATIONS
    }
    contributions: dict[str, list[str]] = {
        name: [] for name in CONTRIBUTIONS if hasattr(hookspecs, name)
    }
    assert arguments | contributions == HOOKS


def parameters(backend: type, name: str) -> list[str]:
    return list(inspect.signature(getattr(backend, name)).parameters)[1:]


def test_public_names_are_stable() -> None:
    assert set(slipstream.__all__) >= PUBLIC
    assert all(hasattr(slipstream, name) for name in slipstream.__all__)


@pytest.mark.parametrize("name", hookspecs.OPERATIONS)
def test_operation_is_documented_and_implemented_with_its_arguments(name: str) -> None:
    text = inspect.getdoc(getattr(hookspecs.Backend, name)) or ""
    assert text.partition("\n")[0].endswith(".")
    for argument in HOOKS[f"slipstream_{name}"][1:]:
        about = hookspecs.Backend.__doc__ if argument == "deployment_id" else text
        assert f":param {argument}: " in text or f"``{argument}`` is" in str(about)
    for backend in (SlipStream3, Nuvla):
        assert parameters(backend, name) == parameters(hookspecs.Backend, name)


def test_built_in_login_methods_and_kinds() -> None:
    plugins = Plugins(allowed=[])
    assert hookspecs.PROJECT == "slipstream"
    logins = {"internal", "api-key", "cookie-file", "session-template"}
    assert logins <= set(plugins.login_methods.names)
    assert {"nuv.la", "slipstream"} <= set(plugins.endpoint_kinds.names)
    assert "nuv.la" in plugins.endpoint_kinds.get("nuv.la").hosts


def test_backend_may_leave_out_later_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_module(self: object, module_id: str, tag: str | None = None) -> None: ...

    monkeypatch.setattr(slipstream.Backend, "get_module", get_module)
    type("Helper", (slipstream.Backend,), {"_get_modul": lambda self: []})
    for method in (lambda self, module_id: None, lambda self, module_id, tag: None):
        assert type("Older", (slipstream.Backend,), {"get_module": method})
    with pytest.raises(BadInput, match=r"Write: def get_module\(self, module_id, tag\), without"):
        type("Odd", (slipstream.Backend,), {"get_module": lambda self, tag: None})
