"""The progress line: live on a terminal, plain elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from libcloud.compute.types import NodeState

from slipstream.libcloud.progress import ProgressLine
from slipstream.values import DeploymentState, Phase

SEVERAL = [("a", "Executing"), ("b", "Executing"), ("a", "Ready"), ("b", "Executing")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    fake = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("slipstream.libcloud.progress.time", fake)
    return now


def state(word: str, node_id: str | None = None) -> DeploymentState:
    return DeploymentState(state=word, phase=Phase.STARTING, deployment_id=node_id)


def show(stream: io.StringIO, *states: str | tuple[str, str], **options: Any) -> str:
    """What a progress line writes of the states of one node, or of nodes by their ids."""
    with ProgressLine(stream, **options) as progress:
        for item in states:
            progress(state(item) if isinstance(item, str) else state(item[1], item[0]))
    return stream.getvalue()


def machines(*running: int) -> Callable[[], Sequence[Any]]:
    """Three machines, of which another number runs at each call."""
    counts = iter(running)

    def listed() -> Sequence[Any]:
        count = next(counts)
        states = [NodeState.RUNNING] * count + [NodeState.PENDING] * (3 - count)
        return [SimpleNamespace(state=state) for state in states]

    return listed


def test_line_has_time_state_and_machines(clock: list[float]) -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream, machines=machines(2))
    clock[0] = 64
    progress(state("Provisioning"))
    assert stream.getvalue() == "01:04  Provisioning  2 of 3 machines running\n"


def test_file_gets_a_plain_line_for_each_change(clock: list[float]) -> None:
    text = show(io.StringIO(), "Initializing", "Executing", "Executing", "Ready")
    assert text == "00:00  Initializing\n00:00  Executing\n00:00  Ready\n"
    text = show(io.StringIO(), *["Provisioning"] * 3, machines=machines(0, 0, 3))
    line = "00:00  Provisioning  {} of 3 machines running\n"
    assert text == line.format(0) + line.format(3)


def test_terminal_gets_a_line_that_changes_and_ends(clock: list[float]) -> None:
    text = show(Terminal(), "Initializing", "Executing", "Executing", "Ready")
    executing = "\r00:00  Executing"
    assert text == f"\r00:00  Initializing\n{executing * 2}\n\r00:00  Ready\n"


def test_file_gets_the_name_of_the_node_that_changed(clock: list[float]) -> None:
    text = show(io.StringIO(), *SEVERAL, names={"a": "blog", "b": "shop"})
    assert text == "00:00  blog  Executing\n00:00  shop  Executing\n00:00  blog  Ready\n"
    text = show(io.StringIO(), *SEVERAL)
    assert text == "00:00  Executing\n00:00  b  Executing\n00:00  a  Ready\n"


def test_terminal_gets_the_number_of_nodes_in_each_state(clock: list[float]) -> None:
    text = show(Terminal(), *SEVERAL)
    assert text.count("\n") == 1
    lines = [line.strip() for line in text.split("\r")[1:]]
    counts = ["Executing", "2 Executing", "1 Ready, 1 Executing", "1 Ready, 1 Executing"]
    assert lines == [f"00:00  {count}" for count in counts]


def test_line_can_be_used_again() -> None:
    assert show(Terminal()) == ""
    stream = io.StringIO()
    progress = ProgressLine(stream)
    for _ in range(2):
        with progress:
            progress(state("Ready", "a"))
    assert stream.getvalue().count("Ready") == 2


def test_line_fits_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert len(show(Terminal(), "Executing" * 9).strip()) == 19
    assert r"\x1b[31mReady" in show(io.StringIO(), "\x1b[31mReady")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    ProgressLine(stream)(state("Pr\xeat"))
    assert rb"Pr\xeat" in stream.buffer.getvalue()


def fail(*_: object) -> Any:
    raise BrokenPipeError


CLOSED = io.StringIO()
CLOSED.close()
USUAL = {"write": len, "flush": lambda: None, "isatty": lambda: False}
BROKEN: list[dict[str, Any]] = [
    {"write": fail},
    {"flush": fail},
    {"write": fail, "isatty": fail},
    {"write": None},
]
STREAMS = [CLOSED, *(SimpleNamespace(**USUAL | methods) for methods in BROKEN)]


@pytest.mark.parametrize("stream", STREAMS)
def test_stream_that_cannot_be_written_is_ignored(
    stream: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as in a process without a console
    for target in (stream, None):
        with ProgressLine(target) as progress:
            progress(state("Ready"))
            progress(state("Done"))
    [message] = caplog.messages
    assert "the progress line cannot be written: " in message


def test_machines_that_cannot_be_listed_are_left_out(clock: list[float]) -> None:
    for lister in (fail, list, lambda: None, lambda: 5, lambda: [None], lambda: "abc"):
        assert show(io.StringIO(), "Ready", machines=lister) == "00:00  Ready\n"
    lazily = show(io.StringIO(), "Ready", machines=lambda: iter(machines(2)()))
    assert lazily == "00:00  Ready  2 of 3 machines running\n"
