"""A broken plugin neither stops the others nor hides."""

from __future__ import annotations

import re
import warnings

import pytest
from plugin_objects import LOGIN, AddPlugin, Connect

from slipstream.errors import UnknownName
from slipstream.libcloud.errors import PluginFailed
from slipstream.plugins import Plugins
from slipstream.plugins.loading import PluginWarning
from slipstream.sandbox import Sandbox

HARMLESS = LOGIN.format("harmless")


def login(arguments: str) -> str:
    """The source of a plugin that contributes a login method of these arguments."""
    return f"@hookimpl\ndef slipstream_login_methods(): return [LoginMethod({arguments})]"


def endpoint(arguments: str) -> str:
    """The source of a plugin that contributes a kind of endpoint of these arguments."""
    return f"@hookimpl\ndef slipstream_endpoints(): return [EndpointKind(name='x', {arguments})]"


# What is wrong, the module's source, and what the warning says of it.
BROKEN = {
    "module-missing": (None, r"importing it failed: ModuleNotFoundError"),
    "import-error": ("import nothing_of_that_name", "importing it failed: ModuleNotFoundError"),
    "syntax-error": ("def", "importing it failed: SyntaxError"),
    "raises-a-base-exception": (
        "class Odd(BaseException): pass\nraise Odd('odd')",
        "importing it failed: Odd: odd",
    ),
    "raises-what-cannot-be-printed": (
        """
        class Odd(Exception):
            def __str__(self):
                raise ValueError
        raise Odd
        """,
        r"importing it failed: Odd \(it cannot be printed\)",
    ),
    "writes-control-characters": (
        r"raise ValueError('a\x1b[2Jb')",
        r"importing it failed: ValueError: a\\x1b\[2Jb",
    ),
    "contributes-without-end": (
        """
        @hookimpl
        def slipstream_login_methods():
            while True:
                yield LoginMethod(name="m", authenticate=print)
        """,
        "calling its slipstream_login_methods failed: .* more than 1000 records",
    ),
    "exits-on-import": ("raise SystemExit(3)", "importing it failed: SystemExit: 3"),
    "unknown-argument": (
        "@hookimpl\ndef slipstream_deploy(session, order): ...",
        "slipstream_deploy has no argument 'order'; the arguments are: .*, request",
    ),
    "unknown-hook": (
        "@hookimpl\ndef slipstream_deploi(session): ...",
        "there is no hook slipstream_deploi; did you mean slipstream_deploy",
    ),
    "unheard-of-hook": ("@hookimpl\ndef slipstream_zzz(): ...", "there is no hook slipstream_zzz"),
    "unmarked": (
        "def slipstream_deploy(session): ...",
        "its function slipstream_deploy is not marked with @hookimpl",
    ),
    "default-value": (
        "@hookimpl\ndef slipstream_deploy(session, request=None): ...",
        "slipstream_deploy gives a default value to request",
    ),
    "wrapper-without-yield": (
        "@hookimpl(wrapper=True)\ndef slipstream_deploy(session): ...",
        "slipstream_deploy does not yield, as a wrapper must",
    ),
    "answers-an-operation": (
        "@hookimpl\ndef slipstream_terminate(deployment_id): return True",
        "slipstream_terminate is answered by backends alone",
    ),
    "old-style-wrapper": (
        "@hookimpl(hookwrapper=True)\ndef slipstream_terminate(deployment_id): yield",
        r"slipstream_terminate needs wrapper=True, not hookwrapper=True",
    ),
    "unknown-operation-in-cannot": (
        "class B(Backend):\n    cannot = {'rebot_deployment': 'No.'}",
        "Unknown operation 'rebot_deployment' .* did you mean 'reboot_deployment'",
    ),
    "operation-without-an-argument": (
        "class B(Backend):\n    def list_modules(self): return []",
        (
            r"list_modules\(\) of B does not take the arguments of its operation. Write: def"
            r" list_modules\(self, path, recurse, connector\), without defaults"
        ),
    ),
    "operation-with-a-default": (
        "class B(Backend):\n    def get_module(self, module_id=''): return None",
        r"get_module\(\) of B .* get_module\(self, module_id\), without defaults",
    ),
    "operation-with-any-argument": (
        "class B(Backend):\n    def deploy(self, *args): return None",
        r"deploy\(\) of B .* deploy\(self, request\)",
    ),
    "operation-with-another-argument": (
        "class B(Backend):\n    def deploy(self, order): return None",
        r"deploy\(\) of B .* deploy\(self, request\)",
    ),
    "operation-that-is-no-method": (
        "class B(Backend):\n    list_connectors = None",
        "list_connectors of B is no method",
    ),
    "attribute-missing": (
        "plugin = None",
        "importing it failed: AttributeError: .*no attribute 'elsewhere'",
    ),
    "no-reason-in-cannot": (
        "class B(Backend):\n    cannot = {'reboot_deployment': ' '}",
        "'cannot' of B gives no reason for 'reboot_deployment'",
    ),
    "number-as-a-reason": (
        "class B(Backend):\n    cannot = {'reboot_deployment': 7}",
        "'cannot' of B gives no reason for 'reboot_deployment'",
    ),
    "alias-of-no-state": (
        "class B(Backend):\n    state_aliases = {'Ready': 'up'}",
        "Unknown state 'up' for which 'Ready' stands in B",
    ),
    "text-as-a-role": (
        "class B(Backend):\n    parameter_roles = {'zone': 'location'}",
        "'zone' of B has no Role: 'location'",
    ),
    "number-as-a-secret-field": (
        login("name='x', authenticate=print, secret_fields=[7]"),
        "One of the names is empty, or no text",
    ),
    "empty-secret-field": (
        login("name='x', authenticate=print, secret_fields=['']"),
        "One of the names is empty, or no text",
    ),
    "pattern-as-a-host": (
        endpoint("backend=SlipStream3, hosts='*.x.example'"),
        "'\\*.x.example' is not a host name: leave scheme, path and patterns out",
    ),
    "host-is-a-url": (
        endpoint("backend=SlipStream3, hosts={'https://x.example'}"),
        "'https://x.example' is not a host name",
    ),
    "default-login-not-taken": (
        endpoint("backend=SlipStream3, login_methods='a', default_login='b'"),
        "default_login 'b' is none of the login_methods of 'x'",
    ),
    "backend-no-class": (
        endpoint("backend=3"),
        "backend must be a class derived from Backend, not 3",
    ),
    "raises-what-exits-when-printed": (
        """
        class Odd(Exception):
            def __str__(self):
                raise SystemExit
        raise Odd
        """,
        r"importing it failed: Odd \(it cannot be printed\)",
    ),
    "without-hooks": ("import json", "it has no hooks; mark its functions with @hookimpl"),
    "an-int": ("plugin = 3", "let the entry point name a module or an instance, not this int"),
    "half-way": (
        """
        @hookimpl
        def slipstream_login_methods():
            yield LoginMethod(name="half-way", authenticate=print)
            raise RuntimeError("out of luck")
        """,
        "calling its slipstream_login_methods failed: RuntimeError: out of luck",
    ),
    "raises-in-endpoints": (
        endpoint("backend=SlipStream3, default_login=7"),
        "calling its slipstream_endpoints failed",
    ),
    "contributes-nonsense": (
        "@hookimpl\ndef slipstream_login_methods(): return ['token']",
        "it contributed a str, which is no LoginMethod",
    ),
    "forgets-the-list": (
        "@hookimpl\ndef slipstream_login_methods(): pass",
        "calling its slipstream_login_methods failed: TypeError",
    ),
}


def install_broken(add_plugin: AddPlugin, name: str, **options: str) -> None:
    values = {
        "an-int": "an_int_of_dist_of_an_int:plugin",
        "attribute-missing": "attribute_missing_of_dist_of_attribute_missing:elsewhere",
    }
    add_plugin(name, BROKEN[name][0], value=values.get(name, ""), **options)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_in_one_warning_and_the_others_work(
    add_plugin: AddPlugin, name: str
) -> None:
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
    assert failed.value.__cause__ is not None
    assert {info.name: info.status for info in plugins.list_plugins() if not info.built_in} == {
        name: "broken",
        "harmless": "active",
    }


@pytest.mark.parametrize("name", ["module-missing", "raises-in-endpoints"])
def test_a_broken_plugin_that_is_switched_off_warns_of_nothing(
    add_plugin: AddPlugin, name: str
) -> None:
    install_broken(add_plugin, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Plugins(disabled=[name])


def test_one_module_under_two_names_is_loaded_once(add_plugin: AddPlugin) -> None:
    module = add_plugin("first", HARMLESS)
    add_plugin("second", None, value=module)
    with pytest.warns(PluginWarning, match="'second' .*: it is what the plugin .*first has reg"):
        plugins = Plugins()
    assert plugins.login_methods.get("harmless")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            "@hookimpl(wrapper=True)\ndef slipstream_terminate(order): yield",
            "slipstream_terminate has no argument 'order'",
        ),
        ("@hookimpl\ndef slipstream_login_methods(): raise RuntimeError('no')", "no"),
    ],
)
def test_a_plugin_that_breaks_in_one_hook_has_no_say_in_the_others(
    add_plugin: AddPlugin, as_alice: Connect, broken: str, message: str
) -> None:
    wrapper = (
        "@hookimpl(wrapper=True)\ndef slipstream_list_connectors():\n    yield\n    return []"
    )
    add_plugin("half", f"{wrapper}\n{broken}")
    with pytest.warns(PluginWarning, match=message):
        assert as_alice().list_locations()


def test_a_broken_login_method_is_named_with_its_cause(
    add_plugin: AddPlugin, as_alice: Connect
) -> None:
    add_plugin("token", "import nothing_of_that_name")
    with (
        pytest.warns(PluginWarning),
        pytest.raises(PluginFailed, match="No module named 'nothing_of_that_name'") as caught,
    ):
        as_alice(ex_login_method="token")
    error, types = caught.value.__cause__, set()
    while error is not None:
        types.add(type(error))
        error = error.__cause__
    assert ModuleNotFoundError in types


def test_a_missing_name_hints_at_the_broken_plugins_that_may_have_had_it(
    add_plugin: AddPlugin,
) -> None:
    add_plugin("acme", "import nothing_of_that_name")
    with pytest.warns(PluginWarning):
        plugins = Plugins()
    with pytest.raises(UnknownName, match=r"may have had it: 'acme' of dist-of-acme 1.0"):
        plugins.endpoint_kinds.get("acme-cloud")


@pytest.mark.parametrize("error", ["KeyError", "SystemExit"])
def test_recognises_that_raises_stops_no_other_and_is_not_quoted(
    error: str, add_plugin: AddPlugin, as_alice: Connect, sandbox: Sandbox
) -> None:
    source = f"def recognises(credentials): raise {error}(credentials.secret)\n"
    source += login("name='blind', authenticate=print, recognises=recognises")
    add_plugin("blind", source)
    with pytest.warns(PluginWarning, match=f"what it recognises failed: {error}") as caught:
        assert as_alice(ex_login_method=None).list_locations()
    assert sandbox.password not in str(caught[0].message)
