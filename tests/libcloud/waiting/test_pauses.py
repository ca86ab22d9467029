"""When polls are made, and when polling ends."""

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


def polling(
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


def test_pauses_grow_from_a_second_to_the_period(clock: Clock) -> None:
    list(polling(period=10, timeout=300))
    first, *rest = clock.slept[:-1]
    assert 1 - JITTER <= first <= 1
    expected = 1.0
    for pause in rest:
        expected = min(expected * GROWTH, 10)
        assert expected * (1 - JITTER) <= pause <= expected
    assert expected == 10


def test_pauses_vary(clock: Clock) -> None:
    for _ in range(2):
        list(polling(timeout=100))
    pauses = clock.slept[:-1]
    assert len(set(pauses)) > len(pauses) - 2


@given(period=st.floats(0.01, 100), timeout=st.floats(0, 500))
def test_last_poll_is_made_when_the_time_is_over(period: float, timeout: float) -> None:
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr("slipstream.transport.clock.time", clock)
        polls = [clock.ahead for _ in polling(period=period, timeout=timeout)]
    assert polls[0] == 0
    assert polls[-1] == pytest.approx(timeout)
    assert max(clock.slept, default=0) <= period
    assert len(polls) == len(clock.slept) + 1


def test_poll_that_takes_long_is_the_last_one(clock: Clock) -> None:
    def ask() -> str:
        clock.ahead += 400
        return "there"

    assert len(list(poll(ask, what="it", period=10, timeout=600))) == 2
    assert clock.ahead < 820


@pytest.mark.parametrize(
    "fault", [AnswerLost, CannotConnect, ServiceUnavailable, RateLimitReached]
)
def test_three_faults_in_a_row_are_survived(clock: Clock, fault: type[DriverError]) -> None:
    faults = [fault("away")] * 3
    states = polling("rain", *faults, "sun", *faults, "snow", *faults, fault("gone"))
    assert [next(states) for _ in range(3)] == ["rain", "sun", "snow"]
    with pytest.raises(fault, match="gone"):
        next(states)


def test_lasting_fault_is_raised_at_once(clock: Clock) -> None:
    with pytest.raises(MalformedAnswer):
        next(polling(MalformedAnswer("what?")))
    assert clock.slept == []


def test_retry_after_is_waited_for(clock: Clock) -> None:
    busy = [RateLimitReached("busy", retry_after=45), ServiceUnavailable("busy", retry_after=2.5)]
    states = polling(*busy * 3, period=1)
    assert next(states) == "there"
    assert clock.slept == [45, 2.5] * 3


def test_retry_after_0_means_the_usual_pause(clock: Clock) -> None:
    next(polling(RateLimitReached("busy", retry_after=0)))
    [pause] = clock.slept
    assert 0.8 <= pause <= 1


def test_retry_after_beyond_the_timeout_is_raised(clock: Clock) -> None:
    states = polling("rain", RateLimitReached("busy", retry_after=700))
    assert next(states) == "rain"
    with pytest.raises(RateLimitReached):
        next(states)
    assert clock.ahead < 2


def test_fault_of_the_last_poll(clock: Clock) -> None:
    with pytest.raises(AnswerLost):
        next(polling(AnswerLost("away"), timeout=0))
    states = polling("rain", *[AnswerLost("away")] * 3, timeout=2, period=2)
    assert list(states) == ["rain"]


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


def test_request_is_not_repeated_after_the_deadline(
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


def test_request_is_repeated_before_the_deadline(
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
