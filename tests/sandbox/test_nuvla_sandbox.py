"""What the sandbox does as Nuvla, where neither the recordings nor the driver show it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.client import NUVLA_COOKIE
from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Clock, Sandbox

BLOG, FAILING = "apps/WordPress/wordpress", "apps/trials/failing"
SWARM, PULL, MIXED = "swarm-lausanne admin", "edge-geneva swarm", "edge-basel swarm"


@pytest.fixture
def family() -> str:
    return "nuvla"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        *(("GET", "data-set", {}), ("POST", "{deployment}/delete", {}), ("PUT", "module/x", {})),
        ("PUT", "{deployment}", {"Content-Encoding": "gzip"}),
        ("PUT", "{deployment}", {"Content-Type": "application/json-patch+json"}),
        ("GET", "nuvlabox?filter=location within 'POINT (6 46)'", {}),
    ],
)
def test_what_is_not_played_answers_501(
    alice: Client, method: str, path: str, headers: dict[str, str]
) -> None:
    path = path.format(deployment=alice.deployment())
    status, message = alice.refused(method, path, data=b"{}", headers=headers)
    assert status == 501
    assert message.endswith(" is not played by this sandbox")


def test_cookie_is_for_https_alone_behind_it_and_a_day_below_ten_has_one_digit() -> None:
    clock = Clock(speed=0, start=datetime(2025, 8, 26, 14, 16, 34, tzinfo=UTC))
    with Sandbox(family="nuvla", clock=clock) as sandbox:
        client = Client(sandbox)
        client.http.headers["X-Forwarded-Proto"] = "https"
        answer = client.log_in(username=sandbox.username, password=sandbox.password)
    cookie = answer.headers["Set-Cookie"]
    assert "; Secure; Path=/" in cookie
    assert cookie.endswith("Expires=Tue, 2 Sep 2025 14:16:34 GMT")


def test_forged_token_is_nobodys(nobody: Client) -> None:
    with Sandbox(family="nuvla") as other:
        token = Client(other, other.users["alice"]).http.cookies[NUVLA_COOKIE]
    assert (
        nobody.get("deployment", headers={"Cookie": f"{NUVLA_COOKIE}={token}"}).status_code == 403
    )


def test_two_minutes_end_a_login_with_a_second_factor(sandbox: Sandbox, nobody: Client) -> None:
    answer = nobody.log_in(username="carol", password=sandbox.users["carol"].password)
    callback = str(answer.headers["Location"]).partition("/api/")[2]
    sandbox.clock.advance(120)
    code = nobody.world.two_factor_code("carol")
    assert nobody.post(callback, json={"token": code}).status_code == 409


def test_groups_are_a_tree(alice: Client) -> None:
    users, parents = [alice.world.user_id("alice")], ["group/acme"]
    fields = {"id": "group/crew", "name": "Crew", "users": users, "parents": parents}
    alice.world.document("group", "group/acme", **fields)
    session = str(alice.search("session")["resources"][0]["id"])
    (acme,) = alice.get(f"{session}/get-groups").json()
    assert (acme["id"], acme["name"]) == ("group/acme", "ACME")
    assert [item["id"] for item in acme["children"]] == ["group/crew"]
    body = {"claim": "group/acme", "extended": True}
    switched = alice.post(f"{session}/switch-group", json=body).json()
    assert "group/crew" in switched["roles"].split()


def test_dates_may_be_reckoned_from_now(sandbox: Sandbox, alice: Client) -> None:
    sandbox.clock.advance(3600)
    deployment = alice.deployment()
    sandbox.clock.advance(100)
    for text, expected in (
        ("created>'now-120s'", [deployment]),
        ("created>='now-1h'", [deployment]),
        ("created>'now-90s'", []),
        ("created<='now'", [deployment]),
    ):
        assert [item["id"] for item in alice.find("deployment", text)] == expected


def test_metadata_is_all_that_some_may_see(alice: Client, bob: Client) -> None:
    rights = {"owners": [alice.world.user_id("alice")], "view-meta": ["group/acme"]}
    own = alice.deployment()
    assert alice.edit(own, {"name": "blog", "acl": rights})["acl"] == rights
    assert "group/nuvla-admin" in alice.read(own)["acl"]["manage"]
    session = bob.search("session")["resources"][0]["id"]
    bob.post(f"{session}/switch-group", json={"claim": "group/acme"})
    (match,) = bob.search("deployment")["resources"]
    assert match["name"] == "blog"
    assert not {"state", "acl"} & match.keys()


@pytest.mark.parametrize("lag", [1, 0])
def test_search_lags_behind_a_job_and_a_read_does_not(
    sandbox: Sandbox, alice: Client, lag: int
) -> None:
    sandbox.world.search_lag = lag
    deployment = alice.deployment(FAILING)
    job = alice.act(f"{deployment}/start")
    # The job ends after 40 seconds; the search knows it as it was.
    sandbox.clock.advance(40)
    assert alice.state(deployment) == "ERROR"
    assert "manifest" in alice.read(job)["status-message"]
    (match,) = alice.find("job", f"id='{job}'")
    assert ("status-message" in match) == (lag == 0)
    sandbox.clock.advance(1)
    assert "manifest" in alice.find("job", f"id='{job}'")[0]["status-message"]


def test_parameters_are_the_services_of_a_swarm(alice: Client) -> None:
    parameters = alice.parameters(alice.started("apps/web/whoami", SWARM))
    names = ("mode", "replicas.running", "image")
    values = [parameters[f"whoami.{name}"] for name in names]
    assert values == ["replicated", "1", "traefik/whoami"]
    assert parameters["whoami.udp.53"].isdigit()


def test_address_is_the_one_that_the_sandbox_listens_on() -> None:
    with Sandbox(family="nuvla", clock=Clock(speed=0), host="localhost") as sandbox:
        alice = Client(sandbox, sandbox.users["alice"])
        parameters = alice.parameters(alice.started())
        assert (parameters["hostname"], parameters["admin_url"]) == ("localhost", None)


@pytest.mark.parametrize(
    ("path", "credential", "mode", "steps"),
    [
        (BLOG, SWARM, "push", "0 STARTING QUEUED 0, 10 STARTING RUNNING 10"),
        (BLOG, SWARM, "push", "20 STARTING RUNNING 50, 20 STARTED SUCCESS 100"),
        (BLOG, PULL, "pull", "50 PENDING RUNNING 50, 10 STARTED SUCCESS 100"),
        (FAILING, MIXED, "pull", "30 STARTING QUEUED 0, 100 ERROR FAILED 100"),
    ],
)
def test_start_takes_a_minute_and_its_job_tells_the_progress(
    sandbox: Sandbox, alice: Client, path: str, credential: str, mode: str, steps: str
) -> None:
    deployment = alice.deployment(path, credential)
    job = alice.act(f"{deployment}/start")
    for step in steps.split(", "):
        seconds, *expected = step.split()
        sandbox.clock.advance(int(seconds))
        document = alice.read(job)
        shown = [alice.state(deployment), document["state"], str(document["progress"])]
        assert (shown, document["execution-mode"]) == (expected, mode)
    assert document.get("return-code", 0) == (document["state"] == "FAILED")


def test_start_gives_way_to_a_stop_and_may_follow_it_without_the_old_parameters(
    sandbox: Sandbox, alice: Client
) -> None:
    deployment = alice.deployment()
    start = alice.act(f"{deployment}/start")
    alice.act(f"{deployment}/stop")
    assert alice.read(start)["state"] == "CANCELED"
    sandbox.clock.advance(300)
    assert (alice.read(start)["state"], alice.state(deployment)) == ("CANCELED", "STOPPED")
    alice.act(f"{deployment}/start")
    assert alice.parameters(deployment) == {}
    sandbox.clock.advance(60)
    assert alice.state(deployment) == "STARTED"


def test_start_that_is_cancelled_is_an_error_and_one_that_is_gone_fails(
    sandbox: Sandbox, alice: Client
) -> None:
    cancelled, gone = alice.deployment(), alice.deployment()
    jobs = [alice.act(f"{deployment}/start") for deployment in (cancelled, gone)]
    assert alice.post(f"{jobs[0]}/cancel").status_code == 200
    alice.post(f"{gone}/force-delete")
    sandbox.clock.advance(600)
    assert [alice.read(job)["state"] for job in jobs] == ["CANCELED", "FAILED"]
    assert alice.state(cancelled) == "ERROR"


def test_another_credential_moves_a_deployment_to_an_edge(alice: Client) -> None:
    document = alice.edit(alice.deployment(), {"parent": alice.credential(PULL)})
    assert (document["nuvlabox-name"], document["execution-mode"]) == ("edge-geneva", "pull")
    assert document["nuvlabox"] in document["acl"]["edit-data"]


def test_events_of_a_deployment_are_its_actions(alice: Client) -> None:
    deployment = alice.started()
    alice.post(f"{deployment}/start")
    alice.sandbox.clock.advance(1)
    text = f"content/resource/href='{deployment}'"
    events = alice.find("event", text, orderby="timestamp:desc")
    assert [(item["name"], item["category"], item["success"]) for item in events] == [
        ("deployment.start", "action", False),
        ("deployment.start", "action", True),
        ("deployment.add", "add", True),
    ]
    assert events[0]["authn-info"]["user-id"] == alice.world.user_id("alice")


def test_log_has_at_each_fetch_what_is_new_and_goes_with_its_deployment(
    sandbox: Sandbox, alice: Client
) -> None:
    deployment = alice.started(credential=PULL)
    body = {"components": ["web", "db"], "lines": 10}
    log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
    job = alice.act(f"{log}/fetch")
    assert alice.act(f"{log}/fetch") == job
    assert alice.read(job)["execution-mode"] == "pull"
    sandbox.clock.advance(60)
    first = alice.read(log)
    assert set(first["log"]) == {"web", "db"}
    alice.act(f"{log}/fetch")
    sandbox.clock.advance(60)
    assert alice.read(log)["log"]["web"][0] > first["log"]["web"][0]
    alice.post(f"{deployment}/force-delete")
    assert alice.get(log).status_code == 404


def test_output_parameter_has_no_value_until_it_is_set(alice: Client) -> None:
    deployment = alice.started()
    assert alice.parameters(deployment)["admin_url"] is None
    for name in ("admin_url", "brand-new"):
        alice.world.set_parameter(deployment, name, "1")
        assert alice.parameters(deployment)[name] == "1"
