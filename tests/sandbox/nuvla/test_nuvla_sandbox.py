from __future__ import annotations

import json
import subprocess
import sys

import pytest
import requests

from sandbox.client import NuvlaClient as Client
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


def test_the_journal_names_the_user(sandbox: Sandbox, alice: Client, nobody: Client) -> None:
    sandbox.journal.clear()
    alice.put("module", data={"last": "0"})
    nobody.get("module")
    search, anonymous = sandbox.journal
    assert (search.user, search.form, search.status) == ("alice", {"last": ["0"]}, 200)
    assert (anonymous.user, anonymous.status) == (None, 403)


def test_two_sandboxes_name_things_alike(sandbox: Sandbox, alice: Client) -> None:
    with Sandbox(family="nuvla") as other:
        assert Client(other, other.users["alice"]).module() == alice.module()
