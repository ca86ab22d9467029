"""Key pairs are lines in the profile of the user, beside much that must stay as it is."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from slipstream.libcloud.errors import KeyPairConflict, MalformedAnswer, RequestFailed
from slipstream.sandbox import Sandbox

from .support import JSON, KEY, OTHER_KEY, XML, Driver, Login, changed

PARAMETER = "General.ssh.public.key"
THIRD_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFXc9VK+Lmgt2FhmnOGS7WHrKpoAI526KuV72zIgdXR8"
RESTRICTED = f'command="/bin/echo \\"a b\\"",no-pty {THIRD_KEY} robot'


def lines(sandbox: Sandbox) -> list[str]:
    text: str = sandbox.world.accounts["alice"].value(PARAMETER)
    return text.splitlines()


def put(sandbox: Sandbox, *new: str) -> bool:
    sandbox.world.accounts["alice"].parameters[PARAMETER].value = "\n".join(new)
    return True


@pytest.fixture
def keys(sandbox: Sandbox) -> list[str]:
    """Lines of every sort that a profile may hold."""
    lines = [f"{KEY} Alice at home", OTHER_KEY, "# of the robot", RESTRICTED, "", f"{KEY} desk"]
    put(sandbox, *lines, "rubbish with a secret")
    return [*lines, "rubbish with a secret"]


def test_list_names_each_key(driver: Driver, keys: list[str], caplog: Any) -> None:
    pairs = driver.list_key_pairs()
    nameless = pairs[1].extra["fingerprint_sha256"]
    assert nameless.startswith("SHA256:")
    assert [pair.name for pair in pairs] == ["Alice at home", nameless, "robot", "desk"]
    assert pairs[2].public_key == driver.get_key_pair("robot").public_key == RESTRICTED
    assert pairs[2].extra["options"].startswith("command=")
    assert all(pair.private_key is None for pair in pairs)
    assert "a line of the profile is called an SSH key and is none" in caplog.text
    assert "rubbish" not in caplog.text


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs the program ssh-keygen")
def test_list_has_ssh_keygen_fingerprints(driver: Driver, keys: list[str], tmp_path: Path) -> None:
    path = tmp_path / "key"

    def fingerprint(kind: str) -> str:
        command = ["ssh-keygen", "-l", "-E", kind, "-f", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.split()[1]

    for pair in driver.list_key_pairs():
        path.write_text(f"{pair.extra['public_key_type']} {pair.extra['public_key_content']}\n")
        assert fingerprint("md5") == f"MD5:{pair.fingerprint}"
        assert fingerprint("sha256") == pair.extra["fingerprint_sha256"]


CALLS: dict[str, Callable[[Driver], object]] = {
    "import": lambda driver: driver.import_key_pair_from_string("new", THIRD_KEY),
    "create": lambda driver: driver.create_key_pair("new"),
    "delete home": lambda driver: driver.delete_key_pair(driver.get_key_pair("Alice at home")),
    "delete desk": lambda driver: driver.delete_key_pair(driver.get_key_pair("desk")),
    "delete nameless": lambda driver: driver.delete_key_pair(driver.list_key_pairs()[1]),
    "list": lambda driver: driver.list_key_pairs(),
    "get": lambda driver: driver.get_key_pair("robot"),
}


@pytest.mark.parametrize("call", CALLS)
def test_other_lines_survive(driver: Driver, sandbox: Sandbox, keys: list[str], call: str) -> None:
    CALLS[call](driver)
    deleted = {"delete home": keys[0], "delete desk": keys[5], "delete nameless": keys[1]}
    before = [line for line in keys if line != deleted.get(call)]
    assert [line for line in lines(sandbox) if not line.endswith(" new")] == before
    assert len(lines(sandbox)) == len(before) + (call in {"import", "create"})


def test_import_changes_nothing_else_in_the_profile(driver: Driver, sandbox: Sandbox) -> None:
    def others() -> dict[str, Any]:
        account = sandbox.world.accounts["alice"]
        values = {name: item.value for name, item in account.parameters.items()}
        return {**values, PARAMETER: None, "name": account.first_name, "mail": account.email}

    before = others()
    driver.import_key_pair_from_string("new", KEY)
    assert others() == before
    assert before["name"] == "Alice"
    (sent,) = sandbox.journal.entries("PUT", "/user/alice")
    root = fromstring(sent.body)
    assert "roles" not in root.attrib, "the server would refuse it"
    names = [item.get("name") for item in root.iter("parameter")]
    assert "General.orchestrator.publicsshkey" not in names
    assert PARAMETER in names


@pytest.mark.parametrize("has_parameter", [True, False])
def test_import_of_the_first_key(driver: Driver, sandbox: Sandbox, has_parameter: bool) -> None:
    put(sandbox)
    assert driver.list_key_pairs() == []
    if not has_parameter:
        body = PROFILE.format("")
        sandbox.faults.add("GET", "/user/alice", times=2, body=body, headers=XML)
    driver.import_key_pair_from_string("first", KEY)
    assert lines(sandbox) == [f"{KEY} first"]


THEIRS = [f"{OTHER_KEY} theirs", f"{THIRD_KEY} theirs too"]
# What is done after each request for the profile, of a number and a method, and how many changes
# are sent then.
ACTS: dict[str, tuple[Callable[[Sandbox, int, str], object], int]] = {
    "adds": (lambda box, number, _: number == 1 and put(box, *THEIRS), 1),
    "overwrites": (
        lambda box, _, method: changed(box) == ["PUT"] and method == "PUT" and put(box, *THEIRS),
        2,
    ),
    "removes": (lambda box, _, method: method == "PUT" and put(box, *THEIRS), 5),
    "always changes": (lambda box, number, _: put(box, f"{OTHER_KEY} theirs-{number}"), 0),
}


@pytest.mark.parametrize(("act", "changes"), ACTS.values(), ids=ACTS)
def test_import_while_another_writer(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, act: Any, changes: int
) -> None:
    put(sandbox, THEIRS[0])
    append, numbers = sandbox.journal.append, itertools.count(1)

    def appended(entry: Any) -> None:
        append(entry)
        if entry.path == "/user/alice":
            act(sandbox, next(numbers), entry.method)

    monkeypatch.setattr(sandbox.journal, "append", appended)
    if changes in {1, 2}:
        driver.import_key_pair_from_string("mine", KEY)
        assert lines(sandbox) == [*THEIRS, f"{KEY} mine"]
    else:
        with pytest.raises(KeyPairConflict, match="another program is changing the SSH keys"):
            driver.import_key_pair_from_string("mine", KEY)
    assert len(changed(sandbox)) == changes


def test_import_that_fails_is_not_repeated(driver: Driver, sandbox: Sandbox) -> None:
    before = lines(sandbox)
    with pytest.raises(RequestFailed, match="single quote") as caught:
        driver.import_key_pair_from_string("Alice's", KEY)
    assert caught.value.http_code == 409
    assert lines(sandbox) == before
    sandbox.faults.add("PUT", "/user/alice", cut="after", times=None)
    with pytest.raises(Exception, match="no complete response"):
        driver.import_key_pair_from_string("mine", KEY)
    assert changed(sandbox) == ["PUT", "PUT"]


PROFILE = (
    '<user name="alice" email="a@example.org" firstName="A" lastName="B"><parameters>{}'
    '<entry><string>x</string><parameter name="x"><value>1</value></parameter></entry>'
    "</parameters></user>"
)
ENTRY = (
    f"<entry><string>{PARAMETER}</string>"
    f'<parameter name="{PARAMETER}"><value>{KEY} first</value></parameter></entry>'
)
INCOMPLETE = {
    "no parameters": "<user name='alice'/>",
    "empty": "<user name='alice'><parameters/></user>",
    "another user": PROFILE.format(ENTRY).replace("alice", "bob", 1),
    "no name": PROFILE.format(ENTRY).replace(' name="alice"', "", 1),
    "entry without parameter": PROFILE.format("<entry><string>y</string></entry>"),
    "parameter without name": PROFILE.format("<entry><parameter/></entry>"),
    "one key twice": PROFILE.format(ENTRY * 2),
    "one name twice": PROFILE.format(ENTRY + ENTRY.replace("<string>", "<string>Other.", 1)),
    "one name twice under other keys": PROFILE.format(
        "".join(ENTRY.replace("<string>", f"<string>{key}.", 1) for key in "AB")
    ),
    "parameters twice": PROFILE.format(ENTRY).replace("</user>", "<parameters/></user>"),
    "two values": PROFILE.format(ENTRY.replace("</value>", f"</value><value>{OTHER_KEY}</value>")),
    "markup in the keys": PROFILE.format(ENTRY.replace(" first", " <b>first</b>")),
    "markup in another value": PROFILE.format(ENTRY).replace(">1<", "><a/><"),
}


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("profile", INCOMPLETE)
def test_incomplete_profile(driver: Driver, sandbox: Sandbox, profile: str, times: Any) -> None:
    driver.import_key_pair_from_string("first", KEY)
    before = lines(sandbox)
    sandbox.journal.clear()
    for call in (
        lambda: driver.import_key_pair_from_string("second", OTHER_KEY),
        lambda: driver.delete_key_pair("first"),
        driver.list_key_pairs,
    ):
        body = INCOMPLETE[profile]
        sandbox.faults.clear()
        sandbox.faults.add("GET", "/user/alice", times=times, body=body, headers=XML)
        with pytest.raises(MalformedAnswer, match="not complete"):
            call()
    assert changed(sandbox) == []
    assert lines(sandbox) == before


def test_import_keeps_what_others_have_written(driver: Driver, sandbox: Sandbox) -> None:
    text = "a&#13;b a&#x85;b a&#x2028;b a&#9;b a&#x1f600;"
    body = PROFILE.format(ENTRY.replace("first", text)).replace("<value>1", f"<value>{text}")
    sandbox.faults.add("GET", "/user/alice", times=2, body=body, headers=XML)
    driver.import_key_pair_from_string("new", OTHER_KEY)
    (sent,) = sandbox.journal.entries("PUT", "/user/alice")
    values = [element.text for element in fromstring(sent.body).iter("value")]
    expected = [element.text for element in fromstring(body).iter("value")]
    assert values == [f"{expected[0]}\n{OTHER_KEY} new", expected[1]]


def test_profile_of_which_the_second_reading_lacks_a_parameter(driver: Any, sandbox: Any) -> None:
    whole, less = PROFILE.format(ENTRY), PROFILE.format(ENTRY).replace("x", "y")
    for body in (whole, less, whole, whole):
        sandbox.faults.add("GET", "/user/alice", body=body, headers=XML)
    driver.import_key_pair_from_string("new", OTHER_KEY)
    (sent,) = sandbox.journal.entries("PUT", "/user/alice")
    assert "x" in [item.get("name") for item in fromstring(sent.body).iter("parameter")]


def test_user_name_of_the_server_that_is_no_bad_input(login: Login, sandbox: Sandbox) -> None:
    for name in ("..", "a/../b", "%2e%2e", "..;x", "a\\n"):
        driver = login()
        body = f'{{"sessions": [{{"id": "session/x", "username": "{name}"}}], "count": 1}}'
        sandbox.faults.add("GET", "/api/session", body=body, headers=JSON)
        with pytest.raises(MalformedAnswer, match="not return the name of the logged-in user"):
            driver.list_key_pairs()
