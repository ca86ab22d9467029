"""The suite for backends: both families pass it, and faulty ones do not; a guide runs a third."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest
from plugin_objects import Connect, Driver, plugin

from slipstream import Credentials, Login, LoginAttempt, Request, conformance
from slipstream.errors import BadInput
from slipstream.hookspecs import OPERATIONS
from slipstream.sandbox import Sandbox
from slipstream.testing.backend_checks import BACKEND_CHECKS, CHANGES, READS
from slipstream.testing.plugins import BackendSuite, Subject, using_plugin
from slipstream.testing.recorder import ServerUnknownError, identify
from slipstream.values import Connector, DeploymentState, Module, Phase

BLOG = "apps/WordPress/wordpress"
LOCATIONS = ("swarm-lausanne", "exoscale-ch-gva")
WEEK = 7 * 24 * 3600
FAST = {"wait_period": 0.02, "timeout": 30}


def on_sandbox(family: str) -> Iterator[Subject]:
    with Sandbox(family=family, speed=1000) as sandbox:

        def connect(secret: str = sandbox.password) -> Driver:
            options: dict[str, Any] = {"ex_endpoint": sandbox.url, "ex_login_method": "internal"}
            return Driver(sandbox.username, secret, retry_delay=0.001, **options)

        with connect() as driver:
            image = driver.get_image(BLOG).id
            names = [location.name for location in driver.list_locations()]
        yield Subject(
            connect=connect,
            image=image,
            options={"ex_cloud": next(name for name in LOCATIONS if name in names)},
            expire=lambda: sandbox.clock.advance(WEEK),
            secrets=(sandbox.password,),
        )


class TestFamilies(BackendSuite):
    @pytest.fixture(params=["slipstream", "nuvla"])
    def subject(self, request: pytest.FixtureRequest) -> Iterator[Subject]:
        yield from on_sandbox(request.param)


def keep_first_ticket(self: Any, request: Request) -> Request:
    ticket = vars(self).setdefault("ticket", self.session.login.data)
    return attrs.evolve(request, headers={**request.headers, "X-MiniCloud-Ticket": ticket})


def post_as_a_read(
    self: Any, path: str, doing: str, document: Mapping[str, Any] | None = None
) -> Any:
    headers = {"Content-Type": "application/json"}
    body = json.dumps(document or {}).encode()
    request = Request(method="POST", path=path, headers=headers, body=body, reads=True)
    return self.session.send(request, doing=doing).json()


def original(backend: Any) -> Any:
    """The methods of the example's backend."""
    return super(type(backend), backend)


def forget_the_state(self: Any, server: dict[str, Any]) -> Any:
    return attrs.evolve(original(self).deployment(server), phase=Phase.UNKNOWN)


def trust_the_date(self: Any, server: dict[str, Any]) -> Any:
    created = datetime.fromisoformat(server["created"])
    return attrs.evolve(original(self).deployment(server), started=created)


def trust_the_state(self: Any, deployment_id: str) -> bool:
    return bool(self.post(f"/v1/servers/{deployment_id}/stop", "stop a server")["state"])


def take_anything(self: Any, deployment_id: str, force: bool, raw: Mapping[str, Any]) -> bool:
    request = Request(method="DELETE", path=f"/v1/servers/{deployment_id}")
    return bool(self.session.send(request, doing="delete a server"))


def read_until_the_last(self: Any, path: str, recurse: bool, connector: str) -> Iterator[Module]:
    """Read page after page, and never notice that they repeat."""
    names: list[object] = []
    while "wordpress" not in names:
        page = self.list_of("templates")
        names = [template.get("id") for template in page]
        yield from map(self.module, page)


def trust_the_ticket(attempt: LoginAttempt, credentials: Credentials) -> Login:
    document = {"user": credentials.key, "password": credentials.secret}
    answer = attempt.post("/v1/login", json=document, doing="log in")
    return attempt.finish(user_name=credentials.key, data=answer["ticket"])


def blame_the_user(self: Any) -> Iterator[Connector]:
    for zone in self.list_of("zones"):
        if not zone.get("name"):
            raise BadInput("The zone has no name.")
        yield Connector(id=zone["name"], name=zone["name"])


def offer_everything(self: Any, connector: str | None, usable_only: bool) -> Any:
    return original(self).list_service_offers(None, usable_only)


def forget_the_end(self: Any, deployment_id: str, states: frozenset[str]) -> DeploymentState:
    server = self.get_deployment(deployment_id)
    return DeploymentState(state=server.state, phase=server.phase)


READS_OF_A_DATE = {"list_deployments", "get_deployment", "get_state", "refusal"}
# The methods of a faulty backend, and the checks that fail.
FAULTS: Mapping[str, tuple[dict[str, Any], set[str]]] = {
    "renewal": ({"authorise": keep_first_ticket}, {"renewal", "renewal-in-changes"}),
    "explain": ({"post": post_as_a_read}, {"explain"}),
    "state": ({"deployment": forget_the_state}, {"wait"}),
    "documents": (
        {"error_detail": lambda _, response: response.json()["message"]},
        {"hostile", "hostile-changes"},
    ),
    "a date": (
        {"deployment": trust_the_date},
        {f"hostile.{name}" for name in READS_OF_A_DATE} | {"hostile-changes.deploy"},
    ),
    "a field of a change": (
        {"stop_deployment": trust_the_state},
        {"hostile-changes.stop_deployment"},
    ),
    "any response": ({"terminate": take_anything}, {"hostile-changes.terminate"}),
    "pages": ({"list_modules": read_until_the_last}, {"hostile.list_modules"}),
    "a login": ({"log_in": trust_the_ticket}, {"hostile-login"}),
    "no change": (
        {"reboot_deployment": lambda _, deployment_id: True},
        {"hostile-changes.reboot_deployment"},
    ),
    "bad input": ({"list_connectors": blame_the_user}, {"hostile.list_connectors"}),
    "offers": ({"list_service_offers": offer_everything}, {"offers"}),
    "the end": ({"get_state": forget_the_end}, {"destroyed"}),
}
REASONS = {
    "any response": "a response with status 200 and text/html is taken for done",
    "pages": "it sends more than 500 requests",
    "no change": "The call returns, and no change was sent.",
    "bad input": "it raises BadInput, which blames the user's input",
    "offers": "list_sizes('north') gives 'large' of south.",
    "the end": "on a 404 let it return super().get_state(deployment_id, states)",
}


def test_hostile_checks_of_every_operation() -> None:
    without = {"get_deployments", "delete_module"}
    assert READS.keys() | CHANGES.keys() == OPERATIONS.keys() - without


@pytest.mark.parametrize("fault", FAULTS)
def test_suite_fails_faulty_backend(fault: str, minicloud: Any) -> None:
    module = import_module("example_slipstream_minicloud")
    methods, names = FAULTS[fault]
    [kind] = module.slipstream_endpoints()
    [ticket] = module.slipstream_login_methods()
    login = attrs.evolve(
        ticket, name="faulty", authenticate=methods.get("log_in", ticket.authenticate)
    )
    backend = type("Faulty", (kind.backend,), {**methods, "log_in": kind.backend.log_in})
    names_of_login = {"login_methods": "faulty", "default_login": "faulty"}
    faulty = attrs.evolve(kind, name="faulty", hosts=(), backend=backend, **names_of_login)
    options: dict[str, Any] = {"ex_endpoint": minicloud.url, "ex_endpoint_kind": "faulty"}
    options["ex_disable_plugins"] = ["policy", "size-cache"]
    with using_plugin(plugin([faulty], [login])):
        driver = Driver("ada", "lovelace", **options)
        image = driver.get_image("wordpress")
        shared = {"node arguments": {"image": image}, "wait": FAST, "may create": True}
        failed, reasons = set(), ""
        for check in BACKEND_CHECKS:
            part = check.name.removeprefix("backend.")
            if part not in {name.partition(".")[0] for name in names}:
                continue
            subject = conformance.Subject(driver=driver, shared=dict(shared))
            for case, arguments in check.cases:
                try:
                    check.function(subject, *arguments)
                except conformance.NotApplicable:
                    pass
                except Exception as failure:  # noqa: BLE001 - of whatever sort
                    reasons += f"{failure}\n"
                    failed.add(part if part in names else case.removeprefix("backend."))
    assert failed == names
    assert REASONS.get(fault, "") in reasons


@pytest.mark.parametrize(
    ("method", "disabled", "message"),
    [
        ("device-cod", [], "Unknown login method 'device-cod' for open endpoints; did you mean"),
        ("template", [], "Unknown login method 'template' for open endpoints; known: "),
        ("device-code", ["device-code"], "the plugin 'device-code' of .* is disabled"),
    ],
)
def test_unknown_login_method_without_templates(
    method: str, disabled: list[str], message: str, minicloud: Any
) -> None:
    [kind] = import_module("example_slipstream_minicloud").slipstream_endpoints()
    open_kind = attrs.evolve(kind, name="open", hosts=(), login_methods=())
    options: dict[str, Any] = {"ex_endpoint": minicloud.url, "ex_endpoint_kind": "open"}
    options |= {"ex_login_method": method, "ex_disable_plugins": disabled}
    with using_plugin(plugin([open_kind])), pytest.raises(BadInput, match=message) as caught:
        Driver("ada", "lovelace", **options)
    assert "session template" not in str(caught.value)


def test_conformance_suggests_location_of_policy(installed: Path, as_alice: Connect) -> None:
    report = conformance.run(as_alice(), changes=True)
    details = {result.name: result.detail for result in report.results}
    assert "Choose --location connector/exoscale-ch-gva: " in details["node.created"]
    assert "may not be deployed" in details["node.created"]


def test_recorder_identifies_installed_kind(minicloud: Any) -> None:
    kind, is_sandbox = identify(minicloud.url)
    assert (kind.name, is_sandbox) == ("minicloud", False)
    assert identify(minicloud.url, "campus")[0].name == "campus"
    with pytest.raises(ServerUnknownError, match="Unknown kind of endpoint 'minicluod'; did you"):
        identify(minicloud.url, "minicluod")


def test_user_name_after_login(minicloud: Any, sandbox: Sandbox, connect: Connect) -> None:
    drivers = [
        connect("ada", "lovelace", ex_endpoint=minicloud.url),
        connect(sandbox.key, sandbox.secret),
        connect(sandbox.username, sandbox.password),
    ]
    assert [driver._session.user_name for driver in drivers] == ["ada", "alice", "alice"]
