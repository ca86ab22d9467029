"""When waiting asks, and when it stops asking."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from fake_time import FakeTime
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    DriverError,
    MalformedAnswer,
    RateLimitReached,
    ServiceUnavailable,
)
from slipstream.session.polling import GROWTH, JITTER, poll
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.messages import Request
from slipstream.values.endpoint import Endpoint


class Clock(FakeTime):
    """A clock that moves by sleeping alone, and by what questions take."""

    def monotonic(self) -> float:
        return self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("slipstream.transport.clock.time", clock)
    return clock


def asking(
    *given: Exception | str, period: float = 10, timeout: float = 600, last: str = "there"
) -> Iterator[str]:
    """The answers to questions whose outcomes are given; the last one is repeated."""
    left = iter(given)

    def ask() -> str:
        outcome = next(left, last)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return poll(ask, what="the weather", period=period, timeout=timeout)


def test_pauses_grow_from_a_second_to_the_longest(clock: Clock) -> None:
    list(asking(period=10, timeout=300))
    first, *rest = clock.slept[:-1]
    assert 1 - JITTER <= first <= 1
    expected = 1.0
    for pause in rest:
        expected = min(expected * GROWTH, 10)
        assert expected * (1 - JITTER) <= pause <= expected
    assert expected == 10


def test_pauses_are_not_the_same_for_all_who_wait(clock: Clock) -> None:
    for _ in range(2):
        list(asking(timeout=100))
    pauses = clock.slept[:-1]
    assert len(set(pauses)) > len(pauses) - 2


@given(period=st.floats(0.01, 100), timeout=st.floats(0, 500))
def test_nobody_sleeps_past_the_end_and_the_last_question_is_asked_then(
    period: float, timeout: float
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr("slipstream.transport.clock.time", clock)
        asked = [clock.ahead for _ in asking(period=period, timeout=timeout)]
    assert asked[0] == 0
    assert asked[-1] == pytest.approx(timeout)
    assert max(clock.slept, default=0) <= period
    assert len(asked) == len(clock.slept) + 1


def test_a_question_that_takes_long_is_the_last_one(clock: Clock) -> None:
    def ask() -> str:
        clock.ahead += 400
        return "there"

    assert len(list(poll(ask, what="it", period=10, timeout=600))) == 2
    assert clock.ahead < 820


@pytest.mark.parametrize(
    "fault", [AnswerLost, CannotConnect, ServiceUnavailable, RateLimitReached]
)
def test_three_faults_in_a_row_are_survived_and_no_fourth(
    clock: Clock, fault: type[DriverError]
) -> None:
    faults = [fault("away")] * 3
    told = asking("rain", *faults, "sun", *faults, "snow", *faults, fault("gone"))
    assert [next(told) for _ in range(3)] == ["rain", "sun", "snow"]
    with pytest.raises(fault, match="gone"):
        next(told)


def test_what_is_no_passing_fault_is_raised_at_once(clock: Clock) -> None:
    with pytest.raises(MalformedAnswer):
        next(asking(MalformedAnswer("what?")))
    assert clock.slept == []


def test_a_server_that_says_when_to_come_back_is_taken_at_its_word(clock: Clock) -> None:
    busy = [RateLimitReached("busy", retry_after=45), ServiceUnavailable("busy", retry_after=2.5)]
    told = asking(*busy * 3, period=1)
    assert next(told) == "there"
    assert clock.slept == [45, 2.5] * 3


def test_a_server_that_bids_nobody_to_wait_is_asked_after_the_usual_pause(clock: Clock) -> None:
    next(asking(RateLimitReached("busy", retry_after=0)))
    [pause] = clock.slept
    assert 0.8 <= pause <= 1


def test_what_comes_back_too_late_is_not_waited_for(clock: Clock) -> None:
    told = asking("rain", RateLimitReached("busy", retry_after=700))
    assert next(told) == "rain"
    with pytest.raises(RateLimitReached):
        next(told)
    assert clock.ahead < 2


def test_a_fault_is_told_when_there_is_nothing_else_to_tell(clock: Clock) -> None:
    with pytest.raises(AnswerLost):
        next(asking(AnswerLost("away"), timeout=0))
    told = asking("rain", *[AnswerLost("away")] * 3, timeout=2, period=2)
    assert list(told) == ["rain"]


@contextmanager
def hanging() -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that takes every connection and never says a word."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        ended = threading.Event()

        def take() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    taken.append(server.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1], taken
        finally:
            ended.set()
            thread.join()
            for one in taken:
                one.close()


def test_a_request_is_not_sent_again_once_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slipstream.session.polling.LAST_POLL", 0.1)
    settings = TransportSettings(read_timeout=0.3, retry_delay=0.01)
    with hanging() as (port, taken):
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{port}"), settings)

        def ask() -> str:
            return transport.send(Request(method="GET", path="/", repeatable=True)).text

        started = time.monotonic()
        with pytest.raises(AnswerLost):
            next(poll(ask, what="it", period=10, timeout=0.2))
        assert time.monotonic() - started < 0.6
        assert len(taken) == 1
        transport.close()


def test_a_request_is_sent_again_while_there_is_time(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.session.polling.LAST_POLL", 0.5)
    settings = TransportSettings(read_timeout=0.05, retry_delay=0.01)
    with hanging() as (port, taken):
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{port}"), settings)

        def ask() -> str:
            return transport.send(Request(method="GET", path="/", repeatable=True)).text

        with pytest.raises(AnswerLost):
            next(poll(ask, what="it", period=10, timeout=0))
        assert len(taken) == settings.attempts
        transport.close()
