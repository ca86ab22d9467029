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


def show_several(stream, *answers, names=None):
    with ProgressLine(stream, names=names) as progress:
        for one, state in answers:
            progress(DeploymentState(state=state, phase=Phase.STARTING, deployment_id=one))
    return stream.getvalue()


SEVERAL = [("a", "Executing"), ("b", "Executing"), ("a", "Ready"), ("b", "Executing")]


def test_a_file_tells_which_node_has_come_to_a_state():
    text = show_several(io.StringIO(), *SEVERAL, names={"a": "blog", "b": "shop"})

    assert [line.split()[2:] for line in text.splitlines()] == [
        ["blog", "Executing"],
        ["shop", "Executing"],
        ["blog", "Ready"],
    ]


def test_nodes_without_names_are_told_by_their_ids_once_there_are_several():
    text = show_several(io.StringIO(), *SEVERAL)

    assert [line.split()[2:] for line in text.splitlines()] == [
        ["Executing"],
        ["b", "Executing"],
        ["a", "Ready"],
    ]


def test_a_terminal_shows_how_many_nodes_are_in_which_state_on_one_line():
    text = show_several(Terminal(), *SEVERAL)

    assert text.count("\n") == 1
    shown = [one.split(" s  ")[1].split("(")[0].strip() for one in text.split("\r")[1:]]
    assert shown == ["Executing", "2 Executing", "1 Ready, 1 Executing", "1 Ready, 1 Executing"]
    widths = [len(one) for one in text.rstrip("\n").split("\r")[1:]]
    assert widths == sorted(widths)


def test_a_line_that_was_ended_can_show_another_wait():
    stream = io.StringIO()
    progress = ProgressLine(stream)
    for _ in range(2):
        with progress:
            progress(DeploymentState(state="Ready", phase=Phase.RUNNING, deployment_id="a"))

    assert stream.getvalue().count("Ready") == 2


def test_nothing_is_written_when_nothing_was_shown():
    assert show(Terminal()) == ""
