from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipstream.sandbox import Clock

START = datetime(2017, 10, 13, 17, 0, tzinfo=UTC)


def test_clock_runs_at_its_speed_and_does_not_jump_when_that_changes() -> None:
    ticks = [1000.0]
    clock = Clock(speed=60, start=START, ticks=lambda: ticks[-1])
    ticks.append(1002)
    assert clock.now() == START + timedelta(minutes=2)
    for speed in (0, 2, 0.5):
        clock.speed = speed
        ticks.append(ticks[-1] + 2)
    assert clock.now() == START + timedelta(seconds=120 + 0 + 4 + 1)


def test_clock_of_speed_zero_moves_only_by_hand_and_not_backwards() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    clock = Clock(speed=0, start=START, ticks=iter(range(1000)).__next__)
    assert repr(clock) == "Clock(speed=0, now=2017-10-13T17:00:00+00:00)"
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)
    with pytest.raises(ValueError, match="from 0"):
        clock.advance(-1)


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan")])
def test_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be"):
        Clock(speed)
    with pytest.raises(ValueError, match="speed must be"):
        Clock().speed = speed
