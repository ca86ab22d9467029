"""What a backend, a wrapper or a login method does wrong is reported as its fault, by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import attrs
import pytest
from libcloud.compute.base import NodeImage

from slipstream import Backend, EndpointKind, LoginMethod, Request, hookimpl
from slipstream.errors import DriverError, MalformedAnswer, NotFound, NotSupported, PluginFailed
from slipstream.hookspecs import OPERATIONS
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.values import (
    Connector,
    Deployment,
    Module,
    ModuleKind,
    Phase,
    ServiceOffer,
)


class Unprintable(DriverError):
    def __str__(self):
        raise KeyError("secret-in-str")


class Empty(DriverError):
    def __init__(self):
        pass


class Sudden(BaseException):
    pass


def hint_of_no_text():
    error = DriverError("No.")
    error.hint = 7
    return error


class Changing(Connector):
    """A record whose name is another thing after it was checked."""

    reads = 0

    def __getattribute__(self, name):
        if name == "name":
            Changing.reads += 1
            if Changing.reads > 1:
                return self.later()
        return super().__getattribute__(name)


class Computed(Changing):
    def later(self):
        raise KeyError("name")


class Renamed(Changing):
    def later(self):
        return 7


def changing(cls):
    def method(self, *_):
        Changing.reads = 0
        yield cls(id="a", name="a")

    return method


class Plain(Backend):
    name = "plain"
    states = {"up": Phase.RUNNING}  # noqa: RUF012

    def list_connectors(self):
        yield Connector(id="north", name="north")

    def list_modules(self, path, recurse, connector):
        yield self.get_module("m")

    def get_module(self, module_id):
        return Module(id=module_id, path=module_id, name=module_id, kind=ModuleKind.COMPONENT)

    def get_deployment(self, deployment_id):
        return Deployment(id=deployment_id, state="up", phase=Phase.RUNNING)

    def deploy(self, request):
        return self.get_deployment("d")

    def get_logs(self, deployment_id, components, lines, timeout):
        return {name: ["a line"] for name in components}

    def stop_deployment(self, deployment_id):
        self.session.send(Request(method="POST", path="/stop"), doing="stop")
        return True


def raising(error):
    def method(self, *_):
        raise error() if callable(error) else error

    return method


def lazily(error):
    def method(self, *_):
        yield Connector(id="north", name="north")
        raise error() if callable(error) else error

    return method


def returning(*results):
    return lambda self, *_: results[0]


def returning_of_class(error):
    return classmethod(raising(error))


def giving(*results):
    return lambda self, *_: iter(results)


class Stubborn:
    def __init__(self, where):
        self.where = where

    def __iter__(self):
        if self.where == "iter":
            raise Sudden
        return self

    def __next__(self):
        raise GeneratorExit


def locations(driver):
    return driver.list_locations()


def sizes(driver):
    return driver.list_sizes()


def logs(driver):
    return driver.ex_get_node_logs("d", ["web"])


def stop(driver):
    return driver.stop_node("d")


def create(driver):
    return driver.create_node("n", image="m", location="x")


def explain(driver):
    return driver.ex_explain(driver.create_node, "n", image="m")


def size(**numbers):
    return ServiceOffer(id="s", name="s", **numbers)


# What a backend does wrong: the method, what the user calls, and what the error says.
BACKENDS = {
    "unprintable-error": ("list_connectors", lazily(Unprintable("x")), locations, "Unprintable"),
    "error-without-parts": ("list_connectors", lazily(Empty), locations, "Empty"),
    "odd-endpoint": (
        "get_deployment",
        lambda self, _: raising(NotFound("No.", endpoint=self.session.endpoint))(self),
        lambda d: d.ex_get_node("x"),
        "NotFound whose endpoint is of type Endpoint, not a text",
    ),
    "odd-hint": (
        "get_deployment",
        raising(hint_of_no_text),
        lambda d: d.ex_get_node("x"),
        "Drive",
    ),
    "GeneratorExit": ("list_connectors", lazily(GeneratorExit), locations, "GeneratorExit"),
    "StopIteration": ("list_connectors", lazily(StopIteration), locations, "RuntimeError"),
    "SystemExit": ("list_connectors", lazily(SystemExit), locations, "SystemExit"),
    "sudden-in-iter": ("list_connectors", returning(Stubborn("iter")), locations, "Sudden"),
    "sudden-in-next": ("list_connectors", returning(Stubborn("")), locations, "GeneratorExit"),
    "StopIteration-of-a-value": ("stop_deployment", raising(StopIteration), stop, "StopIteration"),
    "none-among-records": ("list_connectors", giving(None), locations, "it gave NoneType"),
    "broken-property": (
        "list_connectors",
        changing(Computed),
        locations,
        "KeyError",
    ),
    "odd-property": ("list_connectors", changing(Renamed), locations, "TypeError"),
    "raw-no-json": (
        "list_connectors",
        giving(Connector(id="a", name="a", raw={"made": datetime.now(UTC)})),
        locations,
        "raw cannot be written as JSON",
    ),
    "infinite": ("list_service_offers", giving(size(price=float("inf"))), sizes, "not finite"),
    "nan": ("list_service_offers", giving(size(ram=float("nan"))), sizes, "not finite"),
    "too-large": ("list_service_offers", giving(size(cpu=10**400)), sizes, "not finite"),
    "text-for-lines": ("get_logs", returning({"web": "line"}), logs, r"not dict\[str, list\[str"),
    "number-among-lines": ("get_logs", returning({"web": [1]}), logs, "it returned dict, not"),
    "number-as-a-name": ("get_logs", returning({1: []}), logs, "it returned dict, not"),
    "one-for-true": ("stop_deployment", returning(1), stop, "it returned int, not bool"),
    "coroutine": ("stop_deployment", returning(iter(())), stop, "not bool"),
    "authorise-raises": ("authorise", raising(KeyError), stop, r"Faulty failed in authorise\(\)"),
    "authorise-exits": ("authorise", raising(GeneratorExit), stop, "GeneratorExit"),
    "authorise-forgets": ("authorise", returning(None), stop, "it returned NoneType"),
    "location-name": ("location_name", raising(KeyError), create, r"location_name\(\): KeyError"),
    "location-number": ("location_name", returning(7), create, r"location_name\(\): TypeError"),
    "dry-run": ("with_session", raising(KeyError), explain, r"with_session\(\): KeyError"),
    "dry-run-of-nothing": ("with_session", returning(None), explain, "it returned NoneType"),
    "supports": ("supports", returning_of_class(KeyError), logs, r"supports\(\): KeyError"),
    "user-name": (
        "read_user_name",
        returning(7),
        lambda driver: driver._session.user_name,
        r"read_user_name\(\): it returned int",
    ),
}


def with_arguments(name, method):
    """A method with the arguments of its operation, which every operation must take."""
    if name not in OPERATIONS:
        return method
    names = ", ".join(inspect.signature(getattr(Backend, name)).parameters)
    return eval(f"lambda {names}: method({names})", {"method": method})


def plugin(*kinds, methods=(), **hooks):
    return SimpleNamespace(
        slipstream_endpoints=hookimpl(lambda: list(kinds)),
        slipstream_login_methods=hookimpl(lambda: list(methods)),
        **hooks,
    )


FREE = LoginMethod(name="free", authenticate=lambda attempt, _: attempt.finish(data="d"))
JSON = {"Content-Type": "application/json"}
NOWHERE = "http://127.0.0.1:9"


def connected(load_plugin, backend=Plain, method=FREE, **hooks):
    kind = EndpointKind(name="faulty", backend=backend, login_methods=method.name)
    load_plugin(plugin(kind, methods=[method], **hooks))
    options = {"ex_endpoint_kind": "faulty", "ex_endpoint": NOWHERE}
    return SlipStreamNodeDriver("ada", "secret-of-ada", retry_delay=0.001, **options)


@pytest.mark.parametrize("case", BACKENDS)
def test_a_faulty_backend_is_named(case, load_plugin):
    name, method, call, message = BACKENDS[case]
    cls = type("Faulty", (Plain,), {name: with_arguments(name, method)})
    with (
        connected(load_plugin, cls) as driver,
        pytest.raises(PluginFailed, match=message) as caught,
    ):
        call(driver)
    assert "secret" not in str(caught.value)


def test_the_user_can_interrupt_a_backend(load_plugin):
    method = with_arguments("list_connectors", lazily(KeyboardInterrupt))
    cls = type("Slow", (Plain,), {"list_connectors": method})
    with connected(load_plugin, cls) as driver, pytest.raises(KeyboardInterrupt):
        locations(driver)


def test_a_faulty_preflight_is_among_the_refusals_of_a_dry_run(load_plugin):
    cls = type("Faulty", (Plain,), {"preflight": giving("No.")})
    with connected(load_plugin, cls) as driver:
        [refusal] = explain(driver).refusals
    assert "faulty endpoints, by no distribution, failed in preflight(): TypeError" in refusal


def test_a_list_that_is_not_read_to_its_end_is_closed(load_plugin):
    closed = []

    def list_modules(self, path, recurse, connector):
        try:
            while True:
                yield self.get_module("m")
        finally:
            closed.append(True)

    cls = type("Endless", (Plain,), {"list_modules": list_modules})
    with connected(load_plugin, cls) as driver:
        images = driver.ex_iterate_images()
        assert next(images)
        images.close()
    assert closed


# What a wrapper does wrong: the hook, the wrapper, what the user calls, what the error says.
def reads_the_list():
    connectors = yield
    assert list(connectors)
    return connectors


def reads_one():
    connectors = yield
    next(connectors)
    return connectors


def appends(components):
    components.append("db")
    return (yield)


def changes_arguments(arguments):
    arguments["active_only"] = False
    return (yield)


def refuses_unprintably():
    raise Unprintable("x")
    yield


def fails_unprintably():
    yield
    raise Empty


def exits():
    raise GeneratorExit
    yield


def returns_one(arguments):
    yield
    return 1


def fails_lazily():
    connectors = yield
    return (connector.no_such_thing for connector in connectors)


WRAPPERS = {
    "fails_lazily": ("list_connectors", fails_lazily, locations, "AttributeError"),
    "reads_the_list": ("list_connectors", reads_the_list, locations, "it has read from the list"),
    "reads_one": ("list_connectors", reads_one, locations, "it has read from the list"),
    "appends": ("get_logs", appends, logs, "AttributeError"),
    "changes_arguments": ("operation", changes_arguments, locations, "TypeError"),
    "refuses_unprintably": ("list_connectors", refuses_unprintably, locations, "Unprintable"),
    "fails_unprintably": ("list_connectors", fails_unprintably, locations, "Empty"),
    "exits": ("list_connectors", exits, locations, "GeneratorExit"),
    "returns_one": (
        "operation",
        returns_one,
        locations,
        "it returned int, not an iterable of",
    ),
}


@pytest.mark.parametrize("case", WRAPPERS)
def test_a_faulty_wrapper_is_named(case, load_plugin):
    hook, wrapper, call, message = WRAPPERS[case]
    hooks = {f"slipstream_{hook}": hookimpl(wrapper=True)(wrapper)}
    with (
        connected(load_plugin, **hooks) as driver,
        pytest.raises(PluginFailed, match=f"under-test.*{message}"),
    ):
        call(driver)


def test_a_wrapper_may_put_an_entry_before_the_list(load_plugin):
    @hookimpl(wrapper=True)
    def slipstream_list_connectors() -> Iterator[Connector]:
        connectors = yield
        first = next(connectors)
        return [first, *connectors, attrs.evolve(first, id="south")]

    hooks = {"slipstream_list_connectors": slipstream_list_connectors}
    with connected(load_plugin, **hooks) as driver:
        assert [location.id for location in locations(driver)] == ["north", "south"]


def no_login(attempt, _):
    attempt.cookies.set("a", "b", domain="elsewhere.example")
    login = attempt.finish()
    object.__setattr__(login, "cookies", None)
    return login


def naive(attempt, _):
    return attempt.finish(expires=datetime(2030, 1, 1))  # noqa: DTZ001 - it is the fault


LOGINS = {
    "secret-in-its-text": (lambda _, credentials: int(credentials.secret), "ValueError"),
    "no-login": (lambda *_: True, "it returned bool, not a Login"),
    "no-cookies": (no_login, "TypeError"),
    "naive-time": (naive, "TypeError"),
    "unprintable": (lambda *_: (_ for _ in ()).throw(Unprintable("x")), "Unprintable"),
    "GeneratorExit": (lambda *_: raising(GeneratorExit)(None), "GeneratorExit"),
    "StopIteration": (lambda *_: next(iter(())), "StopIteration"),
    "partial": (functools.partial(lambda *_: 7), "it returned int, not a Login"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_a_faulty_login_method_is_named(case, load_plugin):
    authenticate, message = LOGINS[case]
    method = LoginMethod(name="odd", authenticate=authenticate)
    with pytest.raises(PluginFailed, match=f"login method 'odd' failed: {message}") as caught:
        connected(load_plugin, method=method)
    assert "secret" not in str(caught.value)


def test_a_login_that_has_expired_already_is_refused(load_plugin):
    def authenticate(attempt, _):
        return attempt.finish(expires=-timedelta(seconds=5))

    with pytest.raises(MalformedAnswer, match="expired 5 seconds ago"):
        connected(load_plugin, method=LoginMethod(name="late", authenticate=authenticate))


def test_a_method_that_gives_the_expired_login_again_is_named(load_plugin):
    def authenticate(attempt, _):
        return attempt.previous or attempt.finish()

    with connected(
        load_plugin, method=LoginMethod(name="lazy", authenticate=authenticate)
    ) as driver:
        session = driver._session
        with pytest.raises(PluginFailed, match="it returned the login that has expired"):
            session.renew(session.login)


def test_a_group_that_a_backend_cannot_act_for_is_blamed_on_the_backend(load_plugin):
    cls = type("Faulty", (Plain,), {"act_for": raising(KeyError)})
    kind = EndpointKind(name="faulty", backend=cls, login_methods="free")
    load_plugin(plugin(kind, methods=[FREE]))
    options = {"ex_endpoint_kind": "faulty", "ex_endpoint": NOWHERE, "ex_group": "group/x"}
    with pytest.raises(PluginFailed, match=r"Faulty failed in act_for\(\): KeyError"):
        SlipStreamNodeDriver("ada", "lovelace", **options)


@pytest.mark.parametrize("name", ["session_ended", "error_detail"])
@pytest.mark.parametrize("fault", [raising(Sudden), returning([])])
def test_a_backend_that_cannot_read_a_refusal_is_named(
    name, fault, sandbox, load_plugin, as_alice
):
    kind = EndpointKind(
        name="faulty", backend=type("Faulty", (Plain,), {name: fault}), login_methods="free"
    )
    load_plugin(plugin(kind, methods=[FREE]))
    driver = as_alice(ex_endpoint_kind="faulty", ex_login_method="free")
    sandbox.faults.add("POST", "/stop", times=None, status=401, body="{}", headers=JSON)
    with pytest.raises(PluginFailed, match=rf"Faulty failed in {name}\(\)") as caught:
        stop(driver)
    assert not caught.value.may_have_happened


def on_sandbox(load_plugin, as_alice, backend=Plain, **hooks):
    load_plugin(plugin(EndpointKind(name="faulty", backend=backend), methods=[FREE], **hooks))
    return as_alice(ex_endpoint_kind="faulty", ex_login_method="free")


@pytest.mark.parametrize(("status", "open_"), [(200, True), (409, False), (500, True)])
@pytest.mark.parametrize("fault", [MalformedAnswer("It says nothing."), None])
def test_an_error_after_a_change_says_that_it_may_have_happened(
    status, open_, fault, sandbox, load_plugin, as_alice
):
    def stop_deployment(self, deployment_id):
        self.session.send(Request(method="POST", path="/stop"), doing="stop")
        if fault:
            raise fault
        return 1

    cls = type("Late", (Plain,), {"stop_deployment": stop_deployment})
    sandbox.faults.add("POST", "/stop", status=status, body="{}", headers=JSON)
    with pytest.raises(DriverError) as caught:
        stop(on_sandbox(load_plugin, as_alice, cls))
    assert caught.value.may_have_happened is open_
    assert ("look with list_nodes()" in str(caught.value)) is (status == 200)


def returns_nothing():
    yield


def yields_twice():
    yield
    yield


def yields_never(deployment_id):
    if not deployment_id:
        yield


def fails_before():
    raise KeyError
    yield


def fails_after():
    yield
    raise KeyError


def returns_a_text():
    yield
    return "done"


def refuses_late():
    yield
    raise NotSupported("No.")


def exits_late():
    yield
    raise SystemExit(3)


# What a wrapper of a change does wrong, whether the change is sent, and what the error says.
AROUND_A_CHANGE = [
    (returns_nothing, True, "it returned nothing"),
    (yields_twice, True, "it yielded twice"),
    (yields_never, False, "it did not yield"),
    (fails_before, False, "KeyError"),
    (fails_after, True, "KeyError"),
    (returns_a_text, True, "it returned str, not bool"),
    (refuses_late, True, "it refused what was done already: No"),
    (exits_late, True, "SystemExit"),
]


@pytest.mark.parametrize(("wrapper", "sent", "message"), AROUND_A_CHANGE)
def test_a_faulty_wrapper_of_a_change_says_whether_it_was_sent(
    wrapper, sent, message, sandbox, load_plugin, as_alice
):
    hook = hookimpl(wrapper=True)(wrapper)
    driver = on_sandbox(load_plugin, as_alice, slipstream_stop_deployment=hook)
    sandbox.faults.add("POST", "/stop", status=200, body="{}", headers=JSON)
    with pytest.raises(
        PluginFailed, match=f"failed in slipstream_stop_deployment: {message}"
    ) as e:
        stop(driver)
    assert e.value.may_have_happened is sent
    assert bool(sandbox.journal.entries("POST", "/stop")) is sent
    assert sent or "Set SLIPSTREAM_DISABLE_PLUGINS=under-test" in str(e.value)


@hookimpl(wrapper=True)
def innocent():
    return (yield)


def test_a_wrapper_that_errors_pass_through_is_not_blamed_for_them(load_plugin):
    cls = type("Guilty", (Plain,), {"stop_deployment": lambda self, deployment_id: 1 / 0})
    driver = connected(load_plugin, cls, slipstream_stop_deployment=innocent)
    with pytest.raises(PluginFailed, match="backend of faulty endpoints") as caught:
        stop(driver)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_wrapper_that_calls_a_faulty_backend_is_not_blamed_for_it(load_plugin):
    @hookimpl(wrapper=True)
    def policy(backend, request):
        backend.deployment_locations(request)
        return (yield)

    cls = type("Guilty", (Plain,), {"get_module": lambda self, module_id: {}[module_id]})
    driver = connected(load_plugin, cls, slipstream_deploy=policy)
    with pytest.raises(PluginFailed, match=r"faulty endpoints, .* in what a wrapper calls: Key"):
        driver.create_node("n", image=NodeImage("m", "m", driver))


def test_a_fault_of_a_built_in_backend_is_blamed_on_no_plugin(load_plugin, as_alice, monkeypatch):
    load_plugin(plugin(slipstream_deploy=innocent))
    monkeypatch.setattr("slipstream.backends.slipstream.deploying.fields", lambda *_: 1 / 0)
    driver = as_alice()
    image = driver.get_image("apps/WordPress/wordpress")
    with pytest.raises(MalformedAnswer, match="slipstream_deploy failed with ZeroDivisionError"):
        driver.create_node(image=image)


def test_a_backend_that_cannot_be_made_is_named(load_plugin):
    cls = type("Guilty", (Plain,), {"__init__": raising(SystemExit)})
    with pytest.raises(PluginFailed, match="backend of faulty endpoints cannot be made: SystemEx"):
        connected(load_plugin, cls)
