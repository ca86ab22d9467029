from __future__ import annotations

import pytest
import requests

from sandbox.client import Client
from slipstream.sandbox import Sandbox

ENTRY = "/api/cloud-entry-point"


def test_fault_is_used_as_often_as_its_times(sandbox: Sandbox, alice: Client) -> None:
    fault = sandbox.faults.add("GET", "/api/.*", status=503, times=2)
    assert [alice.get(ENTRY).status_code for _ in range(3)] == [503, 503, 200]
    assert (fault.times, len(sandbox.faults)) == (0, 0)
    sandbox.faults.add(status=500, times=None)
    assert {alice.get(ENTRY).status_code for _ in range(4)} == {500}
    sandbox.faults.clear()
    assert alice.get(ENTRY).status_code == 200


def test_fault_matches_its_method_and_its_whole_path(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("POST", "/run", status=502)
    assert alice.get("/run").status_code == 200
    assert alice.get("/run/x").status_code == 404
    assert alice.post("/run").status_code == 502


def test_fault_with_a_status_has_the_page_of_a_front_server(
    sandbox: Sandbox, alice: Client
) -> None:
    sandbox.faults.add(status=429, retry_after=7)
    response = alice.get(ENTRY)
    assert response.headers["Retry-After"] == "7"
    assert response.headers["Content-Type"] == "text/html"
    assert "429 Too Many Requests" in response.text
    sandbox.faults.add(status=599)
    assert alice.get(ENTRY).status_code == 599


@pytest.mark.parametrize(("cut", "users"), [("before", []), ("after", ["alice"])])
def test_fault_that_cuts_the_connection(
    sandbox: Sandbox, alice: Client, cut: str, users: list[str | None]
) -> None:
    sandbox.faults.add("POST", "/run", cut=cut)
    with pytest.raises(requests.ConnectionError):
        alice.deploy("apps/WordPress/wordpress")
    assert len(sandbox.world.runs) == len(users)
    assert sandbox.journal[-1].status == 0
    assert [sandbox.journal[-1].user] == (users or [None])


def test_fault_with_a_body_and_headers(sandbox: Sandbox, alice: Client) -> None:
    body = '<!DOCTYPE x [<!ENTITY a "b">]><runs>&a;</runs>'
    sandbox.faults.add("GET", "/run", body=body, headers={"Content-Type": "application/xml"})
    sandbox.faults.add("GET", "/run", status=301, headers={"Location": "https://example.org/run"})
    first, second = alice.get("/run"), alice.get("/run")
    assert (first.status_code, first.headers["Content-Type"]) == (200, "application/xml")
    assert first.text == body
    assert (second.status_code, second.headers["Location"]) == (301, "https://example.org/run")
