"""Print the progress of deployments: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TextIO

from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.transport.calls import get_logger
from slipstream.values import DeploymentState
from slipstream.values.plain import safe_text

log = get_logger(__name__)


class ProgressLine:
    """
    A ``progress`` callback for every method that waits::

        with ProgressLine() as progress:
            driver.ex_wait_node_in_state(node, progress=progress)

    A line has the elapsed minutes and seconds, the state and the machines::

        00:04  Provisioning  2 of 3 machines running

    For several nodes a terminal shows how many are in which state, and plain lines name the node
    that has changed. A failure of the stream never ends the wait.

    :param stream: Where to write; standard output when left out.
    :param names: The name of each node by its id, for waits for several nodes.
    :param machines: Lists the machines of the node, as in
        ``lambda: driver.ex_list_virtual_machines(node=node)``. It is called at each poll; without
        it the line says nothing of machines.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        names: Mapping[str, str] | None = None,
        machines: Callable[[], Iterable[Node]] | None = None,
    ) -> None:
        # Standard output is None in a process without a console.
        self._stream: TextIO | None = sys.stdout if stream is None else stream
        self._live = False
        with suppress(Exception):  # the stream may be closed, or have no such method
            self._live = self._stream is not None and self._stream.isatty()
        self._names = dict(names or {})
        self._list_machines = machines
        self._started = time.monotonic()
        self._states: dict[str | None, str] = {}
        self._lines: dict[str | None, str] = {}
        self._width = 0

    def __call__(self, state: DeploymentState) -> None:
        """
        Print the state of one deployment.

        :param state: The state.
        """
        node_id = state.deployment_id
        is_first_line = not self._states
        is_only_node = self._states.keys() <= {node_id}
        has_changed = state.state != self._states.get(node_id)
        self._states[node_id] = state.state
        line = f"{safe_text(state.state)}{self._machines() if is_only_node else ''}"
        if self._live:
            if is_only_node and has_changed and not is_first_line:
                self._end_line()
            counts = Counter(self._states.values()).items()
            totals = ", ".join(f"{number} {safe_text(state)}" for state, number in counts)
            self._rewrite(line if is_only_node else totals)
            return
        name = self._names.get(node_id or "") or ("" if is_only_node else node_id)
        line = f"{safe_text(name)}  {line}" if name else line
        if line != self._lines.get(node_id):
            self._write(f"{self._elapsed()}  {line}\n")
        self._lines[node_id] = line

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the live line, so that what follows starts on a new one."""
        if self._live and self._states:
            self._end_line()
        self._states.clear()
        self._lines.clear()

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes:02}:{seconds:02}"

    def _machines(self) -> str:
        try:
            machines = list(self._list_machines()) if self._list_machines is not None else []
            running = sum(machine.state == NodeState.RUNNING for machine in machines)
        except Exception:  # noqa: BLE001 - the wait goes on without the machines
            return ""
        if not machines:
            return ""
        noun = "machine" if len(machines) == 1 else "machines"
        return f"  {running} of {len(machines)} {noun} running"

    def _rewrite(self, line: str) -> None:
        # A line that the terminal wraps could not be rewritten.
        text = f"{self._elapsed()}  {line}"[: shutil.get_terminal_size().columns - 1]
        self._write(f"\r{text.ljust(self._width)}")
        self._width = max(self._width, len(text))

    def _end_line(self) -> None:
        self._write("\n")
        self._width = 0

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            encoding = getattr(self._stream, "encoding", None) or "utf-8"
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except Exception as error:  # noqa: BLE001 - the wait goes on without a stream
            log.warning("the progress line cannot be written: %s", type(error).__name__)
            self._stream = None
