from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import libcloud
import pytest
from libcloud.utils.loggingconnection import LoggingConnection

from slipstream.sandbox import Sandbox

from .support import Driver, Login, Seen, command_of

PROGRAM = """
import sys
import slipstream.libcloud.compute_driver
from libcloud.compute.providers import get_driver

driver = get_driver("slipstream")(sys.argv[2], sys.argv[3], ex_endpoint=sys.argv[1])
driver.list_key_pairs()
driver.list_locations()
"""


def run(sandbox: Sandbox, folder: Path, **environ: str) -> tuple[str, str]:
    """A program that knows nothing of debugging: its debug file, and what it wrote elsewhere."""
    file = folder / "debug.log"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sandbox.url, sandbox.username, sandbox.password],
        env={"PATH": os.environ["PATH"], "LIBCLOUD_DEBUG": str(file), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return file.read_text("utf-8"), done.stdout + done.stderr


def blocks(text: str) -> list[str]:
    return text.strip().split("\n\n")


def test_the_environment_variable_of_libcloud_fills_a_file(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    text, elsewhere = run(sandbox, tmp_path)
    assert f"{sandbox.url}/api/cloud-entry-point" in text
    operations = {block.split("]")[0].split()[-1] for block in blocks(text)}
    assert {"list_key_pairs", "list_locations"} < operations
    assert all(command_of(block)[:2] == ["curl", "-i"] for block in blocks(text))
    assert sandbox.password not in text + elsewhere
    assert "curl" not in elsewhere


def test_the_file_is_added_to(sandbox: Sandbox, tmp_path: Path) -> None:
    first, _ = run(sandbox, tmp_path)
    second, _ = run(sandbox, tmp_path)
    assert second.startswith(first)
    assert len(second) > len(first)


def test_answers_are_indented_when_libcloud_is_told_so(sandbox: Sandbox, tmp_path: Path) -> None:
    text, _ = run(sandbox, tmp_path, LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE="1")
    assert '__] \x20 "id": "cloud-entry-point",'.replace("\\x20", " ") in text


def test_a_debug_file_can_be_given_at_any_time(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atexit.register", lambda *_: None)
    driver.list_locations()
    file = io.StringIO()
    try:
        libcloud.enable_debug(file)
        driver.list_key_pairs()
    finally:
        libcloud.reset_debug()
    driver.list_locations()
    assert "list_key_pairs]" in file.getvalue()
    assert "list_locations]" not in file.getvalue()


def test_the_file_holds_what_the_log_holds(driver: Driver, seen: Seen) -> None:
    driver.list_key_pairs()
    logged = [block for block in seen.blocks() if " list_key_pairs]" in block]
    assert logged
    assert "\n\n".join(logged) + "\n\n" in seen.file.getvalue()


def test_the_file_does_not_need_the_log(driver: Driver, debug_file: io.StringIO) -> None:
    logging.getLogger("slipstream").setLevel(logging.ERROR)
    try:
        driver.list_key_pairs()
    finally:
        logging.getLogger("slipstream").setLevel(logging.NOTSET)
    assert "curl -i " in debug_file.getvalue()


class Slow(io.StringIO):
    """A file that another thread can get in between of."""

    def write(self, text: str) -> int:
        return sum(super(Slow, self).write(character) for character in text)


def test_threads_write_whole_blocks(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Slow()
    monkeypatch.setattr(LoggingConnection, "log", file)
    threads = [threading.Thread(target=driver.list_key_pairs) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = blocks(file.getvalue())
    assert len(found) >= 8
    for block in found:
        assert len({line.split("]")[0] for line in block.split("\n")}) == 1
        assert command_of(block)[0] == "curl"


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    file = io.StringIO()
    file.close()
    return file


@pytest.mark.parametrize("file", [Broken(), closed(), io.BytesIO()], ids=["full", "shut", "bytes"])
def test_a_file_that_cannot_be_written_is_told_and_does_not_stop_the_call(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, file: Any
) -> None:
    monkeypatch.setattr(LoggingConnection, "log", file)
    assert driver.list_key_pairs()
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert any("cannot be written" in text or "cannot be shown" in text for text in warnings)


def test_the_driver_works_while_libcloud_debugs_its_own_connections(
    login: Login, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atexit.register", lambda *_: None)
    file = io.StringIO()
    try:
        libcloud.enable_debug(file)
        login(sandbox.username, sandbox.password).list_locations()
    finally:
        libcloud.reset_debug()
    assert "begin" not in file.getvalue()
    assert sandbox.password not in file.getvalue()
