"""Show a deployment on its way: a line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from slipstream.values import DeploymentState


class ProgressLine:
    """
    A ``progress`` for :meth:`~.SlipStreamNodeDriver.ex_wait_node_in_state`::

        with ProgressLine() as progress:
            driver.ex_wait_node_in_state(node, progress=progress)

    :param stream: Where to write; standard output unless told otherwise.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._started = self._changed = time.monotonic()
        self._state: str | None = None

    def __call__(self, answer: DeploymentState) -> None:
        """
        Show one answer.

        :param answer: Where the deployment stands.
        """
        now = time.monotonic()
        if answer.state != self._state:
            if self._live and self._state is not None:
                self._stream.write("\n")
            self._state, self._changed = answer.state, now
            if not self._live:
                self._stream.write(f"{now - self._started:7.1f} s  {answer.state}\n")
        if self._live:
            elapsed = now - self._started
            self._stream.write(f"\r{elapsed:7.1f} s  {answer.state} ({now - self._changed:.0f} s)")
        self._stream.flush()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the live line, so that what follows starts on a new one."""
        if self._live and self._state is not None:
            self._stream.write("\n")
            self._stream.flush()
            self._state = None
