"""After the first 429 all threads keep to the rate that the server bears."""

from __future__ import annotations

import heapq
from collections import Counter

import pytest
from fake_time import FakeTime

from slipstream.transport.calls import FIRST_RATE, Pacer, named_rate


class Clock(FakeTime):
    """A clock that moves by sleeping alone."""

    def monotonic(self) -> float:
        return self.ahead


class Bucket:
    """A server's limit: so many requests a second, and so many more at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self._excess, self._last = 0.0, 0.0

    def accepts(self, now: float) -> bool:
        self._excess = max(0.0, self._excess - (now - self._last) * self.rate)
        self._last = now
        if self._excess + 1 > self.burst:
            return False
        self._excess += 1
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("slipstream.transport.calls.time", clock)
    return clock


def play(clock: Clock, bucket: Bucket, requests: int, threads: int) -> tuple[Counter[int], float]:
    """
    Let threads send requests that each take 50 ms.

    :returns: How many requests needed how many attempts, and the seconds that all took.
    """
    pacer, attempts = Pacer(), Counter[int]()
    left = requests
    queue = [(pacer.delay(), number, 1) for number in range(threads)]
    heapq.heapify(queue)
    while queue:
        clock.ahead, thread, attempt = heapq.heappop(queue)
        sent = clock.ahead
        accepted = bucket.accepts(sent)
        clock.ahead += 0.05
        if accepted:
            attempts[attempt] += 1
            left -= 1
            if left >= threads:
                heapq.heappush(queue, (clock.ahead + pacer.delay(), thread, 1))
            elif left < 0:
                break
        else:
            pacer.slow_down({}, sent=sent, pause=0)
            heapq.heappush(queue, (clock.ahead + pacer.delay(0.25), thread, attempt + 1))
    return attempts, clock.ahead


@pytest.mark.parametrize("rate", [5, 20, 100])
def test_600_requests_of_32_threads_pass_a_limit_within_four_attempts(
    clock: Clock, rate: float
) -> None:
    attempts, seconds = play(clock, Bucket(rate, burst=200), requests=600, threads=32)
    assert sum(attempts.values()) >= 600 - 32
    assert max(attempts) <= 4
    assert seconds < 600 / min(rate, FIRST_RATE) + 60


def test_nothing_waits_before_the_first_429(clock: Clock) -> None:
    pacer = Pacer()
    assert [pacer.delay() for _ in range(1000)] == [0] * 1000
    assert pacer.delay(0.5) == 0.5


def test_slots_after_429s(clock: Clock) -> None:
    pacer = Pacer()
    for _ in range(32):  # which were all in flight
        pacer.slow_down({}, sent=0, pause=0)
    assert [pacer.delay() for _ in range(3)] == pytest.approx([0, 0.1, 0.2])
    clock.ahead = 90.0  # in which the rate has grown
    assert [pacer.delay() for _ in range(3)] == pytest.approx([0, 0.01, 0.02])
    for _ in range(32):
        pacer.slow_down({}, sent=89.9, pause=7)
    assert [pacer.delay() for _ in range(2)] == pytest.approx([7, 7 + 2 / (FIRST_RATE + 90)])


def test_rate_that_the_server_names_is_kept(clock: Clock) -> None:
    pacer = Pacer()
    for _ in range(3):
        pacer.slow_down({"RateLimit-Policy": "120;w=60"}, sent=clock.ahead, pause=0)
        clock.ahead += 100
    assert [pacer.delay() for _ in range(3)] == pytest.approx([0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"RateLimit-Policy": "20;w=1"}, 20),
        ({"RateLimit-Policy": '"burst";q=100;w=60,"daily";q=1000;w=86400'}, 100 / 60),
        ({"RateLimit-Limit": "10, 10;w=1;burst=1000"}, 10),
        ({"X-RateLimit-Limit": "100;w=50"}, 2),
        ({"X-RateLimit-Limit": "100"}, None),
        ({"RateLimit-Policy": "0;w=0"}, None),
        ({"RateLimit-Policy": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_rates_are_read_from_headers(headers: dict[str, str], rate: float | None) -> None:
    assert named_rate(headers) == rate
