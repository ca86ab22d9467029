"""What plugins are given: addresses, secrets, waits, locations and requests to other servers."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

from slipstream import (
    Backend,
    DeploymentRequest,
    EndpointKind,
    LoginMethod,
    Parameter,
    Role,
    hookimpl,
)
from slipstream.backends import SlipStream3
from slipstream.errors import InvalidCredentials, NotFound, NotSupported, UnknownName
from slipstream.libcloud.errors import BadInput, MalformedAnswer, NodeFailed, PluginFailed
from slipstream.plugins import PluginInfo
from slipstream.plugins.connect import kind_of_host
from slipstream.plugins.loading import Contribution, Contributions
from slipstream.session.login import LoginAttempt
from slipstream.transport import Transport
from slipstream.values import (
    Deployment,
    Endpoint,
    Module,
    ModuleKind,
    ModuleNode,
    Phase,
)
from slipstream.values.plain import announces_secret


def plugin(*, kinds=(), methods=()):
    return SimpleNamespace(
        slipstream_endpoints=hookimpl(lambda: list(kinds)),
        slipstream_login_methods=hookimpl(lambda: list(methods)),
    )


def kind(name="lab", backend=SlipStream3, **options):
    return EndpointKind(name=name, backend=backend, **options)


def address(sandbox):
    return sandbox.url.partition("://")[2]


def test_a_host_with_a_port_means_that_server_alone(sandbox, load_plugin, as_alice):
    load_plugin(plugin(kinds=[kind(hosts=address(sandbox))]))
    assert as_alice()._session.kind.name == "lab"
    assert not sandbox.journal.entries(path="/api/cloud-entry-point")


def test_a_host_with_another_port_is_another_server(load_plugin, as_alice):
    load_plugin(plugin(kinds=[kind(hosts="127.0.0.1:1")]))
    assert as_alice()._session.kind.name == "slipstream"


def test_a_host_with_a_port_goes_before_a_bare_host(sandbox, load_plugin, as_alice):
    kinds = [kind("all", hosts="127.0.0.1"), kind("this", hosts=address(sandbox))]
    load_plugin(plugin(kinds=kinds))
    assert as_alice()._session.kind.name == "this"


@pytest.mark.parametrize("hosts", ["lab.example/x", "https://lab.example", "lab.example:port"])
def test_what_is_no_host_is_refused_when_the_kind_is_made(hosts):
    with pytest.raises(BadInput):
        kind(hosts=hosts)


def test_a_kind_named_without_an_address_uses_its_own(sandbox, load_plugin, connect):
    load_plugin(plugin(kinds=[kind(endpoint=sandbox.url)]))
    options = {"ex_endpoint_kind": "lab", "ex_endpoint": None}
    driver = connect(sandbox.username, sandbox.password, **options)
    assert driver.ex_endpoint == sandbox.url


def test_a_probe_is_sent_only_when_the_entry_point_says_nothing(sandbox, load_plugin, as_alice):
    load_plugin(plugin(kinds=[kind(probe_path="/about", recognises_response=lambda _: True)]))
    assert as_alice()._session.kind.name == "slipstream"
    assert not sandbox.journal.entries(path="/about")
    body = json.dumps({"hello": "world"})
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=200, body=body)
    assert as_alice()._session.kind.name == "lab"


def test_a_probe_that_fails_is_warned_about_and_recognises_nothing(sandbox, load_plugin, as_alice):
    load_plugin(plugin(kinds=[kind(probe_path="/about", recognises_response=lambda _: 1 / 0)]))
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=404)
    with (
        pytest.warns(RuntimeWarning, match="ZeroDivisionError"),
        pytest.raises(MalformedAnswer, match=r"lab, .*name it as ex_endpoint_kind"),
    ):
        as_alice()


@pytest.mark.parametrize("fault", [{"status": 302}, {"status": 500}, {"delay": 5}])
def test_a_probe_that_gets_no_response_recognises_nothing(
    fault, sandbox, load_plugin, as_alice, monkeypatch
):
    monkeypatch.setattr("slipstream.plugins.connect.PROBE_TIMEOUT", 0.2)
    load_plugin(
        plugin(kinds=[kind(probe_path="/about", recognises_response=lambda r: r.status == 200)])
    )
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=404)
    sandbox.faults.add("GET", "/about", times=None, **fault)
    with pytest.raises(MalformedAnswer, match="is no SlipStream or Nuvla server"):
        as_alice()
    assert len(sandbox.journal.entries(path="/about")) <= 1


def test_the_only_login_method_of_a_kind_is_its_default():
    assert kind(login_methods=["badge", "card"]).default_login == "badge"
    assert kind(login_methods=["badge", "internal"]).default_login == "internal"
    assert kind().default_login == "internal"


def test_a_host_with_the_usual_port_is_the_host():
    for hosts, url in (
        ("lab.example:443", "https://lab.example"),
        ("LAB.example", "https://lab.example:8443"),
    ):
        info = PluginInfo(name="p", distribution="d", version="1")
        kinds = Contributions("kind", [Contribution(info, kind(hosts=hosts))], [])
        plugins = SimpleNamespace(endpoint_kinds=kinds)
        assert kind_of_host(Endpoint.parse(url), plugins).name == "lab"


def test_the_certificates_of_a_kind_are_trusted_where_the_user_names_none(
    sandbox, load_plugin, as_alice, tmp_path
):
    missing = tmp_path / "missing.pem"
    load_plugin(plugin(kinds=[kind(hosts=address(sandbox), ca_cert=missing)]))
    with pytest.raises(BadInput, match="ca_cert of lab endpoints"):
        as_alice()
    assert as_alice(ex_verify=False).list_locations()
    assert as_alice(ex_endpoint_kind="slipstream").list_locations()


def test_a_driver_of_a_kind_has_the_name_and_the_page_of_the_provider(load_plugin, monkeypatch):
    from libcloud.compute.providers import DRIVERS

    from slipstream.libcloud import kind_drivers

    load_plugin(plugin(kinds=[kind("titled", title="The Lab", website="https://lab.example")]))
    monkeypatch.setitem(DRIVERS, "titled", (kind_drivers.__name__, "titled"))
    assert kind_drivers.titled.name == "The Lab"
    assert kind_drivers.titled.website == "https://lab.example"


class NoDisks(SlipStream3):
    name = "no-disks"
    cannot = {"list_volumes": "The lab has no disks.", "copy_image": "Build it again."}  # noqa: RUF012


def test_a_backend_gives_its_reasons_for_what_libcloud_has(load_plugin, as_alice):
    load_plugin(plugin(kinds=[kind(backend=NoDisks)]))
    driver = as_alice(ex_endpoint_kind="lab")
    for call in (driver.list_volumes, lambda: driver.create_volume(1, "disk")):
        with pytest.raises(NotSupported, match=r"^lab endpoints cannot .*The lab has no disks"):
            call()
    with pytest.raises(NotSupported, match="Build it again"):
        driver.copy_image("a", None, "b")
    with pytest.raises(UnknownName, match="did you mean 'list_volumes'"):
        type("Wrong", (Backend,), {"cannot": {"list_volume": "No."}})


def test_a_broken_plugin_object_is_told_at_once(load_plugin):
    with pytest.raises(PluginFailed, match="it is an int"):
        load_plugin(7)


def test_a_declared_secret_is_masked_before_the_first_request(
    sandbox, load_plugin, as_alice, caplog
):
    secret = "quite-harmless-looking"
    assert not announces_secret("labBadge")
    load_plugin(
        plugin(methods=[LoginMethod(name="m", authenticate=print, secret_fields="lab-badge")])
    )
    assert announces_secret("labBadge")
    caplog.set_level(logging.DEBUG, "slipstream")
    body = json.dumps({"baseURI": "x", "collections": {}, "labBadge": secret})
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=200, body=body)
    with pytest.raises(MalformedAnswer):
        as_alice()
    assert "labBadge" in caplog.text
    assert secret not in caplog.text


def test_a_declared_secret_is_masked_in_cassettes(load_plugin):
    from slipstream.testing.scrubbing import PLACEHOLDERS

    load_plugin(plugin(kinds=[kind(secret_fields="X-Lab-Pass-Card")]))
    assert PLACEHOLDERS.announces("x-lab-pass-card")


def attempt(url="https://cloud.example"):
    return LoginAttempt(Transport(Endpoint.parse(url)), Backend, method="m")


def test_what_one_logs_in_with_goes_to_no_other_server_unencrypted():
    with pytest.raises(BadInput, match="not encrypted"):
        attempt().post("http://login.example/token", form={}, doing="log in")


def test_a_request_to_another_server_has_the_same_settings_and_masks_the_same_secrets():
    transport = Transport(Endpoint.parse("https://cloud.example"))
    other = transport.to(Endpoint.parse("https://login.example"))
    assert other.settings is transport.settings
    assert other.secrets is transport.secrets
    assert other.endpoint.host == "login.example"


def test_one_of_form_and_json_is_needed():
    with pytest.raises(TypeError, match="one of form and json"):
        attempt().post("/x", doing="log in")


class Named(Backend):
    name = "named"
    states = {"going": Phase.STARTING, "on": Phase.RUNNING, "off": Phase.ERROR}  # noqa: RUF012
    deployments: dict = {}  # noqa: RUF012

    def get_deployment(self, deployment_id):
        if deployment_id not in self.deployments:
            raise NotFound("There is none.", code=404)
        state = self.deployments[deployment_id]
        return Deployment(id=deployment_id, state=state, phase=self.states[state])


@pytest.fixture
def named(load_plugin, as_alice, monkeypatch):
    free = LoginMethod(name="free", authenticate=lambda attempt, _: attempt.finish())
    kinds = [kind("named", Named, login_methods="free", default_login="free")]
    load_plugin(plugin(kinds=kinds, methods=[free]))
    monkeypatch.setattr(Named, "deployments", {"n": "on"})
    return as_alice(ex_endpoint_kind="named")


@pytest.mark.parametrize("word", ["Ready", "running", "ON", "on"])
def test_a_backend_that_names_its_states_is_waited_for_by_every_word(named, word):
    assert named.ex_wait_node_in_state("n", word) == "on"


def test_a_backend_with_other_states_than_its_parent_is_waited_for_by_its_own():
    other = type("Other", (Named,), {"states": {"live": Phase.RUNNING}})
    assert (Named.state_aliases["Ready"], other.state_aliases["Ready"]) == ("on", "live")
    assert not type("None", (Named,), {"states": {}}).state_aliases
    with pytest.raises(BadInput, match="The state 7 of Odd has no Phase"):
        type("Odd", (Named,), {"states": {7: Phase.RUNNING}})


def test_what_is_gone_is_terminated_and_nothing_else(named):
    assert named.ex_wait_node_in_state("gone", "terminated") == "Deleted"
    with pytest.raises(Exception, match="There is none"):
        named.ex_wait_node_in_state("gone", "running")


def test_what_has_failed_cannot_run_any_more(named):
    Named.deployments["n"] = "off"
    with pytest.raises(NodeFailed, match="cannot become on any more"):
        named.ex_wait_node_in_state("n", "running")
    assert named.ex_wait_node_in_state("n", "error") == "off"


def located(*pairs, region=None):
    return DeploymentRequest(
        module_id="m",
        region=region,
        parameters=[
            Parameter(value=value, node=node, role=Role.LOCATION) for node, value in pairs
        ],
    )


APPLICATION = Module(
    id="m/1",
    path="m",
    name="m",
    kind=ModuleKind.APPLICATION,
    nodes=[ModuleNode(name="db"), ModuleNode(name="web")],
)


@pytest.mark.parametrize(
    ("pairs", "module", "expected"),
    [
        ([], None, {None: None}),
        ([(None, "a")], None, {None: "a"}),
        ([(None, "")], None, {None: None}),
        ([("db", "a")], None, {"db": "a", None: None}),
        ([], APPLICATION, {"db": None, "web": None}),
        ([("db", "a")], APPLICATION, {"db": "a", "web": None}),
        ([("db", "a"), (None, "b")], APPLICATION, {"db": "a", "web": "b"}),
        ([("db", "a"), ("web", "b")], APPLICATION, {"db": "a", "web": "b"}),
    ],
)
def test_a_request_lists_where_every_machine_would_start(pairs, module, expected):
    assert located(*pairs).locations(module) == expected


@pytest.mark.parametrize(
    ("pairs", "module", "expected"),
    [
        ([], None, {None: "r"}),
        ([(None, "a")], None, {None: "a"}),
        ([(None, "")], None, {None: None}),
        ([("db", "a")], APPLICATION, {"db": "a", "web": "r"}),
    ],
)
def test_the_region_is_where_what_no_parameter_places_would_start(pairs, module, expected):
    assert located(*pairs, region="r").locations(module) == expected


def test_the_region_is_written_in_the_one_way_of_the_backend():
    assert located(region="connector/a").with_roles({}, SlipStream3.location_name).region == "a"


def test_a_default_login_that_no_plugin_has_is_named(load_plugin, as_alice):
    load_plugin(plugin(kinds=[kind("lab", default_login="badge")]))
    with pytest.raises(UnknownName, match="Unknown login method 'badge'; known: api-key"):
        as_alice(ex_endpoint_kind="lab")


class Wordy(Backend):
    name = "wordy"

    def error_detail(self, response):
        return response.json()["error"]["text"]


def test_a_refused_login_has_the_words_that_the_backend_reads(sandbox, load_plugin, as_alice):
    def authenticate(attempt, credentials):
        attempt.post("/codes", json={"pass": credentials.secret}, doing="get a code")

    method = LoginMethod(name="code", authenticate=authenticate)
    load_plugin(plugin(kinds=[kind("wordy", Wordy, default_login="code")], methods=[method]))
    body = json.dumps({"error": {"text": f"Not {sandbox.password}."}})
    sandbox.faults.add("POST", "/codes", status=403, body=body)
    with pytest.raises(InvalidCredentials, match=r"Cannot get a code: Not \*\*\*"):
        as_alice(ex_endpoint_kind="wordy")


def test_a_driver_of_a_kind_without_an_address_asks_for_one(load_plugin, monkeypatch):
    from libcloud.compute.providers import DRIVERS

    from slipstream.libcloud import kind_drivers

    load_plugin(plugin(kinds=[kind()]))
    monkeypatch.setitem(DRIVERS, "lab", (kind_drivers.__name__, "lab"))
    with pytest.raises(BadInput, match="lab endpoints have no usual address"):
        kind_drivers.lab("user", "password")


def test_a_module_of_drivers_has_no_others():
    from slipstream.libcloud import kind_drivers

    with pytest.raises(AttributeError):
        kind_drivers.unheard_of  # noqa: B018 - reading it is what is tested
