from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from slipstream.libcloud.errors import KeyPairConflict, RequestFailed
from slipstream.sandbox import Sandbox

from .support import Driver, changes

PARAMETER = "General.ssh.public.key"
ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILSSbaV6YtS3GWUVXjFm881NqhWzZo+fmWZb2dx9NLZO"
THREE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFXc9VK+Lmgt2FhmnOGS7WHrKpoAI526KuV72zIgdXR8"
RESTRICTED = f'command="/bin/echo \\"a b\\"",no-pty {THREE} robot'


def lines(sandbox: Sandbox) -> list[str]:
    return sandbox.world.accounts["alice"].value(PARAMETER).splitlines()


def put(sandbox: Sandbox, *new: str) -> None:
    sandbox.world.accounts["alice"].parameters[PARAMETER].value = "\n".join(new)


@pytest.fixture
def keys(sandbox: Sandbox) -> list[str]:
    """Lines of every sort that a profile may hold."""
    every = [f"{ONE} laptop", TWO, "# of the robot", RESTRICTED, "", f"{ONE} desk", "rubbish"]
    put(sandbox, *every)
    return every


def test_key_pairs_are_named_by_their_comments_or_else_their_fingerprints(
    driver: Driver, keys: list[str]
) -> None:
    pairs = driver.list_key_pairs()
    assert [pair.name for pair in pairs][::2] == ["laptop", "robot"]
    assert pairs[1].name == pairs[1].extra["fingerprint_sha256"]
    assert pairs[1].name.startswith("SHA256:")
    assert pairs[2].public_key == RESTRICTED
    assert pairs[2].extra["options"].startswith("command=")
    assert all(pair.private_key is None for pair in pairs)
    assert len(pairs) == 4


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_fingerprints_are_those_of_ssh_keygen(
    driver: Driver, keys: list[str], tmp_path: Path
) -> None:
    def fingerprint(kind: str) -> str:
        command = ["ssh-keygen", "-l", "-E", kind, "-f", str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[
            1
        ]

    for number, pair in enumerate(driver.list_key_pairs()):
        path = tmp_path / str(number)
        path.write_text(f"{pair.extra['public_key_type']} {pair.extra['public_key_content']}\n")
        assert fingerprint("md5") == f"MD5:{pair.fingerprint}"
        assert fingerprint("sha256") == pair.extra["fingerprint_sha256"]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_a_new_key_pair_is_one_that_ssh_can_use(
    driver: Driver, sandbox: Sandbox, tmp_path: Path
) -> None:
    pair = driver.create_key_pair("fresh")
    path = tmp_path / "id"
    path.write_text(pair.private_key or "")
    path.chmod(0o600)
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(path)]
    public = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert public.split()[:2] == pair.public_key.split()[:2]
    assert lines(sandbox)[-1] == pair.public_key
    assert pair.public_key.endswith(" fresh")
    (put,) = sandbox.journal.entries("PUT", "/user/alice")
    assert b"PRIVATE" not in put.body
    assert "PRIVATE" not in repr(pair)


@pytest.mark.parametrize(
    "call",
    [
        lambda driver: driver.import_key_pair_from_string("new", THREE),
        lambda driver: driver.create_key_pair("new"),
        lambda driver: driver.delete_key_pair(driver.get_key_pair("laptop")),
        lambda driver: driver.list_key_pairs(),
        lambda driver: driver.get_key_pair("robot"),
    ],
    ids=["import", "create", "delete", "list", "get"],
)
def test_every_other_line_of_the_profile_survives_every_call(
    driver: Driver, sandbox: Sandbox, keys: list[str], call: Callable[[Driver], object]
) -> None:
    call(driver)
    remaining = [line for line in lines(sandbox) if not line.endswith(("laptop", "new"))]
    assert remaining == keys[1:]


def test_nothing_else_in_the_profile_changes(driver: Driver, sandbox: Sandbox) -> None:
    account = sandbox.world.accounts["alice"]
    before = {name: item.value for name, item in account.parameters.items() if name != PARAMETER}
    driver.import_key_pair_from_string("new", ONE)
    account = sandbox.world.accounts["alice"]
    after = {name: item.value for name, item in account.parameters.items() if name != PARAMETER}
    assert after == before
    assert (account.first_name, account.email) == ("Alice", "alice@example.org")


def test_what_the_server_would_refuse_is_not_sent_back(driver: Driver, sandbox: Sandbox) -> None:
    driver.import_key_pair_from_string("new", ONE)
    (sent,) = sandbox.journal.entries("PUT", "/user/alice")
    root = fromstring(sent.body)
    assert "roles" not in root.attrib
    names = [item.get("name") for item in root.iter("parameter")]
    assert "General.orchestrator.publicsshkey" not in names
    assert PARAMETER in names


def test_a_key_can_be_got_by_name_or_by_fingerprint(driver: Driver, keys: list[str]) -> None:
    robot = driver.get_key_pair("robot")
    assert robot.public_key == RESTRICTED
    for name in (robot.fingerprint, robot.extra["fingerprint_sha256"]):
        assert driver.get_key_pair(name).public_key == RESTRICTED


def test_two_keys_of_one_name_are_told_apart_by_fingerprint(
    driver: Driver, sandbox: Sandbox
) -> None:
    put(sandbox, f"{ONE} same", f"{TWO} same")
    with pytest.raises(KeyPairConflict, match=r"2 key pairs are named 'same'.*SHA256:.*SHA256:"):
        driver.get_key_pair("same")
    first, second = driver.list_key_pairs()
    assert driver.get_key_pair(second.fingerprint).public_key == f"{TWO} same"
    driver.delete_key_pair(first)
    assert lines(sandbox) == [f"{TWO} same"]


def test_a_key_without_a_name_can_be_deleted_alone(
    driver: Driver, sandbox: Sandbox, keys: list[str]
) -> None:
    (nameless,) = [pair for pair in driver.list_key_pairs() if pair.name.startswith("SHA256:")]
    assert driver.delete_key_pair(nameless) is True
    assert lines(sandbox) == [line for line in keys if line != TWO]


def test_one_key_under_two_names_is_deleted_under_one(
    driver: Driver, sandbox: Sandbox, keys: list[str]
) -> None:
    driver.delete_key_pair(driver.get_key_pair("desk"))
    assert lines(sandbox) == [line for line in keys if not line.endswith("desk")]


def test_importing_names_the_key_and_keeps_its_options(driver: Driver, sandbox: Sandbox) -> None:
    pair = driver.import_key_pair_from_string("mine", f"  {RESTRICTED}\n")
    expected = RESTRICTED.replace("robot", "mine")
    assert (pair.name, pair.public_key) == ("mine", expected)
    assert lines(sandbox)[-1] == expected


def test_an_account_without_any_key_gets_its_first_one(driver: Driver, sandbox: Sandbox) -> None:
    put(sandbox)
    assert driver.list_key_pairs() == []
    driver.import_key_pair_from_string("first", ONE)
    assert lines(sandbox) == [f"{ONE} first"]


def test_a_profile_that_lacks_the_parameter_gets_it(driver: Driver, sandbox: Sandbox) -> None:
    profile = (
        '<user name="alice" email="a@example.org" firstName="A" lastName="B" roles="">'
        '<parameters><entry><parameter name="General.Timeout"/></entry></parameters></user>'
    )
    sandbox.faults.add(
        "GET", "/user/alice", times=2, body=profile, headers={"Content-Type": "application/xml"}
    )
    driver.import_key_pair_from_string("first", ONE)
    assert lines(sandbox) == [f"{ONE} first"]


def at_requests(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, act: Callable[[int, str], object]
) -> None:
    """Let something happen after each request for the profile, counted from 1."""
    add, seen = sandbox.journal.add, []

    def added(entry: object) -> None:
        add(entry)  # type: ignore[arg-type]
        if entry.path == "/user/alice":  # type: ignore[attr-defined]
            seen.append(entry)
            act(len(seen), entry.method)  # type: ignore[attr-defined]

    monkeypatch.setattr(sandbox.journal, "add", added)


def test_a_key_that_somebody_adds_at_the_same_time_is_not_lost(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(number: int, _: str) -> None:
        if number == 1:
            put(sandbox, *lines(sandbox), f"{TWO} theirs")

    at_requests(sandbox, monkeypatch, other)
    driver.import_key_pair_from_string("mine", ONE)
    assert lines(sandbox)[-2:] == [f"{TWO} theirs", f"{ONE} mine"]


def test_a_key_that_somebody_overwrites_at_the_same_time_is_written_again(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(sandbox, f"{TWO} theirs")

    def other(_: int, method: str) -> None:
        if method == "PUT" and len(sandbox.journal.entries("PUT")) == 1:
            put(sandbox, f"{TWO} theirs", f"{THREE} theirs too")

    at_requests(sandbox, monkeypatch, other)
    driver.import_key_pair_from_string("mine", ONE)
    assert lines(sandbox) == [f"{TWO} theirs", f"{THREE} theirs too", f"{ONE} mine"]


def test_a_profile_that_never_stands_still_is_left_alone_rather_than_overwritten(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_requests(sandbox, monkeypatch, lambda number, _: put(sandbox, f"{TWO} theirs-{number}"))
    with pytest.raises(KeyPairConflict, match="somebody else is changing the SSH keys"):
        driver.import_key_pair_from_string("mine", ONE)
    assert changes(sandbox) == []


def test_threads_of_one_driver_lose_no_key(driver: Driver, sandbox: Sandbox) -> None:
    before = lines(sandbox)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: driver.import_key_pair_from_string(f"key-{n}", ONE), range(6)))
    assert sorted(lines(sandbox)[len(before) :]) == [f"{ONE} key-{n}" for n in range(6)]
    assert lines(sandbox)[: len(before)] == before


def test_a_write_whose_answer_was_lost_is_not_sent_again(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add("PUT", "/user/alice", cut="after", times=None)
    with pytest.raises(Exception, match="no complete response"):
        driver.import_key_pair_from_string("mine", ONE)
    assert changes(sandbox) == [("PUT", "/user/alice")]


def test_a_key_that_the_server_refuses_is_an_error_with_its_reason(
    driver: Driver, sandbox: Sandbox
) -> None:
    before = lines(sandbox)
    with pytest.raises(RequestFailed, match="single quote") as caught:
        driver.import_key_pair_from_string("Alice's", ONE)
    assert caught.value.http_code == 409
    assert lines(sandbox) == before


def test_a_line_that_is_no_key_is_warned_of_without_being_shown(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    put(sandbox, "rubbish with a secret", f"{ONE} laptop")
    assert [pair.name for pair in driver.list_key_pairs()] == ["laptop"]
    assert "a line of the profile is called an SSH key and is none" in caplog.text
    assert "rubbish" not in caplog.text


def test_a_key_with_a_comment_of_several_words_is_named_by_all_of_them(
    driver: Driver, sandbox: Sandbox
) -> None:
    put(sandbox, f"{ONE} Alice at home")
    assert driver.get_key_pair("Alice at home").public_key == f"{ONE} Alice at home"
