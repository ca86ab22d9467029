"""Show deployments on their way: a line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from slipstream.transport import clock
from slipstream.values import DeploymentState


class ProgressLine:
    """
    A ``progress`` for everything that waits::

        with ProgressLine() as progress:
            driver.ex_wait_node_in_state(node, progress=progress)

    Of several nodes a terminal shows how many are in which state, and plain lines tell which one
    has come to a state.

    :param stream: Where to write; standard output unless told otherwise.
    :param names: What to call each node, by its id, where several are waited for.
    """

    def __init__(
        self, stream: TextIO | None = None, *, names: Mapping[str, str] | None = None
    ) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._names = dict(names or {})
        self._started = self._changed = clock.monotonic()
        self._states: dict[str | None, str] = {}
        self._widest = 0

    def __call__(self, answer: DeploymentState) -> None:
        """
        Show one answer.

        :param answer: Where a deployment stands.
        """
        now = clock.monotonic()
        one, before = answer.deployment_id, self._states.get(answer.deployment_id)
        alone = self._states.keys() <= {one}
        if answer.state != before:
            if self._live and alone and before is not None:
                self._end_line()
            self._states[one], self._changed = answer.state, now
            if not self._live:
                self._stream.write(f"{now - self._started:7.1f} s  {self._news(answer)}\n")
        if self._live:
            summary = answer.state if alone else self._counted()
            self._rewrite(f"{now - self._started:7.1f} s  {summary} ({now - self._changed:.0f} s)")
        self._stream.flush()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the live line, so that what follows starts on a new one."""
        if self._live and self._states:
            self._end_line()
            self._stream.flush()
        self._states.clear()

    def _news(self, answer: DeploymentState) -> str:
        one = answer.deployment_id or ""
        name = self._names.get(one) or (one if len(self._states) > 1 else "")
        return f"{name}  {answer.state}" if name else answer.state

    def _counted(self) -> str:
        counts = Counter(self._states.values())
        return ", ".join(f"{number} {state}" for state, number in counts.items())

    def _rewrite(self, text: str) -> None:
        self._stream.write(f"\r{text.ljust(self._widest)}")
        self._widest = max(self._widest, len(text))

    def _end_line(self) -> None:
        self._stream.write("\n")
        self._widest = 0
