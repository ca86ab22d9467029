"""The page on both families lists every call, and each does there what the page says."""

from __future__ import annotations

import inspect
import re

import pytest
from families import CALLS, Stage
from libcloud.compute.types import NodeState
from pages import ROOT

from slipstream.backends import Nuvla
from slipstream.backends.nuvla import dialect as nuvla
from slipstream.backends.slipstream import dialect as slipstream
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.convert import NODE_STATES
from slipstream.libcloud.errors import BadInput, NotSupported
from slipstream.sandbox import Sandbox

TEXT = (ROOT / "docs" / "from-slipstream-to-nuvla.md").read_text("utf-8")
FAMILIES = ("slipstream", "nuvla")
_REFUSED = re.compile(r"(?P<how>refused|not supported): `(?P<sentence>[^`]+)`")


def _section(heading):
    return TEXT.partition(f"\n{heading}\n")[2].partition(f"\n{heading.split()[0]} ")[0]


def _rows(text):
    """The rows of the tables of a text, as their cells."""
    lines = re.findall(r"^\| `?\w.*\|$|^\| `.*\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def _words(cell):
    return re.findall(r"`(\w+)`", cell)


PROMISES = {
    row[0].strip("`"): dict(zip(FAMILIES, row[1:], strict=True))
    for row in _rows(_section("## Every method and option"))
    if row[0].startswith("`")
}


def _existing():
    for name, method in inspect.getmembers(SlipStreamNodeDriver, inspect.isfunction):
        if method.__module__.startswith("slipstream.") and not name.startswith("_"):
            yield f"{name}()"
            for option in inspect.signature(method).parameters.values():
                if option.default is not option.empty:
                    yield f"{name}({option.name})"
    yield from inspect.signature(SlipStreamNodeDriver).parameters


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    with Sandbox(speed=0) as old, Sandbox(family="nuvla", speed=0) as new:
        yield {sandbox.family: Stage(sandbox, folder) for sandbox in (old, new)}


def test_every_method_and_option_of_the_driver_has_a_row_and_a_call():
    assert set(PROMISES) == set(_existing())
    assert set(CALLS) == set(PROMISES)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("row", PROMISES)
def test_a_call_does_on_a_family_what_its_row_says(row, family, stages):
    refused = _REFUSED.fullmatch(PROMISES[row][family])
    if refused is None:
        assert CALLS[row](stages[family])
        return
    expected = {"refused": BadInput, "not supported": NotSupported}[refused["how"]]
    with pytest.raises(expected) as error:
        CALLS[row](stages[family])
    assert refused["sentence"] in str(error.value)


def test_the_states_are_those_of_both_families_and_of_libcloud():
    told = {}
    for node_state, *words in _rows(_section("## States").partition("ex_wait_node")[0]):
        for family, cell in zip(FAMILIES, words, strict=True):
            told |= {(family, word): _words(node_state)[0] for word in _words(cell)}
    assert told == {
        (family, state): NodeState.tostring(NODE_STATES[phase]).upper()
        for family, states in (("slipstream", slipstream.STATES), ("nuvla", nuvla.STATES))
        for state, phase in states.items()
    }


def test_the_words_of_slipstream_that_go_on_working_are_those_of_the_table():
    table = _section("## States").partition("| waiting for |")[2]
    assert {_words(word)[0]: _words(meant)[0] for word, meant in _rows(table)} == (
        Nuvla.state_aliases
    )
