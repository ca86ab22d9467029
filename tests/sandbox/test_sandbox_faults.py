from __future__ import annotations

import time

import pytest
import requests

from sandbox.client import Client
from slipstream.sandbox import Sandbox

ENTRY = "/api/cloud-entry-point"


def test_a_fault_strikes_as_often_as_it_is_told(sandbox: Sandbox, alice: Client) -> None:
    fault = sandbox.faults.add("GET", "/api/.*", status=503, times=2)
    statuses = [alice.get(ENTRY).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert fault.times == 0
    assert len(sandbox.faults) == 0


def test_a_fault_waits_for_its_method_and_its_whole_path(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("POST", "/run", status=502)
    assert alice.get("/run").status_code == 200
    assert alice.get("/run/x").status_code == 404
    assert alice.post("/run").status_code == 502


def test_a_fault_without_end_lasts_until_it_is_cleared(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add(status=500, times=None)
    assert {alice.get(ENTRY).status_code for _ in range(4)} == {500}
    sandbox.faults.clear()
    assert alice.get(ENTRY).status_code == 200


def test_a_status_comes_with_the_page_of_a_front_server(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add(status=429, retry_after=7)
    answer = alice.get(ENTRY)
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["Content-Type"] == "text/html"
    assert "429 Too Many Requests" in answer.text


def test_a_request_can_be_cut_before_it_is_handled(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("POST", "/run", cut="before")
    with pytest.raises(requests.ConnectionError):
        alice.deploy("apps/WordPress/wordpress")
    assert sandbox.world.runs == {}
    assert sandbox.journal[-1].status == 0


def test_the_answer_can_be_lost_after_the_request_was_handled(
    sandbox: Sandbox, alice: Client
) -> None:
    sandbox.faults.add("POST", "/run", cut="after")
    with pytest.raises(requests.ConnectionError):
        alice.deploy("apps/WordPress/wordpress")
    assert len(sandbox.world.runs) == 1
    assert sandbox.journal[-1].user == "alice"


def test_a_body_can_be_cut_in_the_middle(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("GET", ENTRY, cut="body")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        alice.get(ENTRY)
    assert alice.get(ENTRY).status_code == 200


def test_an_answer_can_be_anything(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add(
        "GET",
        "/run",
        body='<!DOCTYPE x [<!ENTITY a "b">]><runs>&a;</runs>',
        headers={"Content-Type": "application/xml"},
    )
    sandbox.faults.add("GET", "/run", status=301, headers={"Location": "https://example.org/run"})
    first, second = alice.get("/run"), alice.get("/run")
    assert (first.status_code, first.headers["Content-Type"]) == (200, "application/xml")
    assert first.text.endswith("<runs>&a;</runs>")
    assert (second.status_code, second.headers["Location"]) == (301, "https://example.org/run")


def test_an_answer_can_be_late(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("GET", ENTRY, delay=0.2)
    start = time.monotonic()
    assert alice.get(ENTRY).status_code == 200
    assert time.monotonic() - start >= 0.2


def test_every_session_can_be_ended_at_once(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("GET", "/run", expire_sessions=True)
    assert alice.get("/run").status_code == 401
    assert alice.json("/api/session")["count"] == 0
    again = Client(sandbox, sandbox.users["alice"])
    assert again.get("/run").status_code == 200


def test_a_status_nobody_defined_can_be_sent(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add(status=599)
    assert alice.get(ENTRY).status_code == 599
