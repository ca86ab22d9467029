"""What is logged of requests, and what libcloud's debug file holds."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libcloud
import pytest
from libcloud.utils.loggingconnection import LoggingConnection

from slipstream.libcloud.errors import DriverError
from slipstream.redaction import Redactor
from slipstream.sandbox import Sandbox
from slipstream.transport import calls
from slipstream.transport.calls import NO_CALL
from slipstream.transport.request_log import Exchange

from .support import Driver, Login, Seen, command_of, deploy

LABEL = re.compile(r"\[([0-9a-f]{8}) (\w+)\]")
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)


@pytest.fixture
def seen(seen: Seen, driver: Driver) -> Seen:
    """What is logged after the login."""
    seen.caplog.clear()
    return seen


def labels(seen: Seen) -> set[tuple[str, str]]:
    """The calls that the lines of all blocks belong to."""
    matches = [LABEL.match(line) for block in seen.blocks() for line in block.split("\n")]
    assert all(matches)
    return {(match[1], match[2]) for match in matches if match}


def in_threads(call: Any, number: int) -> None:
    threads = [threading.Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_log_of_a_login(login: Login, sandbox: Sandbox, seen: Seen) -> None:
    login()
    entry_point, session = seen.blocks()
    assert f"{sandbox.url}/api/cloud-entry-point" in entry_point
    assert "HTTP 200 after " in entry_point
    assert "-X POST" in session
    assert '"password": "***"' in session
    assert "HTTP 201 after " in session
    assert re.search(r"Set-Cookie: com\.[a-z.]+=\*\*\*; ", session)


def test_log_has_the_call_in_each_line_and_record(endpoint: Any, driver: Any, seen: Seen) -> None:
    driver.list_locations()
    driver.list_nodes()
    calls = labels(seen)
    assert sorted(operation for _, operation in calls) == ["list_locations", "list_nodes"]
    assert len({call for call, _ in calls}) == 2
    for record in [r for r in seen.caplog.records if r.name.startswith("slipstream")]:
        label = f"[{vars(record)['call_id']} {vars(record)['operation']}]"
        assert label in record.getMessage()
    seen.caplog.clear()
    deploy(endpoint, driver)
    assert sum(" create_node]" in block for block in seen.blocks()) > 1
    assert len([call for call, operation in labels(seen) if operation == "create_node"]) == 1
    seen.caplog.clear()
    with pytest.raises(DriverError) as caught:
        driver.get_image("apps/no-such-thing")
    assert {call for call, _ in labels(seen)} == {caught.value.call_id}


@on_slipstream
def test_log_outside_of_a_call_and_of_several_threads(driver: Driver, seen: Seen) -> None:
    driver._session.log_in()
    assert all(line.startswith("[-]") for block in seen.blocks() for line in block.split("\n"))
    record = vars(seen.caplog.records[-1])
    assert (record["call_id"], record["operation"]) == ("-", "-")
    seen.caplog.clear()
    in_threads(driver.list_key_pairs, 4)
    assert len({call for call, _ in labels(seen)}) == 4
    assert calls.current().id == NO_CALL


def test_log_has_every_attempt(driver: Driver, sandbox: Sandbox, seen: Seen) -> None:
    for fault in ({"cut": "before"}, {"status": 503}, {"cut": "body"}):
        sandbox.faults.add(**fault)
    driver.list_key_pairs()
    first, second, third, fourth, *_ = seen.blocks()
    for block in (first, third):
        assert "no complete response came back" in block
    assert "failed after " in first
    assert "HTTP 503 after " in second
    assert "Service Temporarily Unavailable" in second
    assert "HTTP 200 after" in third
    assert "Content-Type: " in third
    assert "HTTP 200 after " in fourth
    assert len({block.split("\n")[0] for block in (first, second, third, fourth)}) == 1


@on_slipstream
def test_log_of_failures(driver: Driver, sandbox: Sandbox, seen: Seen) -> None:
    target = "https://joe:Qz7canary@x.example.org/?token=Qz7canary"
    sandbox.faults.add(status=302, headers={"Location": target})
    with pytest.raises(DriverError) as caught:
        driver.list_key_pairs()
    assert "Location: https://***@x.example.org/?token=***" in seen.blocks()[0]
    seen.note(caught.value)
    assert seen.leaks("Qz7canary") == []
    sandbox.stop()
    seen.caplog.clear()
    with pytest.raises(DriverError):
        driver.list_key_pairs()
    assert len(seen.blocks()) == 4
    for block in seen.blocks():
        assert "-H 'Cookie: " in block
        assert "failed after " in block
        assert f"Cannot connect to {sandbox.url}" in block


@on_slipstream
def test_log_without_listeners_formats_nothing(login: Any, monkeypatch: Any, caplog: Any) -> None:
    def forbidden(*_: Any, **__: Any) -> str:
        pytest.fail("something was formatted")

    caplog.set_level(logging.INFO)
    for name in ("text", "header", "body", "url"):
        monkeypatch.setattr(Redactor, name, forbidden)
    monkeypatch.setattr(Exchange, "text", forbidden)
    driver = login()
    assert driver.list_locations()
    caplog.set_level(logging.DEBUG)
    with pytest.raises(pytest.fail.Exception, match="formatted"):
        driver.list_locations()


PROGRAM = """
import sys
import slipstream.libcloud.compute_driver
from libcloud.compute.providers import get_driver

driver = get_driver("slipstream")(sys.argv[2], sys.argv[3], ex_endpoint=sys.argv[1])
driver.list_key_pairs()
driver.list_locations()
"""


def blocks(text: str) -> list[str]:
    return text.strip().split("\n\n")


@on_slipstream
def test_debug_file_of_libclouds_environment_variable(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "debug.log"
    file.write_text("before\n")
    debug = {"LIBCLOUD_DEBUG": str(file), "LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sandbox.url, sandbox.username, sandbox.password],
        env={"PATH": os.environ["PATH"], **debug},
        capture_output=True,
        text=True,
        check=True,
    )
    text = file.read_text("utf-8")
    assert text.startswith("before\n")
    assert sandbox.password not in text + done.stdout + done.stderr
    assert "curl" not in done.stdout + done.stderr
    assert f"{sandbox.url}/api/cloud-entry-point" in text
    operations = {block.split("]")[0].split()[-1] for block in blocks(text)}
    assert {"list_key_pairs", "list_locations"} < operations
    assert '__]   "id": "cloud-entry-point",' in text


@pytest.fixture
def enabled(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """A file that libcloud.enable_debug() was called with."""
    monkeypatch.setattr("atexit.register", lambda *_: None)
    file = io.StringIO()
    libcloud.enable_debug(file)
    yield file
    libcloud.reset_debug()


@on_slipstream
def test_debug_file_can_be_set_at_any_time(
    driver: Driver, login: Login, sandbox: Sandbox, enabled: io.StringIO, caplog: Any
) -> None:
    caplog.set_level(logging.ERROR, "slipstream")  # which the file does not need
    driver.list_key_pairs()
    login().list_locations()
    assert all(command_of(block)[:2] == ["curl", "-i"] for block in blocks(enabled.getvalue()))
    assert '__]   "id"' not in enabled.getvalue()  # it is indented if libcloud is to do so
    libcloud.reset_debug()
    driver.list_nodes()
    assert "list_key_pairs]" in enabled.getvalue()
    assert "list_nodes]" not in enabled.getvalue()
    # libcloud's own connections write in another form, with secrets.
    assert "begin" not in enabled.getvalue()
    assert sandbox.password not in enabled.getvalue()


class Slow(io.StringIO):
    """A file that another thread can get in between of."""

    def write(self, text: str) -> int:
        return sum(super(Slow, self).write(character) for character in text)


@on_slipstream
def test_debug_file_of_several_threads_has_the_blocks_of_the_log(
    driver: Driver, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Slow()
    monkeypatch.setattr(LoggingConnection, "log", file)
    in_threads(driver.list_key_pairs, 8)
    assert len(seen.blocks()) >= 8
    assert sorted(blocks(file.getvalue())) == sorted(seen.blocks())
    for block in seen.blocks():
        assert len({line.split("]")[0] for line in block.split("\n")}) == 1
        assert command_of(block)[0] == "curl"


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    file = io.StringIO()
    file.close()
    return file


@on_slipstream
@pytest.mark.parametrize(
    "file",
    [Broken(), closed(), io.BytesIO(), None],
    ids=["full", "shut", "bytes", "no text"],
)
def test_log_that_cannot_be_written_does_not_stop_the_call(
    driver: Driver, seen: Seen, monkeypatch: pytest.MonkeyPatch, file: Any
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise RuntimeError("Qz7canary")

    monkeypatch.setattr(LoggingConnection, "log", file)
    if file is None:
        monkeypatch.setattr(Exchange, "text", fail)
    assert driver.list_key_pairs()
    messages = [r.getMessage() for r in seen.caplog.records if r.levelno == logging.WARNING]
    assert any("an exchange cannot be shown: " in message for message in messages)
    assert "Qz7canary" not in seen.everything()
