"""The progress line: live on a terminal, plain elsewhere."""

from __future__ import annotations

import io

from slipstream.libcloud.progress import ProgressLine
from slipstream.values import DeploymentState, Phase


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(stream, *states):
    with ProgressLine(stream) as progress:
        for state in states:
            progress(DeploymentState(state=state, phase=Phase.STARTING))
    return stream.getvalue()


def test_a_file_gets_one_plain_line_for_each_state():
    text = show(io.StringIO(), "Initializing", "Executing", "Executing", "Ready")

    assert [line.split()[-1] for line in text.splitlines()] == [
        "Initializing",
        "Executing",
        "Ready",
    ]
    assert "\r" not in text


def test_a_terminal_gets_a_line_that_changes_and_ends():
    text = show(Terminal(), "Initializing", "Executing", "Executing", "Ready")

    lines = text.split("\n")
    assert [line.rsplit("\r", 1)[-1].split()[2] for line in lines if line] == [
        "Initializing",
        "Executing",
        "Ready",
    ]
    assert lines[1].count("\r") == 2
    assert text.endswith("\n")


def test_nothing_is_written_when_nothing_was_shown():
    assert show(Terminal()) == ""
