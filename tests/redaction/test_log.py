from __future__ import annotations

import logging
import re
import threading
from typing import Any

import pytest

from slipstream.libcloud.errors import DriverError, MalformedAnswer
from slipstream.redaction import Redactor
from slipstream.sandbox import Sandbox
from slipstream.transport import call_context
from slipstream.transport.request_log import Exchange

from .support import Driver, Login, Seen, deploy

LABEL = re.compile(r"\[([0-9a-f]{8}) (\w+)\]")


def labels(seen: Seen) -> set[tuple[str, str]]:
    """Which calls the lines of all blocks belong to."""
    found = set()
    for block in seen.blocks():
        for line in block.split("\n"):
            label = LABEL.match(line)
            assert label, line
            found.add((label[1], label[2]))
    return found


def test_logging_in_shows_as_two_commands_and_their_answers(
    login: Login, sandbox: Sandbox, seen: Seen
) -> None:
    login(sandbox.username, sandbox.password)
    entry_point, session = seen.blocks()
    assert f"{sandbox.url}/api/cloud-entry-point" in entry_point
    assert "HTTP 200 after 0." in entry_point
    assert "-X POST" in session
    assert '"password": "***"' in session
    assert "HTTP 201 after 0." in session
    assert re.search(r"Set-Cookie: com\.[a-z.]+=\*\*\*; ", session)


def test_each_line_says_which_call_of_the_user_it_belongs_to(driver: Driver, seen: Seen) -> None:
    seen.caplog.clear()
    driver.list_locations()
    driver.list_nodes()
    found = labels(seen)
    assert sorted(operation for _, operation in found) == ["list_locations", "list_nodes"]
    assert len({call for call, _ in found}) == 2


def test_the_requests_of_one_call_are_tied_together(driver: Driver, seen: Seen) -> None:
    seen.caplog.clear()
    deploy(driver)
    creating = [block for block in seen.blocks() if " create_node]" in block]
    assert len(creating) > 1
    assert len({LABEL.match(block)[1] for block in creating if LABEL.match(block)}) == 1  # type: ignore[index]


def test_a_record_carries_the_call_as_attributes(driver: Driver, seen: Seen) -> None:
    seen.caplog.clear()
    driver.list_key_pairs()
    records = [r for r in seen.caplog.records if r.name.startswith("slipstream")]
    assert records
    for record in records:
        assert vars(record)["operation"] == "list_key_pairs"
        assert f"[{vars(record)['call_id']} list_key_pairs]" in record.getMessage()


def test_an_exception_has_the_id_that_its_lines_have(driver: Driver, seen: Seen) -> None:
    seen.caplog.clear()
    with pytest.raises(DriverError) as caught:
        driver.get_image("apps/no-such-thing")
    assert {call for call, _ in labels(seen)} == {caught.value.call_id}


def test_every_attempt_shows(driver: Driver, sandbox: Sandbox, seen: Seen) -> None:
    seen.caplog.clear()
    sandbox.faults.add(cut="before")
    sandbox.faults.add(status=503)
    driver.list_key_pairs()
    first, second, third, *_ = seen.blocks()
    assert "failed after 0." in first
    assert "no complete response came back" in first
    assert "HTTP 503 after 0." in second
    assert "Service Temporarily Unavailable" in second
    assert "HTTP 200 after 0." in third
    assert first.split("\n")[0] == second.split("\n")[0] == third.split("\n")[0]


def test_a_connection_that_cannot_be_made_shows(
    sandbox: Sandbox, driver: Driver, seen: Seen
) -> None:
    sandbox.stop()
    seen.caplog.clear()
    with pytest.raises(DriverError):
        driver.list_key_pairs()
    assert len(seen.blocks()) == 4
    for block in seen.blocks():
        assert "-H 'Cookie: " in block
        assert "failed after 0.0" in block
        assert f"Cannot connect to {sandbox.url}" in block


def test_an_answer_that_broke_off_shows_how_it_began(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    seen.caplog.clear()
    sandbox.faults.add(cut="body")
    driver.list_key_pairs()
    block = seen.blocks()[0]
    assert "HTTP 200 after" in block
    assert "Content-Type: " in block
    assert "no complete response came back" in block


def test_a_redirection_shows_where_it_leads(driver: Driver, sandbox: Sandbox, seen: Seen) -> None:
    seen.caplog.clear()
    sandbox.faults.add(status=302, headers={"Location": "https://x.example.org/?token=Qz7canary"})
    with pytest.raises(DriverError):
        driver.list_key_pairs()
    assert "Location: https://x.example.org/?token=***" in seen.blocks()[0]


def test_a_redirection_shows_no_secret_in_the_error(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    target = "https://joe:Qz7canary@x.example.org/?token=Qz7canary"
    sandbox.faults.add(status=302, headers={"Location": target})
    with pytest.raises(DriverError) as caught:
        driver.list_key_pairs()
    seen.note(caught.value)
    assert seen.leaks("Qz7canary") == []


def test_lines_outside_of_a_call_say_so(driver: Driver, seen: Seen) -> None:
    seen.caplog.clear()
    driver._session.log_in()
    assert all(line.startswith("[-]") for block in seen.blocks() for line in block.split("\n"))
    record = seen.caplog.records[-1]
    assert (vars(record)["call_id"], vars(record)["operation"]) == ("-", "-")


def forbidden(*_: Any, **__: Any) -> str:
    pytest.fail("something was formatted")


def test_nothing_is_formatted_when_nobody_listens(
    login: Login, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("text", "header", "body", "url"):
        monkeypatch.setattr(Redactor, name, forbidden)
    monkeypatch.setattr(Exchange, "text", forbidden)
    driver = login(sandbox.username, sandbox.password)
    assert driver.list_locations()
    caplog.set_level(logging.DEBUG)
    with pytest.raises(MalformedAnswer) as caught:
        driver.list_locations()
    assert "formatted" in str(caught.value.__cause__)


def test_what_cannot_be_shown_does_not_change_what_is_done(
    driver: Driver, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any, **__: Any) -> str:
        raise RuntimeError("Qz7canary")

    monkeypatch.setattr(Exchange, "text", breaks)
    assert driver.list_locations()
    assert "an exchange cannot be shown: RuntimeError" in seen.everything()
    assert seen.leaks("Qz7canary") == []


def test_threads_have_calls_of_their_own(driver: Driver, seen: Seen) -> None:
    seen.caplog.clear()
    threads = [threading.Thread(target=driver.list_key_pairs) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({call for call, _ in labels(seen)}) == 4
    assert call_context.current() is None
