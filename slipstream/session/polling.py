"""
Poll deployments at growing intervals, and end as soon as the outcome is certain.

The timeout limits the pauses, and those of retries. A request that is under way when it is over
is still waited for, as long as its own timeouts allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import attrs

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    NodeFailed,
    RateLimitReached,
    ServiceUnavailable,
    WaitTimeout,
)
from slipstream.transport import calls
from slipstream.transport.calls import Backoff, get_logger
from slipstream.values import DeploymentState, Phase
from slipstream.values.fields import within

log = get_logger(__name__)

MAX_FAULTS = 3  # temporary faults in a row that do not end the wait
FIRST_PERIOD = 1.0  # seconds between the first two polls, unless the period is shorter
GROWTH = 1.5  # by how much each further pause is longer
JITTER = 0.2  # the part of a pause that is left to chance, so that clients do not all poll at once
LAST_POLL = 5.0  # seconds that the last poll is given at least to be sent again after a fault
T = TypeVar("T")
Progress = Callable[[DeploymentState], object]


def poll(read: Callable[[], T], *, what: str, period: float, timeout: float) -> Iterator[T]:
    """
    Poll until the time is over.

    The first poll is made at once, the last one when the time is over. A temporary fault is
    survived three times in a row, and one with a ``Retry-After`` as often as there is time.
    """
    deadline = calls.monotonic() + timeout
    backoff = Backoff(
        start=min(FIRST_PERIOD, period), factor=GROWTH, ceiling=period, jitter=JITTER
    )
    faults, has_read = 0, False
    for pause in backoff:
        try:
            with calls.until(max(deadline, calls.monotonic() + LAST_POLL)):
                result = read()
        except (AnswerLost, CannotConnect, RateLimitReached, ServiceUnavailable) as error:
            retry_after = float(error.headers.get("retry-after", 0))
            faults += not retry_after
            pause = max(pause, retry_after)  # noqa: PLW2901 - the server's pause wins
            left = deadline - calls.monotonic()
            # When the time is over, the fault is reported if there is nothing else to report.
            in_time = retry_after <= left if left > 0 else has_read
            if faults > MAX_FAULTS or not in_time:
                raise
            log.warning("cannot read %s, will try again: %s", what, error)
        else:
            faults, has_read = 0, True
            yield result
        left = deadline - calls.monotonic()
        if left <= 0:
            return
        calls.sleep(min(pause, left))


def harmless(progress: Progress) -> Progress:
    """A progress callback whose failures never end the wait; the first one is logged."""
    failed = False

    def call(state: DeploymentState) -> None:
        nonlocal failed
        try:
            progress(state)
        except Exception as error:  # noqa: BLE001 - a user's function may raise any
            if not failed:
                log.warning("the progress callback failed: %s", type(error).__name__)
            failed = True

    return call


def progress_field() -> Progress | None:
    """A field for the user's callback, whose failures never end the wait."""
    return attrs.field(default=None, converter=attrs.converters.optional(harmless))


@attrs.frozen(kw_only=True)
class Wait:
    """
    What to wait for, and how long.

    :param what: The deployment, for messages.
    :param states: The states to reach.
    :param period: The longest pause between two polls in seconds.
    :param timeout: Seconds after which to give up; the first poll is always made.
    :param ignore_abort: Whether an aborted deployment may still reach the state.
    :param progress: Called with every state that is read.
    """

    what: str
    states: frozenset[str]
    period: float = attrs.field(default=10.0, validator=within())
    timeout: float = attrs.field(default=600.0, validator=within())
    ignore_abort: bool = False
    progress: Progress | None = progress_field()

    def until(self, read: Callable[[], DeploymentState]) -> DeploymentState:
        """Poll until one of the states is reached."""
        names, last = " or ".join(sorted(self.states)), "unknown"
        what = f"the state of {self.what}"
        for state in poll(read, what=what, period=self.period, timeout=self.timeout):
            last = state.state
            if self.progress is not None:
                self.progress(state)
            if self.reached(state):
                return state
        raise WaitTimeout(
            f"Timed out after {self.timeout:g} seconds: {self.what} is {last}, not {names}.",
            hint="The deployment goes on; wait again with a longer timeout, or destroy the node.",
        )

    def reached(self, state: DeploymentState) -> bool:
        """Whether a state is the one waited for."""
        reached = state.state in self.states
        ends = {Phase.ERROR, Phase.TERMINATED}
        expected = self.ignore_abort or (reached and state.phase in ends)
        if state.failure and not expected:
            message = f"{self.what} was aborted in state {state.state}: {state.failure}."
            hint = "Pass ignore_abort=True to wait all the same, or destroy the node."
        elif not reached and not state.attainable:
            reason = f": {state.failure}" if state.failure else ""
            names = " or ".join(sorted(self.states))
            message = f"{self.what} is {state.state} and cannot become {names} any more{reason}."
            hint = None
        else:
            return reached
        raise NodeFailed(
            message,
            state=state.state,
            reason=state.failure,
            node_ids=filter(None, [state.deployment_id]),
            hint=hint,
        )
