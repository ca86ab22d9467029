"""The page on both families lists what differs, and each call does there what the page says."""

from __future__ import annotations

import re

import pytest
import supported_methods as support
from families import CALLS
from libcloud.compute.types import NodeState
from pages import ROOT, cells, section, words

from slipstream.backends import Nuvla
from slipstream.backends.nuvla import dialect as nuvla
from slipstream.backends.slipstream import dialect as slipstream
from slipstream.libcloud.convert import NODE_STATES
from slipstream.libcloud.errors import BadInput, NotSupported

PAGE = ROOT / "docs" / "from-slipstream-to-nuvla.md"
FAMILIES = ("slipstream", "nuvla")
_REFUSED = re.compile(r"(?P<how>refused|not supported): `(?P<sentence>[^`]+)`")
PROMISES = {
    row[0].strip("`"): dict(zip(FAMILIES, row[1:], strict=True))
    for row in cells(section(PAGE, "Methods and options"))
    if row[0].startswith("`")
}
METHODS = {f"{name}()" for name in support.HOOKS}


def test_every_row_is_about_a_method_or_an_option_and_has_a_call():
    assert set(CALLS) == (METHODS | set(PROMISES)) - {"deploy_node()"}


def test_every_row_names_a_difference():
    assert [row for row, promise in PROMISES.items() if len(set(promise.values())) == 1] == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("row", PROMISES)
def test_a_call_does_on_a_family_what_its_row_says(row, family, families):
    refused = _REFUSED.fullmatch(PROMISES[row][family])
    if refused is None:
        assert CALLS[row](families[family])
        return
    expected = {"refused": BadInput, "not supported": NotSupported}[refused["how"]]
    with pytest.raises(expected) as error:
        CALLS[row](families[family])
    assert refused["sentence"] in str(error.value)


def test_the_states_are_those_of_both_families_and_of_libcloud():
    table = section(PAGE, "States").partition("ex_wait_node")[0]
    documented = {
        (family, word): words(node_state)[0]
        for node_state, *states in cells(table)
        for family, cell in zip(FAMILIES, states, strict=True)
        for word in words(cell)
    }
    assert documented == {
        (family, state): NodeState.tostring(NODE_STATES[phase]).upper()
        for family, states in (("slipstream", slipstream.STATES), ("nuvla", nuvla.STATES))
        for state, phase in states.items()
    }


def test_the_words_of_slipstream_that_go_on_working_are_those_of_the_table():
    table = cells(section(PAGE, "States").partition("| waiting for |")[2])
    assert {words(word)[0]: words(meant)[0] for word, meant in table} == Nuvla.state_aliases
