"""What a backend, a wrapper or a login method does wrong is reported as its fault, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import attrs
import pytest
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState
from plugin_objects import FREE, Connect, Driver, LoadPlugin, connected, kind, plugin, wrapper

from slipstream import Backend, LoginMethod, Request
from slipstream.errors import DriverError, MalformedAnswer, NotFound, PluginFailed
from slipstream.hookspecs import OPERATIONS
from slipstream.sandbox import Sandbox
from slipstream.values import Connector, Deployment, Module, ModuleKind, Phase, ServiceOffer

JSON = {"Content-Type": "application/json"}


class Unprintable(DriverError):
    def __init__(self) -> None:
        pass

    def __str__(self) -> str:
        raise KeyError("secret-in-str")


class Sudden(BaseException):
    pass


class Stubborn:
    def __iter__(self) -> Iterator[object]:
        raise Sudden


class Plain(Backend):
    name = "plain"
    states = {"up": Phase.RUNNING}  # noqa: RUF012

    def list_connectors(self) -> Iterator[Connector]:
        yield Connector(id="north", name="north")

    def list_modules(
        self, path: str | None, recurse: bool, connector: str | None
    ) -> Iterator[Module]:
        yield self.get_module("m")

    def get_module(self, module_id: str) -> Module:
        return Module(id=module_id, path=module_id, name=module_id, kind=ModuleKind.COMPONENT)

    def get_deployment(self, deployment_id: str) -> Deployment:
        return Deployment(id=deployment_id, state="up", phase=Phase.RUNNING)

    def deploy(self, request: object) -> Deployment:
        return self.get_deployment("d")

    def get_logs(
        self, deployment_id: str, components: Iterable[str], lines: int, timeout: float
    ) -> dict[str, list[str]]:
        return {name: ["a line"] for name in components}

    def stop_deployment(self, deployment_id: str) -> bool:
        self.session.send(Request(method="POST", path="/stop"), doing="stop")
        return True


def raising(error: Any) -> Callable[..., NoReturn]:
    def method(*_: object) -> NoReturn:
        raise error() if callable(error) else error

    return method


def lazily(error: Any) -> Callable[..., Iterator[Connector]]:
    def method(*_: object) -> Iterator[Connector]:
        yield Connector(id="north", name="north")
        raising(error)()

    return method


def returning(result: object) -> Callable[..., Any]:
    return lambda *_: result


def computing(name: Callable[..., object]) -> Connector:
    """A record of a derived class, which computes its name."""
    good = Connector(id="a", name="a")
    members = {"name": property(name), "__getattr__": lambda _, field: getattr(good, field)}
    return object.__new__(type("Computing", (Connector,), members))


def infinite(*_: object) -> list[ServiceOffer]:
    return [ServiceOffer(id="s", name="s", price=1e999)]


def with_parts(**parts: Any) -> DriverError:
    error = NotFound("No.")
    vars(error).update(parts)
    return error


CALLS: dict[str, Callable[[Driver], Any]] = {
    "locations": lambda driver: driver.list_locations(),
    "sizes": lambda driver: driver.list_sizes(),
    "logs": lambda driver: driver.ex_get_node_logs("d", ["web"]),
    "node": lambda driver: driver.ex_get_node("x"),
    "stop": lambda driver: driver.stop_node("d"),
    "create": lambda driver: driver.create_node("n", image="m", location="x"),
    "explain": lambda driver: driver.ex_explain(driver.create_node, "n", image="m"),
    "user": lambda driver: driver._session.user_name,
    "wait": lambda driver: driver.wait_until_running(
        [Node(name, name, NodeState.UNKNOWN, [], [], None) for name in ("a", "b")]
    ),
}
NO_JSON = {"made": datetime.now(UTC)}
ODD_CONNECTOR = Connector(id="a", name="a", raw=NO_JSON)
ODD_DEPLOYMENT = Deployment(id="x", state="up", phase=Phase.RUNNING, raw=NO_JSON)
# What a backend does wrong: what the user calls, the method, and what the error says.
BACKENDS: list[tuple[str, str, Any, str]] = [
    ("locations", "list_connectors", lazily(Unprintable), "Unprintable"),
    ("node", "get_deployment", raising(with_parts(endpoint=7)), "NotFound"),
    ("node", "get_deployment", raising(with_parts(hint=7)), "NotFound"),
    ("locations", "list_connectors", lazily(GeneratorExit), "GeneratorExit"),
    ("locations", "list_connectors", lazily(StopIteration), "RuntimeError"),
    ("locations", "list_connectors", returning(Stubborn()), "Sudden"),
    ("stop", "stop_deployment", raising(StopIteration), "StopIteration"),
    ("locations", "list_connectors", returning([None]), "it returned NoneType, not Connector"),
    ("locations", "list_connectors", returning("no list"), "returned str, not an iterable of Con"),
    ("locations", "list_connectors", returning(Connector(id="a", name="a")), "it returned Conn"),
    ("locations", "list_connectors", returning([computing(raising(KeyError))]), "KeyError"),
    ("locations", "list_connectors", returning([computing(returning(7))]), "TypeError"),
    ("locations", "list_connectors", returning([ODD_CONNECTOR]), "raw cannot be written as JSON"),
    ("node", "get_deployment", returning(ODD_DEPLOYMENT), "raw cannot be written as JSON"),
    ("sizes", "list_service_offers", infinite, "ValueError"),
    ("logs", "get_logs", returning({"web": ""}), r"returned dict, not dict\[str, list\[str"),
    ("logs", "get_logs", returning({"web": [1]}), "it returned dict, not"),
    ("logs", "get_logs", returning({1: []}), "it returned dict, not"),
    ("stop", "stop_deployment", returning(1), "it returned int, not bool"),
    ("wait", "get_deployments", returning([]), "it returned 0 deployments for 2 ids"),
    ("stop", "authorise", raising(GeneratorExit), r"Faulty failed in authorise\(\): Generator"),
    ("stop", "authorise", returning(None), "it returned NoneType"),
    ("create", "location_name", raising(KeyError), r"location_name\(\): KeyError"),
    ("create", "location_name", returning(7), r"location_name\(\): TypeError"),
    ("explain", "with_session", raising(KeyError), r"with_session\(\): KeyError"),
    ("explain", "with_session", returning(None), "it returned NoneType"),
    ("logs", "supports", classmethod(raising(KeyError)), r"supports\(\): KeyError"),
    ("user", "read_user_name", returning(7), r"read_user_name\(\): it returned int"),
]


def faulty(name: str, method: Any) -> type[Backend]:
    """A backend with one method of another sort, which takes the arguments of its operation."""
    if name in OPERATIONS:
        names = ", ".join(inspect.signature(getattr(Backend, name)).parameters)
        method = eval(f"lambda {names}: method({names})", {"method": method})
    return type("Faulty", (Plain,), {name: method})


@pytest.fixture
def on_sandbox(load_plugin: LoadPlugin, as_alice: Connect) -> Connect:
    """Make a driver on the sandbox with the hooks of a plugin: ``on_sandbox(backend, ...)``."""

    def connect(backend: type[Backend] = Plain, **hooks: Any) -> Driver:
        load_plugin(plugin([kind("faulty", backend)], [FREE], **hooks))
        return as_alice(ex_endpoint_kind="faulty", ex_login_method="free")

    return connect


@pytest.mark.parametrize(("call", "name", "method", "message"), BACKENDS)
def test_faulty_backend(
    call: str, name: str, method: Any, message: str, load_plugin: LoadPlugin
) -> None:
    driver = connected(load_plugin, faulty(name, method))
    with pytest.raises(PluginFailed, match=message) as caught:
        CALLS[call](driver)
    assert "secret" not in str(caught.value)


def test_keyboard_interrupt_in_backend(load_plugin: LoadPlugin) -> None:
    driver = connected(load_plugin, faulty("list_connectors", lazily(KeyboardInterrupt)))
    with pytest.raises(KeyboardInterrupt):
        driver.list_locations()


def test_faulty_preflight_in_dry_run(load_plugin: LoadPlugin) -> None:
    driver = connected(load_plugin, faulty("preflight", returning(["No."])))
    [refusal] = CALLS["explain"](driver).refusals
    assert "faulty endpoints, by no distribution, failed in preflight(): TypeError" in refusal


def test_list_that_is_not_exhausted_is_closed(load_plugin: LoadPlugin) -> None:
    closed = []

    def list_modules(self: Plain, path: str, recurse: bool, connector: str) -> Iterator[Module]:
        try:
            while True:
                yield self.get_module("m")
        finally:
            closed.append(True)

    driver = connected(load_plugin, type("Endless", (Plain,), {"list_modules": list_modules}))
    images: Any = driver.ex_iterate_images()
    assert next(images)
    images.close()
    assert closed


FORGETS = "it has read from the list"
# What a wrapper does wrong: its hook, its arguments, what it does, and what the error says.
WRAPPERS = [
    ("list_connectors", "", "return (c.nothing for c in (yield))", "AttributeError"),
    ("list_connectors", "", "c = yield; list(c); return c", FORGETS),
    ("list_connectors", "", "raise Unprintable; yield", "Unprintable"),
    ("list_connectors", "", "yield; raise Unprintable", "Unprintable"),
    ("list_connectors", "", "raise GeneratorExit; yield", "GeneratorExit"),
    ("list_connectors", "", "raise Answered(3); yield", "it returned int, not"),
    ("get_logs", "components", "components.append('db'); return (yield)", "AttributeError"),
    ("operation", "arguments", "arguments['active_only'] = 0; return (yield)", "TypeError"),
    ("operation", "", "c = yield; next(c); return c", FORGETS),
    ("operation", "", "yield; return 1", "it returned int, not an iterable of"),
]


@pytest.mark.parametrize(("hook", "arguments", "body", "message"), WRAPPERS)
def test_faulty_wrapper(
    hook: str, arguments: str, body: str, message: str, load_plugin: LoadPlugin
) -> None:
    hooks = {f"slipstream_{hook}": wrapper(body, arguments, Unprintable=Unprintable)}
    driver = connected(load_plugin, Plain, **hooks)
    with pytest.raises(PluginFailed, match=f"under-test.*{message}"):
        CALLS["logs" if hook == "get_logs" else "locations"](driver)


def test_wrapper_adds_entries_to_list(load_plugin: LoadPlugin) -> None:
    body = "c = yield; first = next(c); return [first, *c, evolve(first, id='south')]"
    adding = wrapper(body, evolve=attrs.evolve)
    driver = connected(load_plugin, Plain, slipstream_list_connectors=adding)
    assert [location.id for location in driver.list_locations()] == ["north", "south"]


def no_cookies(attempt: Any, _: object) -> Any:
    login = attempt.finish()
    object.__setattr__(login, "cookies", None)
    return login


NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - it is the fault
PAST = -timedelta(seconds=5)
ODD = "login method 'odd' failed: "
LOGINS: dict[str, tuple[Callable[..., Any], type[DriverError], str]] = {
    "secret": (lambda _, c: int(c.secret), PluginFailed, f"{ODD}ValueError"),
    "no-login": (returning(True), PluginFailed, f"{ODD}it returned bool, not a Login"),
    "no-cookies": (no_cookies, PluginFailed, f"{ODD}TypeError"),
    "naive-time": (lambda a, _: a.finish(expires=NAIVE), PluginFailed, f"{ODD}TypeError"),
    "unprintable": (raising(Unprintable), PluginFailed, f"{ODD}Unprintable"),
    "GeneratorExit": (raising(GeneratorExit), PluginFailed, f"{ODD}GeneratorExit"),
    "StopIteration": (raising(StopIteration), PluginFailed, f"{ODD}StopIteration"),
    "late": (lambda a, _: a.finish(expires=PAST), MalformedAnswer, "expired 5 seconds ago"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_faulty_login_method(case: str, load_plugin: LoadPlugin) -> None:
    authenticate, error, message = LOGINS[case]
    with pytest.raises(error, match=message) as caught:
        connected(load_plugin, method=LoginMethod(name="odd", authenticate=authenticate))
    assert "secret" not in str(caught.value)


def test_login_method_that_returns_expired_login(load_plugin: LoadPlugin) -> None:
    method = LoginMethod(
        name="lazy", authenticate=lambda attempt, _: attempt.previous or attempt.finish()
    )
    session = connected(load_plugin, method=method)._session
    with pytest.raises(PluginFailed, match="it returned the login that has expired"):
        session.renew(session.login)


@pytest.mark.parametrize("name", ["session_ended", "error_detail"])
@pytest.mark.parametrize("fault", [raising(Sudden), returning([])])
def test_faulty_reading_of_refusal(
    name: str, fault: Any, sandbox: Sandbox, on_sandbox: Connect
) -> None:
    driver = on_sandbox(faulty(name, fault))
    sandbox.faults.add("POST", "/stop", times=None, status=401, body="{}", headers=JSON)
    with pytest.raises(PluginFailed, match=rf"Faulty failed in {name}\(\)") as caught:
        driver.stop_node("d")
    assert not caught.value.may_have_happened


@pytest.mark.parametrize(("status", "may_have_happened"), [(200, True), (409, False), (500, True)])
@pytest.mark.parametrize("fault", [MalformedAnswer("It says nothing."), None])
def test_may_have_happened_after_a_change(
    status: int, may_have_happened: bool, fault: Any, sandbox: Sandbox, on_sandbox: Connect
) -> None:
    def stop_deployment(self: Plain, deployment_id: str) -> int:
        Plain.stop_deployment(self, deployment_id)
        if fault:
            raise fault
        return 1

    driver = on_sandbox(faulty("stop_deployment", stop_deployment))
    sandbox.faults.add("POST", "/stop", status=status, body="{}", headers=JSON)
    with pytest.raises(DriverError) as caught:
        driver.stop_node("d")
    assert caught.value.may_have_happened is may_have_happened
    assert ("look with list_nodes()" in str(caught.value)) is (status == 200)


# What a wrapper of a change does wrong, whether the change is sent, and what the error says.
AROUND_A_CHANGE = [
    ("yield", True, "it returned nothing"),
    ("yield; yield", True, "it yielded twice"),
    ("return (yield) if not deployment_id else None", False, "it did not yield"),
    ("raise KeyError; yield", False, "KeyError"),
    ("yield; raise KeyError", True, "KeyError"),
    ("yield; return 'done'", True, "it returned str, not bool"),
    ("yield; raise NotSupported('No.')", True, "it refused an operation that was done already"),
    ("yield; raise SystemExit(3)", True, "SystemExit"),
]


@pytest.mark.parametrize(("body", "sent", "message"), AROUND_A_CHANGE)
def test_may_have_happened_around_faulty_wrapper(
    body: str, sent: bool, message: str, sandbox: Sandbox, on_sandbox: Connect
) -> None:
    driver = on_sandbox(slipstream_stop_deployment=wrapper(body, "deployment_id"))
    sandbox.faults.add("POST", "/stop", status=200, body="{}", headers=JSON)
    expected = f"failed in slipstream_stop_deployment: {message}"
    with pytest.raises(PluginFailed, match=expected) as caught:
        driver.stop_node("d")
    assert caught.value.may_have_happened is sent
    assert bool(sandbox.journal.entries("POST", "/stop")) is sent
    assert sent or "Set SLIPSTREAM_DISABLE_PLUGINS=under-test" in str(caught.value)


def test_faulty_backend_below_wrapper(load_plugin: LoadPlugin) -> None:
    policy = wrapper("backend.deployment_locations(request); return (yield)", "backend, request")
    backend: Any = faulty("stop_deployment", raising(KeyError))
    backend.get_module = faulty("get_module", raising(KeyError)).get_module
    hooks = {"deploy": policy, "stop_deployment": wrapper("return (yield)")}
    driver = connected(load_plugin, backend, **{f"slipstream_{n}": h for n, h in hooks.items()})
    for call, where in (
        ("stop", "slipstream_stop_"),
        ("create", "what a wrapper calls: KeyError"),
    ):
        with pytest.raises(
            PluginFailed, match=f"backend of faulty .* failed in {where}"
        ) as caught:
            CALLS[call](driver)
        assert isinstance(caught.value.__cause__, KeyError)


def test_faulty_built_in_backend_below_wrapper(
    load_plugin: LoadPlugin, as_alice: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plugin(plugin(slipstream_deploy=wrapper("return (yield)")))
    driver = as_alice()
    image = driver.get_image("apps/WordPress/wordpress")
    function = "slipstream.backends.slipstream.deploying.fields"
    monkeypatch.setattr(function, raising(ZeroDivisionError))
    with pytest.raises(MalformedAnswer, match="slipstream_deploy failed with ZeroDivisionError"):
        driver.create_node(image=image)
    monkeypatch.setattr(function, raising(SystemExit))  # of the handler of a signal
    with pytest.raises(SystemExit):
        driver.create_node(image=image)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("__init__", SystemExit, "backend of faulty endpoints cannot be made: SystemExit"),
        ("act_for", KeyError, r"Faulty failed in act_for\(\): KeyError"),
    ],
)
def test_faulty_backend_at_login(
    name: str, error: type[BaseException], message: str, load_plugin: LoadPlugin
) -> None:
    with pytest.raises(PluginFailed, match=message):
        connected(load_plugin, faulty(name, raising(error)), group="group/x")
