from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox
from slipstream.values.ssh_key import SSHKey

KEYS = "General.ssh.public.key"
KEY = f".//parameter[@name='{KEYS}']/value"


def value(root: Element, name: str) -> str:
    return root.findtext(f"parameters/entry/parameter[@name='{name}']/value") or ""


def mine(client: Client) -> Element:
    """Reads the profile of alice and leaves out what must not go back."""
    root = client.xml("/user/alice")
    root.attrib.pop("roles")
    return root


def put(client: Client, root: Element) -> tuple[int, str]:
    answer = client.put_xml("/user/alice", tostring(root))
    return answer.status_code, answer.text or answer.headers["Location"]


def test_a_profile_is_replaced_as_a_whole(sandbox: Sandbox, alice: Client) -> None:
    root = mine(alice)
    root.set("lastName", "Durand")
    (key,) = root.iterfind(KEY)
    key.text = "ssh-rsa AAAA new"
    assert put(alice, root) == (202, f"{sandbox.url}/user/alice")
    again = alice.xml("/user/alice")
    assert again.get("lastName") == "Durand"
    assert value(again, KEYS) == "ssh-rsa AAAA new"
    (parameters,) = root.iterfind("parameters")
    parameters.clear()
    assert put(alice, root)[0] == 202
    emptied = alice.xml("/user/alice")
    assert value(emptied, KEYS) == ""
    assert value(emptied, "General.keep-running") == "on-success"
    assert Client(sandbox, sandbox.users["alice"]).get("/user/alice").ok


@pytest.mark.parametrize(
    ("name", "text", "status", "words"),
    [
        ("roles", "", 403, "Only super users are authorized to update roles!"),
        ("roles", "x", 403, "Only super users are authorized to update roles!"),
        ("issuper", "true", 403, "Only super users are authorized to create a privileged user!"),
        ("firstName", "", 409, "First name cannot be empty."),
        ("lastName", "", 409, "Last name cannot be empty."),
        ("password", "", 409, "Password cannot be empty."),
        ("name", "bob", 400, "The uploaded user does not correspond to the target user uri"),
    ],
)
def test_a_profile_is_refused(
    alice: Client, name: str, text: str, status: int, words: str
) -> None:
    root = mine(alice)
    root.set(name, text)
    assert put(alice, root)[0] == status
    assert words in put(alice, root)[1]


def test_what_is_not_a_profile_is_refused(alice: Client) -> None:
    root = mine(alice)
    (key,) = root.iterfind(KEY)
    key.text = "a quote in a restricted value: alice's"
    assert put(alice, root)[0] == 409
    bomb = '<!DOCTYPE x [<!ENTITY a "b">]><user name="alice">&a;</user>'
    for body in ("<user", "<x/>", bomb):
        assert alice.put_xml("/user/alice", body).status_code == 400
    assert alice.put("/user/alice", data={"a": "b"}).status_code == 415


def test_every_key_of_the_seeds_is_one(alice: Client, bob: Client) -> None:
    for client, name, number in ((alice, "alice", 2), (bob, "bob", 1)):
        profile = client.xml(f"/user/{name}")
        lines = value(profile, KEYS).splitlines()
        assert len(lines) == number
        for line in (*lines, value(profile, "General.orchestrator.publicsshkey").strip()):
            assert SSHKey.parse(line).line == line
