"""When polls are made, and when polling ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fake_time import FakeTime
from hypothesis import given
from hypothesis import strategies as st
from servers import listening

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    MalformedAnswer,
    NodeFailed,
    RateLimitReached,
    ServiceUnavailable,
)
from slipstream.libcloud.waiting import GRACE, RunningWait
from slipstream.session.polling import GROWTH, JITTER, poll
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.messages import Request
from slipstream.values import Deployment, Phase
from slipstream.values.endpoint import Endpoint


class Clock(FakeTime):
    """A clock that moves by sleeping alone, and by what responses take."""

    def monotonic(self) -> float:
        return self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("slipstream.transport.calls.time", clock)
    return clock


def polling(*outcomes: Exception | str, period: float = 10, timeout: float = 600) -> Iterator[str]:
    """What polls give whose outcomes are these; afterwards all give the same."""
    left = iter(outcomes)

    def read() -> str:
        outcome = next(left, "there")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return poll(read, what="the weather", period=period, timeout=timeout)


def test_pauses_grow_from_a_second_to_the_period_and_vary(clock: Clock) -> None:
    list(polling(period=10, timeout=300))
    first, *rest = clock.slept[:-1]
    assert 1 - JITTER <= first <= 1
    expected = 1.0
    for pause in rest:
        expected = min(expected * GROWTH, 10)
        assert expected * (1 - JITTER) <= pause <= expected
    assert expected == 10
    assert len(set(rest)) > len(rest) - 2


@given(period=st.floats(0.01, 100), timeout=st.floats(0, 500))
def test_last_poll_is_made_when_the_time_is_over(period: float, timeout: float) -> None:
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr("slipstream.transport.calls.time", clock)
        polls = [clock.ahead for _ in polling(period=period, timeout=timeout)]
    assert polls[0] == 0
    assert polls[-1] == pytest.approx(timeout)
    assert max(clock.slept, default=0) <= period
    assert len(polls) == len(clock.slept) + 1


def test_poll_that_takes_long_is_the_last_one(clock: Clock) -> None:
    def read() -> str:
        clock.ahead += 400
        return "there"

    assert len(list(poll(read, what="it", period=10, timeout=600))) == 2
    assert clock.ahead < 820


PASSING = [AnswerLost, CannotConnect, ServiceUnavailable, RateLimitReached]


@pytest.mark.parametrize("fault", PASSING)
def test_three_faults_in_a_row_are_survived(clock: Clock, fault: Any) -> None:
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
    assert next(polling(*busy * 3, period=1)) == "there"
    assert clock.slept == [45, 2.5] * 3
    clock.slept.clear()
    next(polling(RateLimitReached("busy", retry_after=0)))  # means the usual pause
    assert 0.8 <= clock.slept[0] <= 1
    states = polling("rain", RateLimitReached("busy", retry_after=700))
    assert next(states) == "rain"
    with pytest.raises(RateLimitReached):  # beyond the timeout
        next(states)
    assert clock.ahead < 145


def test_fault_of_the_last_poll(clock: Clock) -> None:
    with pytest.raises(AnswerLost):
        next(polling(AnswerLost("away"), timeout=0))
    states = polling("rain", *[AnswerLost("away")] * 3, timeout=2, period=2)
    assert list(states) == ["rain"]


@pytest.mark.parametrize("is_late", [True, False])
def test_request_of_a_poll_is_repeated_before_the_deadline_alone(
    request: Any, monkeypatch: Any, is_late: bool
) -> None:
    if not is_late:
        request.getfixturevalue("clock")
    monkeypatch.setattr("slipstream.session.polling.LAST_POLL", 0.1 if is_late else 0.5)
    settings = TransportSettings(read_timeout=0.3 if is_late else 0.05, retry_delay=0.01)
    connections: list[socket.socket] = []

    def hang(connection: socket.socket) -> None:
        connections.append(connection)
        while connection.recv(65536):
            pass

    with listening(hang) as port:
        transport = Transport(Endpoint.parse(f"http://127.0.0.1:{port}"), settings)

        def read() -> str:
            return transport.send(Request(method="GET", path="/", repeatable=True)).text

        started = time.monotonic()
        with pytest.raises(AnswerLost):
            next(poll(read, what="it", period=10, timeout=0.2 if is_late else 0))
        assert not is_late or time.monotonic() - started < 0.6
        transport.close()
    assert len(connections) == (1 if is_late else settings.attempts)


READ: list[dict[str, Any]] = [{"parameters": {}}, {"addresses": ["10.0.0.7"]}]


@pytest.mark.parametrize("options", [{}, *READ])
def test_running_wait_ends_soon_once_addresses_were_read(clock: Clock, options: Any) -> None:
    filters: Any = {"interface": "public_ips", "only_ipv4": True}
    wait = RunningWait(names={"a": "blog"}, **filters, period=5, timeout=60)
    deployment = Deployment(id="a", state="Ready", phase=Phase.RUNNING, **options)
    but = r", but 10\.0\.0\.7" if "addresses" in options else ""
    with pytest.raises(
        NodeFailed, match=rf"blog \(a\) runs and has no public IPv4 address{but}\."
    ):
        wait.until(lambda: [deployment])
    assert len(clock.slept) == GRACE if options else 59 < clock.ahead < 61
