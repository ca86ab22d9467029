"""
Wait for deployments, asking as seldom as will do and giving up as soon as it is clear.

The time is measured by a clock that nobody sets. It bounds the pauses, and those before requests
that are sent again. A request that is under way when it is over is still waited for, as long as
its own timeouts allow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import attrs

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    DriverError,
    NodeFailed,
    RateLimitReached,
    ServiceUnavailable,
    WaitTimeout,
)
from slipstream.transport import clock
from slipstream.transport.deadlines import lasting
from slipstream.transport.logs import get_logger
from slipstream.values import DeploymentState, Phase

log = get_logger(__name__)

TOLERATED = 3
"""Passing faults in a row after which waiting ends."""

SHORTEST = 1.0
"""Seconds between the first two questions, unless they shall follow each other faster."""

GROWTH = 1.5
"""By how much each further pause is longer."""

SHAKEN = 0.2
"""The part of a pause that is left to chance, so that those who wait do not ask all at once."""

LENIENCE = 5.0
"""Seconds that the last question is given at least to be sent again after a fault."""

T = TypeVar("T")
Ask = Callable[[], DeploymentState]
Progress = Callable[[DeploymentState], object]


def answers(ask: Callable[[], T], *, what: str, period: float, timeout: float) -> Iterator[T]:
    """
    Ask again and again, until the time is over.

    The first question is asked at once, the last one when the time is over. A fault that may
    pass is survived three times in a row, and one that the server puts an end to
    (``Retry-After``) as often as there is time for it.

    :param ask: Asks.
    :param what: What is asked about, in words that go after "cannot ask for".
    :param period: The longest pause between two questions in seconds; the first ones are shorter.
    :param timeout: Seconds after which the last question is asked.
    :returns: The answers, as they come.
    :raises NoAnswer: If the faults do not pass, or no answer came at all.
    :raises RequestFailed: The same; or if the server suggests a retry after the time is over.
    """
    deadline = clock.monotonic() + timeout
    pauses = _pauses(period)
    faults, answered = 0, False
    while True:
        pause = next(pauses)
        try:
            with lasting(max(LENIENCE, deadline - clock.monotonic())):
                answer = ask()
        except (AnswerLost, CannotConnect, RateLimitReached, ServiceUnavailable) as error:
            told = float(error.headers["retry-after"]) if error.headers else None
            faults += told is None
            pause = max(pause, told or 0.0)
            if faults > TOLERATED or not _may_pass(told, deadline - clock.monotonic(), answered):
                raise
            log.warning("cannot ask for %s, will ask again: %s", what, error)
        else:
            faults, answered = 0, True
            yield answer
        left = deadline - clock.monotonic()
        if left <= 0:
            return
        clock.sleep(min(pause, left))


def _may_pass(told: float | None, left: float, answered: bool) -> bool:
    """Whether asking again makes sense; when the time is over, whether there is more to tell."""
    return (told or 0.0) <= left if left > 0 else answered


def _pauses(longest: float) -> Iterator[float]:
    grown = min(SHORTEST, longest)
    while True:
        yield grown * random.uniform(1 - SHAKEN, 1.0)  # noqa: S311 - jitter is no secret
        grown = min(grown * GROWTH, longest)


@attrs.frozen(kw_only=True)
class Wait:
    """
    What to wait for, and how long.

    :param what: The deployment, for messages.
    :param states: The states wanted.
    :param period: The longest pause between two questions in seconds.
    :param timeout: Seconds after which to give up; the first question is always asked.
    :param ignore_abort: Whether an aborted deployment may still reach the state.
    :param progress: Called with every answer.
    """

    what: str
    states: frozenset[str]
    period: float = 10.0
    timeout: float = 600.0
    ignore_abort: bool = False
    progress: Progress | None = None

    def until(self, ask: Ask) -> DeploymentState:
        """
        Ask until one of the states is reached.

        :param ask: Reads where the deployment stands.
        :returns: The state reached.
        :raises NodeFailed: If it was aborted, or can no longer reach the state.
        :raises WaitTimeout: If the time is over.
        """
        last = "unknown"
        asked = f"the state of {self.what}"
        for answer in answers(ask, what=asked, period=self.period, timeout=self.timeout):
            last = answer.state
            if self.progress is not None:
                self.progress(answer)
            if self.reached(answer):
                return answer
        raise self._timed_out(last)

    def reached(self, answer: DeploymentState) -> bool:
        """
        Whether an answer is the one waited for.

        :param answer: Where the deployment stands.
        :raises NodeFailed: If it was aborted, or can no longer reach the state.
        """
        there = answer.state in self.states
        forgiven = self.ignore_abort or (there and answer.phase is Phase.ERROR)
        if answer.failure and not forgiven:
            raise NodeFailed(
                f"{self.what} was aborted in state {answer.state}: {answer.failure}.",
                state=answer.state,
                reason=answer.failure,
                node_ids=filter(None, [answer.deployment_id]),
                hint="Pass ignore_abort=True to wait all the same, or destroy the node.",
            )
        if not there and not answer.attainable:
            raise NodeFailed(
                f"{self.what} is {answer.state} and cannot become {self._wanted} any more"
                f"{f': {answer.failure}' if answer.failure else ''}.",
                state=answer.state,
                reason=answer.failure,
                node_ids=filter(None, [answer.deployment_id]),
            )
        return there

    @property
    def _wanted(self) -> str:
        return " or ".join(sorted(self.states))

    def _timed_out(self, last: str) -> DriverError:
        return WaitTimeout(
            f"Timed out after {self.timeout:g} seconds: {self.what} is {last},"
            f" not {self._wanted}.",
            hint="The deployment goes on; wait again with a longer timeout, or destroy the node.",
        )
