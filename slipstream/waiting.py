"""Wait for a deployment, asking as seldom as will do and giving up as soon as it is clear."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    DeploymentFailed,
    SlipStreamError,
    Unavailable,
    WaitTimedOut,
)
from slipstream.logs import get_logger
from slipstream.values import DeploymentState, Phase

log = get_logger(__name__)

TOLERATED = 3
"""Passing faults in a row after which waiting ends."""

Ask = Callable[[], DeploymentState]
Progress = Callable[[DeploymentState], object]


@attrs.frozen(kw_only=True)
class Wait:
    """
    What to wait for, and how long.

    :param what: The deployment, for messages.
    :param states: The states wanted.
    :param period: Seconds between two questions.
    :param timeout: Seconds after which to give up; the first question is always asked.
    :param ignore_abort: Whether an aborted deployment may still reach the state.
    :param progress: Called with every answer.
    """

    what: str
    states: frozenset[str]
    period: float
    timeout: float
    ignore_abort: bool = False
    progress: Progress | None = None

    def until(self, ask: Ask) -> DeploymentState:
        """
        Ask until one of the states is reached.

        :param ask: Reads where the deployment stands.
        :returns: The state reached.
        :raises DeploymentFailed: If it was aborted, or can no longer reach the state.
        :raises WaitTimedOut: If the time is over.
        """
        deadline = time.monotonic() + self.timeout
        faults, last = 0, "unknown"
        while True:
            try:
                answer = ask()
            except (AnswerLost, CannotConnect, Unavailable) as error:
                faults += 1
                if faults > TOLERATED:
                    raise
                log.warning("cannot ask for the state of %s, will ask again: %s", self.what, error)
            else:
                faults, last = 0, answer.state
                if self.progress is not None:
                    self.progress(answer)
                if self._reached(answer):
                    return answer
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._timed_out(last)
            time.sleep(min(self.period, left))

    def _reached(self, answer: DeploymentState) -> bool:
        there = answer.state in self.states
        forgiven = self.ignore_abort or (there and answer.phase is Phase.ERROR)
        if answer.failure and not forgiven:
            raise DeploymentFailed(
                f"{self.what} was aborted in state {answer.state}: {answer.failure}.",
                state=answer.state,
                reason=answer.failure,
                hint="Pass ignore_abort=True to wait all the same, or destroy the node.",
            )
        if not there and not answer.attainable:
            raise DeploymentFailed(
                f"{self.what} is {answer.state} and cannot become {self._wanted} any more"
                f"{f': {answer.failure}' if answer.failure else ''}.",
                state=answer.state,
                reason=answer.failure,
            )
        return there

    @property
    def _wanted(self) -> str:
        return " or ".join(sorted(self.states))

    def _timed_out(self, last: str) -> SlipStreamError:
        return WaitTimedOut(
            f"Timed out after {self.timeout:g} seconds: {self.what} is {last},"
            f" not {self._wanted}.",
            hint="The deployment goes on; wait again with a longer timeout, or destroy the node.",
        )
