"""What plugins are given: addresses, secrets, waits, locations and requests to other servers."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from libcloud.compute.providers import DRIVERS
from plugin_objects import Connect, Driver, LoadPlugin, connected, kind, plugin

from slipstream import Backend, DeploymentRequest, LoginMethod, Parameter, Response, Role
from slipstream.backends import SlipStream3
from slipstream.errors import InvalidCredentials, NotFound, NotSupported, UnknownName
from slipstream.libcloud import kind_drivers
from slipstream.libcloud.errors import BadInput, MalformedAnswer, NodeFailed, PluginFailed
from slipstream.plugins import default_plugins
from slipstream.plugins.connect import kind_of_host
from slipstream.sandbox import Sandbox
from slipstream.session.login import LoginAttempt
from slipstream.testing.scrubbing import PLACEHOLDERS
from slipstream.transport import Transport
from slipstream.values import Deployment, Endpoint, Module, ModuleKind, ModuleNode, Phase
from slipstream.values.plain import announces_secret

ENTRY_POINT = "/api/cloud-entry-point"


@pytest.mark.parametrize(
    ("hosts", "url", "expected"),
    [
        ({"lab": "lab.example:443"}, "https://lab.example", "lab"),
        ({"lab": "LAB.example"}, "https://lab.example:8443", "lab"),
        ({"lab": "lab.example:8443"}, "https://lab.example", None),
        ({"all": "lab.example", "lab": "lab.example:8443"}, "https://lab.example:8443", "lab"),
    ],
)
def test_host_of_a_kind(
    hosts: dict[str, str], url: str, expected: str | None, load_plugin: LoadPlugin
) -> None:
    load_plugin(plugin([kind(name, hosts=host) for name, host in hosts.items()]))
    match = kind_of_host(Endpoint.parse(url), default_plugins())
    assert (match and match.name) == expected


def test_endpoint_of_a_kind(sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect) -> None:
    load_plugin(plugin([kind(endpoint=sandbox.url)]))
    driver = as_alice(ex_endpoint_kind="lab", ex_endpoint=None)
    assert driver.ex_endpoint == sandbox.url


def test_probe_follows_unknown_entry_point(
    sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect
) -> None:
    load_plugin(plugin([kind(probe_path="/about", recognises_response=lambda _: True)]))
    assert as_alice()._session.kind.name == "slipstream"
    assert not sandbox.journal.entries(path="/about")
    sandbox.faults.add("GET", ENTRY_POINT, status=200, body='{"hello": "world"}')
    assert as_alice()._session.kind.name == "lab"


def test_probe_that_raises(sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect) -> None:
    load_plugin(plugin([kind(probe_path="/about", recognises_response=lambda _: 1 / 0)]))
    sandbox.faults.add("GET", ENTRY_POINT, status=404)
    with (
        pytest.warns(RuntimeWarning, match="ZeroDivisionError"),
        pytest.raises(MalformedAnswer, match=r"lab, .*name it as ex_endpoint_kind"),
    ):
        as_alice()


@pytest.mark.parametrize("fault", [{"status": 302}, {"status": 500}, {"delay": 5}])
def test_probe_without_response(
    fault: Any, sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect, monkeypatch: Any
) -> None:
    monkeypatch.setattr("slipstream.plugins.connect.PROBE_TIMEOUT", 0.2)
    lab = kind(probe_path="/about", recognises_response=lambda response: response.status == 200)
    load_plugin(plugin([lab]))
    sandbox.faults.add("GET", ENTRY_POINT, status=404)
    sandbox.faults.add("GET", "/about", times=None, **fault)
    with pytest.raises(MalformedAnswer, match="is not a SlipStream or Nuvla server"):
        as_alice()
    assert len(sandbox.journal.entries(path="/about")) <= 1


def test_default_login_of_a_kind(load_plugin: LoadPlugin, as_alice: Connect) -> None:
    assert kind(login_methods=["badge", "card"]).default_login == "badge"
    assert kind(login_methods=["badge", "internal"]).default_login == "internal"
    assert kind().default_login == "internal"
    load_plugin(plugin([kind(default_login="badge")]))
    with pytest.raises(UnknownName, match="Unknown login method 'badge'; known: api-key"):
        as_alice(ex_endpoint_kind="lab")


def test_ca_cert_of_a_kind_known_by_its_host(
    sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.pem"
    address = sandbox.url.partition("://")[2]
    load_plugin(plugin([kind(hosts=address, ca_cert=missing)]))
    with pytest.raises(BadInput, match="ca_cert of lab endpoints"):
        as_alice()
    assert as_alice(ex_verify=False)._session.kind.name == "lab"
    assert as_alice(ex_endpoint_kind="slipstream").list_locations()
    assert not sandbox.journal.entries(path=ENTRY_POINT)


def test_driver_of_a_kind(load_plugin: LoadPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    load_plugin(plugin([kind(title="The Lab", website="https://lab.example")]))
    drivers: dict[Any, Any] = DRIVERS
    monkeypatch.setitem(drivers, "lab", (kind_drivers.__name__, "lab"))
    assert kind_drivers.lab.name == "The Lab"
    assert kind_drivers.lab.website == "https://lab.example"
    with pytest.raises(BadInput, match="lab endpoints have no usual address"):
        kind_drivers.lab("user", "password")
    with pytest.raises(AttributeError):
        kind_drivers.unheard_of  # noqa: B018 - reading it is what is tested


class NoDisks(SlipStream3):
    name = "no-disks"
    cannot = {"list_volumes": "The lab has no disks.", "copy_image": "Build it again."}  # noqa: RUF012


def test_cannot_of_a_backend(load_plugin: LoadPlugin, as_alice: Connect) -> None:
    load_plugin(plugin([kind(backend=NoDisks)]))
    driver = as_alice(ex_endpoint_kind="lab")
    calls: dict[str, tuple[Any, ...]] = {"list_volumes": (), "create_volume": (1, "disk")}
    for name, arguments in calls.items():
        with pytest.raises(NotSupported, match=r"^lab endpoints cannot .*The lab has no disks"):
            getattr(driver, name)(*arguments)
    with pytest.raises(NotSupported, match="Build it again"):
        driver.copy_image("a", None, "b")


def test_load_plugin_refuses_broken_object(load_plugin: LoadPlugin) -> None:
    with pytest.raises(PluginFailed, match="not this int"):
        load_plugin(7)


def never(*_: object) -> NoReturn:
    raise AssertionError("no test logs in by this method")


def test_secret_fields_are_masked(
    sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "quite-harmless-looking"
    assert not announces_secret("labBadge")
    methods = [LoginMethod(name="m", authenticate=never, secret_fields="lab-badge")]
    load_plugin(plugin([kind(secret_fields="X-Lab-Pass-Card")], methods))
    assert announces_secret("labBadge")
    assert PLACEHOLDERS.announces("x-lab-pass-card")
    caplog.set_level(logging.DEBUG, "slipstream")
    body = json.dumps({"baseURI": "x", "collections": {}, "labBadge": secret})
    sandbox.faults.add("GET", ENTRY_POINT, status=200, body=body)
    with pytest.raises(MalformedAnswer):
        as_alice()
    assert "labBadge" in caplog.text
    assert secret not in caplog.text


def test_login_attempt_at_another_server() -> None:
    transport = Transport(Endpoint.parse("https://cloud.example"))
    attempt = LoginAttempt(transport, Backend, method="m")
    with pytest.raises(BadInput, match="not encrypted"):
        attempt.post("http://login.example/token", form={}, doing="log in")
    with pytest.raises(TypeError, match="one of form and json"):
        attempt.post("/x", doing="log in")
    other = transport.to(Endpoint.parse("https://login.example"))
    assert (other.settings, other.secrets) == (transport.settings, transport.secrets)
    assert other.endpoint.host == "login.example"


class Named(Backend):
    name = "named"
    states = {"going": Phase.STARTING, "on": Phase.RUNNING, "off": Phase.ERROR}  # noqa: RUF012
    deployments: Mapping[str, str] = {}

    def get_deployment(self, deployment_id: str) -> Deployment:
        if deployment_id not in self.deployments:
            raise NotFound("There is none.", code=404)
        state = self.deployments[deployment_id]
        return Deployment(id=deployment_id, state=state, phase=self.states[state])


@pytest.fixture
def named(load_plugin: LoadPlugin, monkeypatch: pytest.MonkeyPatch) -> Driver:
    monkeypatch.setattr(Named, "deployments", {"n": "on", "failed": "off"})
    return connected(load_plugin, Named)


def test_wait_for_states_of_a_backend(named: Driver) -> None:
    for word in ("Ready", "running", "ON", "on"):
        assert named.ex_wait_node_in_state("n", word) == "on"
    assert named.ex_wait_node_in_state("gone", "terminated") == "Deleted"
    assert named.ex_wait_node_in_state("failed", "error") == "off"
    with pytest.raises(NotFound, match="There is none"):
        named.ex_wait_node_in_state("gone", "running")
    with pytest.raises(NodeFailed, match="cannot become on any more"):
        named.ex_wait_node_in_state("failed", "running")


def test_states_are_not_inherited_aliases() -> None:
    other: Any = type("Other", (Named,), {"states": {"live": Phase.RUNNING}})
    assert (Named.state_aliases["Ready"], other.state_aliases["Ready"]) == ("on", "live")
    without: Any = type("None", (Named,), {"states": {}})
    assert not without.state_aliases


NODES = [ModuleNode(name="db"), ModuleNode(name="web")]
APPLICATION = Module(id="m", path="m", name="m", kind=ModuleKind.APPLICATION, nodes=NODES)


ON_A = {"db": "a", "web": "a"}


@pytest.mark.parametrize(
    ("locations", "module", "region", "expected"),
    [
        ({}, None, None, {None: None}),
        ({None: "a"}, None, "r", {None: "a"}),
        ({None: ""}, None, "r", {None: None}),
        ({"db": "a"}, None, None, {"db": "a", None: None}),
        ({}, APPLICATION, "connector/a", ON_A),
        ({"db": "a"}, APPLICATION, None, {"db": "a", "web": None}),
        ({"db": "a", None: "b"}, APPLICATION, "r", {"db": "a", "web": "b"}),
        (ON_A, APPLICATION, "r", ON_A),
    ],
)
def test_locations_of_a_request(
    locations: dict[str | None, str], module: Module | None, region: str | None, expected: Any
) -> None:
    parameters = [
        Parameter(value=value, node=node, role=Role.LOCATION) for node, value in locations.items()
    ]
    request = DeploymentRequest(module_id="m", region=region, parameters=parameters)
    request = request.with_roles({}, SlipStream3.location_name)
    assert request.locations(module) == expected


class Wordy(Backend):
    name = "wordy"

    def error_detail(self, response: Response) -> str:
        return str(response.json()["error"]["text"])


def test_error_detail_of_refused_login(
    sandbox: Sandbox, load_plugin: LoadPlugin, as_alice: Connect
) -> None:
    def authenticate(attempt: Any, credentials: Any) -> NoReturn:
        attempt.post("/codes", json={"pass": credentials.secret}, doing="get a code")
        raise AssertionError("the server has refused it")

    method = LoginMethod(name="code", authenticate=authenticate)
    load_plugin(plugin([kind("wordy", Wordy, default_login="code")], [method]))
    body = json.dumps({"error": {"text": f"Not {sandbox.password}."}})
    sandbox.faults.add("POST", "/codes", status=403, body=body)
    with pytest.raises(InvalidCredentials, match=r"Cannot get a code: Not \*\*\*"):
        as_alice(ex_endpoint_kind="wordy")
