from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipstream.sandbox import Clock

START = datetime(2017, 10, 13, 17, 0, tzinfo=UTC)


class Ticks:
    def __init__(self) -> None:
        self.value = 1000.0

    def __call__(self) -> float:
        return self.value


def test_a_clock_runs_as_many_times_faster_as_it_is_told() -> None:
    ticks = Ticks()
    clock = Clock(speed=60, start=START, ticks=ticks)
    ticks.value += 2
    assert clock.now() == START + timedelta(minutes=2)


def test_a_clock_of_speed_zero_moves_only_by_hand() -> None:
    ticks = Ticks()
    clock = Clock(speed=0, start=START, ticks=ticks)
    ticks.value += 1000
    assert clock.now() == START
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)


def test_a_clock_does_not_jump_when_its_speed_changes() -> None:
    ticks = Ticks()
    clock = Clock(speed=60, start=START, ticks=ticks)
    for speed in (0, 2, 0.5):
        ticks.value += 2
        clock.speed = speed
    ticks.value += 2
    assert clock.now() == START + timedelta(seconds=120 + 0 + 4 + 1)
    with pytest.raises(ValueError, match="speed is -1"):
        clock.speed = -1


def test_a_clock_starts_at_the_present() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_clock_does_not_go_backwards() -> None:
    with pytest.raises(ValueError, match="from 0"):
        Clock().advance(-1)


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed is"):
        Clock(speed)


def test_a_clock_shows_its_speed_and_its_moment() -> None:
    assert repr(Clock(speed=0, start=START)) == "Clock(speed=0, now=2017-10-13T17:00:00+00:00)"
