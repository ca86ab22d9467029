"""The page that the sandbox shows to a browser, without a browser: see tests/browser for that."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import requests
from endpoints_under_test import LOCATIONS, Driver, LiveEndpoint

from slipstream.sandbox import Sandbox

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8,a/b;v=b3;q=0.7"
pytestmark = pytest.mark.parametrize("endpoint", LOCATIONS, indirect=True)


@pytest.fixture
def sandbox(endpoint: LiveEndpoint) -> Sandbox:
    return endpoint.sandbox


def get(sandbox: Sandbox, path: str = "/", **headers: str) -> requests.Response:
    headers = {"Accept": BROWSER, **headers}
    return requests.get(sandbox.url + path, headers=headers, timeout=10, allow_redirects=False)


def post(sandbox: Sandbox, path: str, **fields: Any) -> requests.Response:
    origin = fields.pop("origin", sandbox.url)
    token = re.search(r'name="token" value="([^"]+)"', get(sandbox).text)
    assert token
    form = {"token": token[1], **fields}
    headers = {"Origin": origin} if origin else {}
    url = sandbox.url + path
    return requests.post(url, form, headers=headers, timeout=10, allow_redirects=False)


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/xml", "application/json", "", "application/xml,text/html;q=0.9"],
)
def test_root_for_programs(sandbox: Sandbox, accept: str) -> None:
    response = get(sandbox, Accept=accept)
    expected = {"slipstream": (303, "/dashboard"), "nuvla": (302, "/api/cloud-entry-point")}
    code, location = expected[sandbox.family]
    assert response.status_code == code
    assert response.headers["Location"].endswith(location)


def test_page_follows_a_deployment_to_its_stand_in(
    endpoint: LiveEndpoint, sandbox: Sandbox, driver: Driver
) -> None:
    node = endpoint.deploy(driver, "my-blog")
    requests_before = len(sandbox.journal)
    response = get(sandbox)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    for text in (node.id, "my-blog", "apps/WordPress/wordpress", "POST", sandbox.url):
        assert text in response.text
    assert f">{node.extra['state']}</span>" in response.text
    assert ">Open</a>" not in response.text
    assert len(sandbox.journal) == requests_before
    endpoint.pass_time()
    page = get(sandbox).text
    node = driver.ex_get_node(node.id)
    assert f">{node.extra['state']}</span>" in page
    path = re.search(r'href="([^"]+)">Open</a>', page)
    assert path
    assert sandbox.url + path[1] == node.extra["service_url"]
    assert "This page is a stand-in" in get(sandbox, path[1]).text
    driver.destroy_node(node)
    endpoint.pass_time()
    assert get(sandbox, path[1]).status_code == 404


def test_page_shows_the_password_of_the_main_user_to_this_machine_alone(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = get(sandbox).text
    assert f"export SLIPSTREAM_PASSWORD={sandbox.password}" in page
    for login in sandbox.users.values():
        assert login.secret not in page
        assert login is sandbox.users["alice"] or login.password not in page
    handler = "slipstream.sandbox.server._Handler.address_string"
    monkeypatch.setattr(handler, lambda _: "203.0.113.7")
    page = get(sandbox).text
    assert sandbox.password not in page
    assert "on the machine of the sandbox alone" in page


def test_clock_is_paused_advanced_and_set_to_a_speed(sandbox: Sandbox) -> None:
    before = sandbox.clock.now()
    assert post(sandbox, "/sandbox/clock", advance="60").headers["Location"] == "/"
    assert sandbox.clock.now() - before == timedelta(minutes=1)
    for speed in ("100", "0"):
        assert post(sandbox, "/sandbox/clock", speed=speed).status_code == 303
        assert sandbox.clock.speed == float(speed)
    before = sandbox.clock.now()
    for field in ({"speed": "-1"}, {"speed": "x"}, {"speed": "nan"}, {"speed": "1e300"}, {}):
        assert post(sandbox, "/sandbox/clock", **field).status_code == 400
    assert (sandbox.clock.now(), sandbox.clock.speed) == (before, 0)


def test_next_request_fails_once_and_faults_are_cleared(sandbox: Sandbox, driver: Driver) -> None:
    post(sandbox, "/sandbox/faults", fault="request")
    assert "gets 503" in get(sandbox).text
    sandbox.journal.clear()
    driver.list_nodes()
    assert [entry.status for entry in sandbox.journal][:2] == [503, 200]
    assert "None is waiting" in get(sandbox).text
    for fault in ("request", "deployment", "none"):
        post(sandbox, "/sandbox/faults", fault=fault)
    assert (sandbox.faults, sandbox.world.next_failure) == ([], "")


def test_next_deployment_fails_once_and_its_reason_is_escaped(
    endpoint: LiveEndpoint, sandbox: Sandbox, driver: Driver
) -> None:
    post(sandbox, "/sandbox/faults", fault="deployment")
    assert "The next deployment fails" in get(sandbox).text
    reason = sandbox.world.next_failure
    assert "The dashboard made this deployment fail" in reason
    sandbox.world.next_failure = f"<script>{reason}"
    nodes = []
    for _ in range(2):
        nodes.append(endpoint.deploy(driver))
        endpoint.pass_time()
    states = [driver.ex_get_node(node.id).extra["abort"] for node in nodes]
    assert reason in states[0]
    assert not states[1]
    page = get(sandbox).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    "sent",
    [
        *({"origin": origin} for origin in ("http://evil.example", "null", "http://127.0.0.1:1")),
        *({"token": token} for token in ("", "guessed", "\N{SNOWMAN}")),
    ],
)
def test_page_of_another_site_presses_no_button(sandbox: Sandbox, sent: dict[str, str]) -> None:
    assert post(sandbox, "/sandbox/clock", speed="5", **sent).status_code == 403
    assert post(sandbox, "/sandbox/faults", fault="request", **sent).status_code == 403
    assert (sandbox.clock.speed, sandbox.faults) == (0, [])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/favicon.ico", "image/svg+xml; charset=utf-8"),
        ("/sandbox/dashboard.css", "text/css; charset=utf-8"),
        ("/sandbox/dashboard.js", "text/javascript; charset=utf-8"),
    ],
)
def test_files_load_nothing_of_another_site(sandbox: Sandbox, path: str, kind: str) -> None:
    response = get(sandbox, path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == kind
    assert "//" not in re.sub(r"http://www.w3.org/2000/svg|// .*", "", response.text)
    for address in ("/", path):
        assert get(sandbox, address, Host="evil.example").status_code == 421
