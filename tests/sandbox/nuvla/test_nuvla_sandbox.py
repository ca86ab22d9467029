from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest
import requests

from sandbox.nuvla.client import Client
from slipstream.sandbox import Sandbox

COMMAND = [sys.executable, "-m", "slipstream", "sandbox", "--family", "nuvla", "--json"]


def test_the_command_plays_the_family_that_is_asked_for() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            facts = json.loads(process.stdout.readline())
            address = f"{facts['url']}/api/cloud-entry-point"
            entry = requests.get(address, timeout=10).json()
        finally:
            process.kill()
    assert set(facts) == {"url", "username", "password", "key", "secret"}
    assert entry["resource-type"] == "cloud-entry-point"


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="slipstream and nuvla are"):
        Sandbox(family="cloudstack")


def test_it_offers_what_the_other_family_offers(sandbox: Sandbox) -> None:
    assert sandbox.username == "alice"
    assert sandbox.key.startswith("credential/")
    assert set(sandbox.users) == {"alice", "bob", "carol", "super"}
    assert sandbox.password not in repr(sandbox.users)


def test_the_journal_names_the_user(sandbox: Sandbox, alice: Client, nobody: Client) -> None:
    sandbox.journal.clear()
    alice.put("module", data={"last": "0"})
    nobody.get("module")
    search, anonymous = sandbox.journal
    assert (search.user, search.form, search.status) == ("alice", {"last": ["0"]}, 200)
    assert (anonymous.user, anonymous.status) == (None, 403)


def test_faults_strike_here_too(sandbox: Sandbox, alice: Client) -> None:
    sandbox.faults.add("PUT", "/api/module", status=502)
    assert alice.put("module").status_code == 502
    assert alice.put("module").status_code == 200


def test_a_body_may_be_compressed(alice: Client) -> None:
    deployment = alice.deployment()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = gzip.compress(json.dumps({"name": "blog"}).encode())
    assert alice.put(deployment, data=content, headers=headers).json()["name"] == "blog"


def test_answers_are_pretty_and_escaped(alice: Client) -> None:
    deployment = alice.deployment()
    answer = alice.put(deployment, json={"name": "Zürich"})
    assert '"name" : "Z\\u00fcrich"' in answer.text
    assert answer.headers["Content-Type"] == "application/json"


def test_two_sandboxes_name_things_alike(sandbox: Sandbox, alice: Client) -> None:
    with Sandbox(family="nuvla") as other:
        assert Client(other, other.users["alice"]).module() == alice.module()


def test_what_nobody_thought_of_is_an_error_of_the_server(alice: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = alice.post("deployment", data=b"no gzip", headers=headers)
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


@pytest.mark.parametrize(
    ("content", "kind"), [("[1]", "application/json"), ("<x/>", "application/xml")]
)
def test_a_body_that_is_no_map_adds_nothing(alice: Client, content: str, kind: str) -> None:
    answer = alice.post("deployment", data=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
