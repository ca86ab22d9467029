"""What a backend, a wrapper or a login method does wrong is reported as its fault, by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import attrs
import pytest
from libcloud.compute.base import NodeImage
from plugin_objects import Connect, Driver, LoadPlugin, kind, plugin

from slipstream import Backend, LoginMethod, Request, errors, hookimpl
from slipstream.errors import DriverError, MalformedAnswer, NotFound, PluginFailed
from slipstream.hookspecs import OPERATIONS
from slipstream.sandbox import Sandbox
from slipstream.values import Connector, Deployment, Module, ModuleKind, Phase, ServiceOffer

JSON = {"Content-Type": "application/json"}
NOWHERE = "http://127.0.0.1:9"
FREE = LoginMethod(name="free", authenticate=lambda attempt, _: attempt.finish(data="d"))


class Unprintable(DriverError):
    def __str__(self) -> str:
        raise KeyError("secret-in-str")


class Empty(DriverError):
    def __init__(self) -> None:
        pass


class Sudden(BaseException):
    pass


def hint_of_no_text() -> DriverError:
    error = DriverError("No.")
    error.hint = 7  # type: ignore[assignment]
    return error


class Changing(Connector):
    """A record whose name is another thing after it was checked."""

    reads = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "name":
            Changing.reads += 1
            if Changing.reads > 1:
                return self.later()
        return super().__getattribute__(name)

    def later(self) -> object:
        return 7


class Computed(Changing):
    def later(self) -> NoReturn:
        raise KeyError("name")


def changing(cls: type[Changing]) -> Callable[..., Iterator[Connector]]:
    def method(*_: object) -> Iterator[Connector]:
        Changing.reads = 0
        yield cls(id="a", name="a")

    return method


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


class Stubborn:
    def __init__(self, error: type[BaseException] | None = None) -> None:
        self.error = error

    def __iter__(self) -> Stubborn:
        if self.error:
            raise self.error
        return self

    def __next__(self) -> NoReturn:
        raise GeneratorExit


CALLS: dict[str, Callable[[Driver], Any]] = {
    "locations": lambda driver: driver.list_locations(),
    "sizes": lambda driver: driver.list_sizes(),
    "logs": lambda driver: driver.ex_get_node_logs("d", ["web"]),
    "node": lambda driver: driver.ex_get_node("x"),
    "stop": lambda driver: driver.stop_node("d"),
    "create": lambda driver: driver.create_node("n", image="m", location="x"),
    "explain": lambda driver: driver.ex_explain(driver.create_node, "n", image="m"),
    "user": lambda driver: driver._session.user_name,
}


def infinite(*_: object) -> list[ServiceOffer]:
    return [ServiceOffer(id="s", name="s", price=1e999)]


def wrong_endpoint(self: Backend, _: str) -> NoReturn:
    raise NotFound("No.", endpoint=self.session.endpoint)  # type: ignore[arg-type]


# What a backend does wrong: the method, what the user calls, and what the error says.
BACKENDS: dict[str, tuple[str, Any, str, str]] = {
    "unprintable-error": ("list_connectors", lazily(Unprintable("x")), "locations", "Unprintable"),
    "error-without-parts": ("list_connectors", lazily(Empty), "locations", "Empty"),
    "odd-endpoint": (
        *("get_deployment", wrong_endpoint, "node"),
        "NotFound whose endpoint is of type Endpoint, not a text",
    ),
    "odd-hint": ("get_deployment", raising(hint_of_no_text), "node", "Drive"),
    "GeneratorExit": ("list_connectors", lazily(GeneratorExit), "locations", "GeneratorExit"),
    "StopIteration": ("list_connectors", lazily(StopIteration), "locations", "RuntimeError"),
    "SystemExit": ("list_connectors", lazily(SystemExit), "locations", "SystemExit"),
    "sudden-in-iter": ("list_connectors", returning(Stubborn(Sudden)), "locations", "Sudden"),
    "sudden-in-next": ("list_connectors", returning(Stubborn()), "locations", "GeneratorExit"),
    "StopIteration-of-a-value": (
        *("stop_deployment", raising(StopIteration), "stop", "StopIteration"),
    ),
    "none-among-records": ("list_connectors", returning([None]), "locations", "it gave NoneType"),
    "broken-property": ("list_connectors", changing(Computed), "locations", "KeyError"),
    "odd-property": ("list_connectors", changing(Changing), "locations", "TypeError"),
    "raw-no-json": (
        "list_connectors",
        returning([Connector(id="a", name="a", raw={"made": datetime.now(UTC)})]),
        "locations",
        "raw cannot be written as JSON",
    ),
    "infinite": ("list_service_offers", infinite, "sizes", "ValueError"),
    "text-for-lines": ("get_logs", returning({"web": ""}), "logs", r"not dict\[str, list\[str"),
    "number-among-lines": ("get_logs", returning({"web": [1]}), "logs", "it returned dict, not"),
    "number-as-a-name": ("get_logs", returning({1: []}), "logs", "it returned dict, not"),
    "one-for-true": ("stop_deployment", returning(1), "stop", "it returned int, not bool"),
    "coroutine": ("stop_deployment", returning(iter(())), "stop", "not bool"),
    "authorise-raises": (
        *("authorise", raising(KeyError), "stop", r"Faulty failed in authorise\(\)"),
    ),
    "authorise-exits": ("authorise", raising(GeneratorExit), "stop", "GeneratorExit"),
    "authorise-forgets": ("authorise", returning(None), "stop", "it returned NoneType"),
    "location-name": ("location_name", raising(KeyError), "create", r"location_name\(\): KeyE"),
    "location-number": ("location_name", returning(7), "create", r"location_name\(\): TypeError"),
    "dry-run": ("with_session", raising(KeyError), "explain", r"with_session\(\): KeyError"),
    "dry-run-of-nothing": ("with_session", returning(None), "explain", "it returned NoneType"),
    "supports": ("supports", classmethod(raising(KeyError)), "logs", r"supports\(\): KeyError"),
    "user-name": ("read_user_name", returning(7), "user", r"read_user_name\(\): it returned int"),
}


def faulty(name: str, method: Any) -> type[Backend]:
    """A backend with one method of another sort, which takes the arguments of its operation."""
    if name in OPERATIONS:
        names = ", ".join(inspect.signature(getattr(Backend, name)).parameters)
        method = eval(f"lambda {names}: method({names})", {"method": method})
    return type("Faulty", (Plain,), {name: method})


def connected(
    load_plugin: LoadPlugin,
    backend: type[Backend] = Plain,
    method: LoginMethod = FREE,
    *,
    group: str | None = None,
    **hooks: Any,
) -> Driver:
    """A driver of an endpoint that needs no server."""
    load_plugin(plugin([kind("faulty", backend, login_methods=method.name)], [method], **hooks))
    options: dict[str, Any] = {"ex_endpoint_kind": "faulty", "ex_endpoint": NOWHERE}
    return Driver("ada", "secret-of-ada", retry_delay=0.001, ex_group=group, **options)


def on_sandbox(
    load_plugin: LoadPlugin, as_alice: Connect, backend: type[Backend] = Plain, **hooks: Any
) -> Driver:
    load_plugin(plugin([kind("faulty", backend)], [FREE], **hooks))
    return as_alice(ex_endpoint_kind="faulty", ex_login_method="free")


@pytest.mark.parametrize("case", BACKENDS)
def test_a_faulty_backend_is_named(case: str, load_plugin: LoadPlugin) -> None:
    name, method, call, message = BACKENDS[case]
    with (
        connected(load_plugin, faulty(name, method)) as driver,
        pytest.raises(PluginFailed, match=message) as caught,
    ):
        CALLS[call](driver)
    assert "secret" not in str(caught.value)


def test_the_user_can_interrupt_a_backend(load_plugin: LoadPlugin) -> None:
    cls = faulty("list_connectors", lazily(KeyboardInterrupt))
    with connected(load_plugin, cls) as driver, pytest.raises(KeyboardInterrupt):
        driver.list_locations()


def test_a_faulty_preflight_is_among_the_refusals_of_a_dry_run(load_plugin: LoadPlugin) -> None:
    with connected(load_plugin, faulty("preflight", returning(["No."]))) as driver:
        [refusal] = CALLS["explain"](driver).refusals
    assert "faulty endpoints, by no distribution, failed in preflight(): TypeError" in refusal


def test_a_list_that_is_not_read_to_its_end_is_closed(load_plugin: LoadPlugin) -> None:
    closed = []

    def list_modules(self: Plain, path: str, recurse: bool, connector: str) -> Iterator[Module]:
        try:
            while True:
                yield self.get_module("m")
        finally:
            closed.append(True)

    cls = type("Endless", (Plain,), {"list_modules": list_modules})
    with connected(load_plugin, cls) as driver:
        images: Any = driver.ex_iterate_images()
        assert next(images)
        images.close()
    assert closed


def wrapper(body: str, arguments: str = "") -> Any:
    namespace: dict[str, Any] = {}
    exec(f"def wrapper({arguments}):\n    {body}", vars(errors) | globals(), namespace)
    return hookimpl(wrapper=True)(namespace["wrapper"])


# What a wrapper does wrong: the hook, the wrapper, what the user calls, what the error says.
FORGETS = "it has read from the list"
WRAPPERS = {
    "fails-lazily": (
        "list_connectors",
        wrapper("return (connector.no_such_thing for connector in (yield))"),
        *("locations", "AttributeError"),
    ),
    "reads-the-list": (
        "list_connectors",
        wrapper("connectors = yield; assert list(connectors); return connectors"),
        *("locations", FORGETS),
    ),
    "reads-one": (
        "list_connectors",
        wrapper("connectors = yield; next(connectors); return connectors"),
        *("locations", FORGETS),
    ),
    "appends": (
        "get_logs",
        wrapper("components.append('db'); return (yield)", "components"),
        *("logs", "AttributeError"),
    ),
    "changes-arguments": (
        "operation",
        wrapper("arguments['active_only'] = False; return (yield)", "arguments"),
        *("locations", "TypeError"),
    ),
    "refuses-unprintably": (
        *("list_connectors", wrapper("raise Unprintable('x'); yield"), "locations", "Unprintable"),
    ),
    "fails-unprintably": ("list_connectors", wrapper("yield; raise Empty"), "locations", "Empty"),
    "exits": (
        *("list_connectors", wrapper("raise GeneratorExit; yield"), "locations", "GeneratorExit"),
    ),
    "returns-a-number": (
        "operation",
        wrapper("yield; return 1"),
        *("locations", "it returned int, not an iterable of"),
    ),
}


@pytest.mark.parametrize("case", WRAPPERS)
def test_a_faulty_wrapper_is_named(case: str, load_plugin: LoadPlugin) -> None:
    hook, faulty_wrapper, call, message = WRAPPERS[case]
    with (
        connected(load_plugin, **{f"slipstream_{hook}": faulty_wrapper}) as driver,
        pytest.raises(PluginFailed, match=f"under-test.*{message}"),
    ):
        CALLS[call](driver)


def test_a_wrapper_may_put_an_entry_before_the_list(load_plugin: LoadPlugin) -> None:
    @hookimpl(wrapper=True)
    def slipstream_list_connectors() -> Any:
        connectors = yield
        first = next(connectors)
        return [first, *connectors, attrs.evolve(first, id="south")]

    hooks: dict[str, Any] = {"slipstream_list_connectors": slipstream_list_connectors}
    with connected(load_plugin, **hooks) as driver:
        assert [location.id for location in driver.list_locations()] == ["north", "south"]


def no_login(attempt: Any, _: object) -> Any:
    attempt.cookies.set("a", "b", domain="elsewhere.example")
    login = attempt.finish()
    object.__setattr__(login, "cookies", None)
    return login


def naive(attempt: Any, _: object) -> Any:
    return attempt.finish(expires=datetime(2030, 1, 1))  # noqa: DTZ001 - it is the fault


LOGINS: dict[str, tuple[Callable[..., Any], str]] = {
    "secret-in-its-text": (lambda _, credentials: int(credentials.secret), "ValueError"),
    "no-login": (returning(True), "it returned bool, not a Login"),
    "no-cookies": (no_login, "TypeError"),
    "naive-time": (naive, "TypeError"),
    "unprintable": (raising(Unprintable("x")), "Unprintable"),
    "GeneratorExit": (raising(GeneratorExit), "GeneratorExit"),
    "StopIteration": (raising(StopIteration), "StopIteration"),
    "partial": (functools.partial(returning(7)), "it returned int, not a Login"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_a_faulty_login_method_is_named(case: str, load_plugin: LoadPlugin) -> None:
    authenticate, message = LOGINS[case]
    method = LoginMethod(name="odd", authenticate=authenticate)
    with pytest.raises(PluginFailed, match=f"login method 'odd' failed: {message}") as caught:
        connected(load_plugin, method=method)
    assert "secret" not in str(caught.value)


def test_a_login_that_has_expired_already_is_refused(load_plugin: LoadPlugin) -> None:
    method = LoginMethod(
        name="late", authenticate=lambda attempt, _: attempt.finish(expires=-timedelta(seconds=5))
    )
    with pytest.raises(MalformedAnswer, match="expired 5 seconds ago"):
        connected(load_plugin, method=method)


def test_a_method_that_gives_the_expired_login_again_is_named(load_plugin: LoadPlugin) -> None:
    method = LoginMethod(
        name="lazy", authenticate=lambda attempt, _: attempt.previous or attempt.finish()
    )
    with connected(load_plugin, method=method) as driver:
        session = driver._session
        with pytest.raises(PluginFailed, match="it returned the login that has expired"):
            session.renew(session.login)


def test_a_group_that_a_backend_cannot_act_for_is_blamed_on_it(load_plugin: LoadPlugin) -> None:
    with pytest.raises(PluginFailed, match=r"Faulty failed in act_for\(\): KeyError"):
        connected(load_plugin, faulty("act_for", raising(KeyError)), group="group/x")


@pytest.mark.parametrize("name", ["session_ended", "error_detail"])
@pytest.mark.parametrize("fault", [raising(Sudden), returning([])])
def test_a_backend_that_cannot_read_a_refusal_is_named(
    name: str, fault: Any, sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect
) -> None:
    driver = on_sandbox(load_plugin, as_alice, faulty(name, fault))
    sandbox.faults.add("POST", "/stop", times=None, status=401, body="{}", headers=JSON)
    with pytest.raises(PluginFailed, match=rf"Faulty failed in {name}\(\)") as caught:
        driver.stop_node("d")
    assert not caught.value.may_have_happened


@pytest.mark.parametrize(("status", "may_have_happened"), [(200, True), (409, False), (500, True)])
@pytest.mark.parametrize("fault", [MalformedAnswer("It says nothing."), None])
def test_an_error_after_a_change_says_that_it_may_have_happened(
    status: int,
    may_have_happened: bool,
    fault: Exception | None,
    sandbox: Sandbox,
    load_plugin: LoadPlugin,
    as_alice: Connect,
) -> None:
    def stop_deployment(self: Plain, deployment_id: str) -> int:
        Plain.stop_deployment(self, deployment_id)
        if fault:
            raise fault
        return 1

    driver = on_sandbox(load_plugin, as_alice, faulty("stop_deployment", stop_deployment))
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
    ("yield; raise NotSupported('No.')", True, "it refused what was done already: No"),
    ("yield; raise SystemExit(3)", True, "SystemExit"),
]


@pytest.mark.parametrize(("body", "sent", "message"), AROUND_A_CHANGE)
def test_a_faulty_wrapper_of_a_change_says_whether_it_was_sent(
    body: str,
    sent: bool,
    message: str,
    sandbox: Sandbox,
    load_plugin: LoadPlugin,
    as_alice: Connect,
) -> None:
    hooks = {"slipstream_stop_deployment": wrapper(body, "deployment_id")}
    driver = on_sandbox(load_plugin, as_alice, **hooks)
    sandbox.faults.add("POST", "/stop", status=200, body="{}", headers=JSON)
    expected = f"failed in slipstream_stop_deployment: {message}"
    with pytest.raises(PluginFailed, match=expected) as caught:
        driver.stop_node("d")
    assert caught.value.may_have_happened is sent
    assert bool(sandbox.journal.entries("POST", "/stop")) is sent
    assert sent or "Set SLIPSTREAM_DISABLE_PLUGINS=under-test" in str(caught.value)


def test_a_wrapper_that_errors_pass_through_is_not_blamed_for_them(
    load_plugin: LoadPlugin,
) -> None:
    cls = faulty("stop_deployment", raising(ZeroDivisionError))
    driver = connected(load_plugin, cls, slipstream_stop_deployment=wrapper("return (yield)"))
    with pytest.raises(PluginFailed, match="backend of faulty endpoints") as caught:
        driver.stop_node("d")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_wrapper_that_calls_a_faulty_backend_is_not_blamed_for_it(
    load_plugin: LoadPlugin,
) -> None:
    policy = wrapper("backend.deployment_locations(request); return (yield)", "backend, request")
    cls = faulty("get_module", raising(KeyError))
    driver = connected(load_plugin, cls, slipstream_deploy=policy)
    with pytest.raises(PluginFailed, match=r"faulty endpoints, .* in what a wrapper calls: Key"):
        driver.create_node("n", image=NodeImage("m", "m", driver))


def test_a_fault_of_a_built_in_backend_is_blamed_on_no_plugin(
    load_plugin: LoadPlugin, as_alice: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plugin(plugin(slipstream_deploy=wrapper("return (yield)")))
    monkeypatch.setattr(
        "slipstream.backends.slipstream.deploying.fields", raising(ZeroDivisionError)
    )
    driver = as_alice()
    image = driver.get_image("apps/WordPress/wordpress")
    with pytest.raises(MalformedAnswer, match="slipstream_deploy failed with ZeroDivisionError"):
        driver.create_node(image=image)


def test_a_backend_that_cannot_be_made_is_named(load_plugin: LoadPlugin) -> None:
    with pytest.raises(PluginFailed, match="backend of faulty endpoints cannot be made: SystemEx"):
        connected(load_plugin, faulty("__init__", raising(SystemExit)))
