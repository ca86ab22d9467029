"""A broken plugin neither stops the others nor hides."""

from __future__ import annotations

import re
import warnings
from types import ModuleType
from typing import Any

import pytest
from plugin_objects import LOGIN, AddPlugin, Connect, LoadPlugin

from slipstream import Backend, EndpointKind, LoginMethod, hookimpl
from slipstream.backends import SlipStream3
from slipstream.errors import BadInput, UnknownName
from slipstream.libcloud.errors import PluginFailed
from slipstream.plugins import Plugins
from slipstream.plugins.loading import PluginWarning
from slipstream.sandbox import Sandbox

HARMLESS = LOGIN.format("harmless")


def hook(definition: str, option: str = "") -> str:
    """The source of a plugin with one hook."""
    return f"@hookimpl({option})\ndef slipstream_{definition}"


# The module's source, and what the warning says of it.
BROKEN: dict[str, tuple[str | None, str]] = {
    "module-missing": (None, "importing it failed: ModuleNotFoundError"),
    "syntax-error": ("def", "importing it failed: SyntaxError"),
    "control-characters": (r"raise ValueError('a\x1b[2Jb')", r"failed: ValueError: a\\x1b\[2Jb"),
    "exits": ("raise SystemExit(3)", "importing it failed: SystemExit: 3"),
    "unprintable": (
        """
        class Odd(BaseException):
            def __str__(self):
                raise SystemExit
        raise Odd
        """,
        r"importing it failed: Odd \(it cannot be printed\)",
    ),
    "attribute-missing": ("plugin = None", "AttributeError: .*no attribute 'elsewhere'"),
    "without-hooks": ("import json", "it has no hooks; .* not this module"),
    "an-int": ("plugin = 3", "it has no hooks; .* a module or an instance, not this int"),
    "class": ("class Plugin: ...", "it has no hooks; .* a module or an instance, not this type"),
    "endless": (
        hook("login_methods():\n  while True: yield LoginMethod(name='m', authenticate=print)"),
        "calling its slipstream_login_methods failed: .* more than 1000 records",
    ),
    "half-way": (
        hook("login_methods():\n  yield LoginMethod(name='m', authenticate=print)\n  1 / 0"),
        "calling its slipstream_login_methods failed: ZeroDivisionError: division by zero",
    ),
    "nonsense": (
        hook("login_methods(): return ['token']"),
        "it contributed a str, which is not a LoginMethod",
    ),
    "no-list": (hook("endpoints(): pass"), "calling its slipstream_endpoints failed: TypeError"),
    "unmarked": (
        "def slipstream_deploy(session): ...",
        "its function slipstream_deploy is not marked with @hookimpl",
    ),
}
WRAPS = "wrapper=True"
# The options of a hook, its definition, and what is said of it.
HOOKS = [
    (WRAPS, "deploy(order): yield", "has no argument 'order'; the arguments are: .*, request"),
    (WRAPS, "deploi(): yield", "no hook slipstream_deploi; the nearest is slipstream_deploy"),
    ("", "zzz(): ...", r"there is no hook slipstream_zzz\."),
    (WRAPS, "deploy(request=None): yield", "deploy gives a default value to request"),
    (WRAPS, "deploy(session): ...", "slipstream_deploy does not yield"),
    ("", "terminate(): yield", "slipstream_terminate is implemented by backends alone"),
    ("hookwrapper=True", "terminate(): yield", "needs wrapper=True, not hookwrapper=True"),
]
NO_REASON = "'cannot' of B has no reason for 'reboot_deployment'"
# What a backend named B has, and what is said of it when the class is made.
BACKENDS = [
    ("def list_connector(self): ...", "Unknown operation 'list_connector'.*'list_connectors'"),
    ("def list_modules(self, path, connector): ...", r"list_modules\(\) of B does not take the"),
    (
        "def get_module(self, module_id=''): ...",
        r"get_module\(self, module_id\), without defaults",
    ),
    ("def deploy(self, *request): ...", r"deploy\(\) of B .* deploy\(self, request\)"),
    ("def deploy(self, order): ...", r"deploy\(\) of B .* deploy\(self, request\)"),
    ("list_connectors = None", "list_connectors of B is not a method"),
    ("cannot = {'rebot_deployment': 'No.'}", "'rebot_deployment' .* did you mean 'reboot_deploym"),
    ("cannot = {'list_volume': 'No.'}", "did you mean 'list_volumes'"),
    ("cannot = {'reboot_deployment': ' '}", NO_REASON),
    ("cannot = {'reboot_deployment': 7}", NO_REASON),
    ("state_aliases = {'Ready': 'up'}", "Unknown state 'up' as the meaning of 'Ready' in B"),
    ("states = {7: None}", "The state 7 of B has no Phase"),
    ("parameter_roles = {'zone': 'location'}", "'zone' of B has no Role: 'location'"),
]
NO_NAME = "One of the names is empty, or no text"
NO_HOST = "is not a host name: leave scheme, path and patterns out"
# A contribution of wrong arguments, and what is said of it.
CONTRIBUTIONS: list[tuple[type, dict[str, Any], str]] = [
    (LoginMethod, {"secret_fields": [7]}, NO_NAME),
    (LoginMethod, {"secret_fields": [""]}, NO_NAME),
    (EndpointKind, {"hosts": "*.x.example"}, NO_HOST),
    (EndpointKind, {"hosts": {"https://x.example"}}, NO_HOST),
    (EndpointKind, {"hosts": "x.example/x"}, NO_HOST),
    (EndpointKind, {"hosts": "x.example:port"}, "is not a port"),
    (EndpointKind, {"probe_path": "about"}, "path"),
    (
        EndpointKind,
        {"login_methods": "a", "default_login": "b"},
        "'b' is none of the login_methods",
    ),
    (EndpointKind, {"backend": 3}, "backend must be a class derived from Backend, not 3"),
]


@pytest.mark.parametrize(("option", "definition", "message"), HOOKS)
def test_wrong_hook(option: str, definition: str, message: str, load_plugin: LoadPlugin) -> None:
    module = ModuleType("wrong")
    exec(hook(definition, option), vars(module) | {"hookimpl": hookimpl}, vars(module))
    with pytest.raises(PluginFailed, match=f"is broken: registering it failed: .*{message}"):
        load_plugin(module)


@pytest.mark.parametrize(("member", "message"), BACKENDS)
def test_wrong_backend(member: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        exec(f"class B(Backend):\n    {member}", {"Backend": Backend})


@pytest.mark.parametrize(("record_type", "arguments", "message"), CONTRIBUTIONS)
def test_wrong_contribution(record_type: Any, arguments: dict[str, Any], message: str) -> None:
    needed = {"authenticate": print} if record_type is LoginMethod else {"backend": SlipStream3}
    with pytest.raises((BadInput, TypeError), match=message):
        record_type(name="x", **{**needed, **arguments})


def install_broken(add_plugin: AddPlugin, name: str, **options: str) -> None:
    attributes = {"an-int": "plugin", "attribute-missing": "elsewhere", "class": "Plugin"}
    module = f"{name}_of_dist_of_{name}".replace("-", "_")
    value = f"{module}:{attributes[name]}" if name in attributes else ""
    add_plugin(name, BROKEN[name][0], value=value, **options)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin_is_left_out_with_warning(add_plugin: AddPlugin, name: str) -> None:
    cause = BROKEN[name][1]
    install_broken(add_plugin, name, version="2.5")
    add_plugin("harmless", HARMLESS)
    with pytest.warns(PluginWarning) as caught:
        plugins = Plugins()
    [text] = [str(warning.message) for warning in caught]
    assert text.startswith(f"The plugin '{name}' of dist-of-{name} 2.5 is left out: ")
    assert re.search(cause, text, re.DOTALL)
    assert f"Set SLIPSTREAM_DISABLE_PLUGINS={name} to switch it off." in text
    assert plugins.login_methods.get("harmless")
    with pytest.raises(PluginFailed, match=f"of dist-of-{name} 2.5 is broken") as failed:
        plugins.login_methods.get(name)
    assert type(failed.value.__cause__).__name__ in text
    assert {info.name: info.status for info in plugins.list_plugins() if not info.built_in} == {
        name: "broken",
        "harmless": "active",
    }


@pytest.mark.parametrize("name", ["module-missing", "no-list"])
def test_disabled_broken_plugin_has_no_warning(add_plugin: AddPlugin, name: str) -> None:
    install_broken(add_plugin, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Plugins(disabled=[name])


def test_module_under_two_names_is_loaded_once(add_plugin: AddPlugin) -> None:
    module = add_plugin("first", HARMLESS)
    add_plugin("second", None, value=module)
    with pytest.warns(PluginWarning, match="'second' .*: it is what the plugin .*first has reg"):
        plugins = Plugins()
    assert plugins.login_methods.get("harmless")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (hook("terminate(order): yield", WRAPS), "has no argument 'order'"),
        (hook("login_methods(): raise RuntimeError('no')"), "no"),
    ],
)
def test_broken_hook_disables_the_whole_plugin(
    add_plugin: AddPlugin, as_alice: Connect, broken: str, message: str
) -> None:
    emptying = hook("list_connectors():\n    yield\n    return []", WRAPS)
    add_plugin("half", f"{emptying}\n{broken}")
    with pytest.warns(PluginWarning, match=message):
        assert as_alice().list_locations()


def test_ctrl_c_while_plugins_are_loaded_ends_the_program(add_plugin: AddPlugin) -> None:
    add_plugin("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Plugins()


def test_unknown_kind_hints_at_broken_plugins(add_plugin: AddPlugin) -> None:
    add_plugin("acme", "import nothing_of_that_name")
    with pytest.warns(PluginWarning):
        plugins = Plugins()
    with pytest.raises(UnknownName, match=r"may have had it: 'acme' of dist-of-acme 1.0"):
        plugins.endpoint_kinds.get("acme-cloud")


@pytest.mark.parametrize("error", ["KeyError", "SystemExit"])
def test_recognises_that_raises_is_warned_of(
    error: str, add_plugin: AddPlugin, as_alice: Connect, sandbox: Sandbox
) -> None:
    source = f"def recognises(credentials): raise {error}(credentials.secret)\n"
    method = "LoginMethod(name='x', authenticate=print, recognises=recognises)"
    source += hook(f"login_methods(): return [{method}]")
    add_plugin("blind", source)
    with pytest.warns(PluginWarning, match=f"recognises of .* failed: {error}") as caught:
        assert as_alice(ex_login_method=None).list_locations()
    assert sandbox.password not in str(caught[0].message)
