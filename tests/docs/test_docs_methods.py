"""Each method and option does on each family what the pages say."""

from __future__ import annotations

import inspect
import re

import pytest
import supported_methods as support
from families import CALLS, Families
from libcloud.compute.types import NodeState
from pages import ROOT, cells, section, words

from slipstream.backends import Nuvla, SlipStream3
from slipstream.conformance.methods import METHODS as METHODS_OF_LIBCLOUD
from slipstream.errors import BadInput, NotSupported
from slipstream.libcloud.convert import NODE_STATES
from slipstream.libcloud.operation import REASONS

PAGE = ROOT / "docs" / "from-slipstream-to-nuvla.md"
REFERENCE = ROOT / "docs" / "reference"
FAMILIES = ("slipstream", "nuvla")
PROMISES = {
    row[0].strip("`"): dict(zip(FAMILIES, row[1:], strict=True))
    for row in cells(section(PAGE, "Methods and options"))
    if row[0].startswith("`")
}
_REFUSED = re.compile(r"(?P<how>refused|not supported): `(?P<sentence>[^`]+)`")


def test_page_of_supported_methods_is_what_the_code_prints() -> None:
    assert (REFERENCE / "supported-methods.md").read_text("utf-8") == support.page(), (
        "run PYTHONPATH=tests python -m supported_methods > docs/reference/supported-methods.md"
    )


def test_reference_of_the_driver_documents_every_method_once() -> None:
    text = (REFERENCE / "driver.md").read_text("utf-8")
    methods = re.findall(r"automethod:: SlipStreamNodeDriver\.(\w+)", text)
    assert ":members: ex_from_profile, ex_endpoint, ex_save_cookies, close\n" in text
    assert sorted([*methods, "ex_save_cookies", "close"]) == sorted(support.HOOKS)


def test_every_method_of_libcloud_calls_a_hook_or_is_refused() -> None:
    assert len(METHODS_OF_LIBCLOUD) == 29
    assert [n for n in METHODS_OF_LIBCLOUD if n not in REASONS and not support.HOOKS[n]] == []


def test_every_row_names_a_difference_and_has_a_call_if_it_refuses_something() -> None:
    assert [row for row, promise in PROMISES.items() if len(set(promise.values())) == 1] == []
    refusing = {
        row for row, cells in PROMISES.items() if any(map(_REFUSED.fullmatch, cells.values()))
    }
    assert refusing <= CALLS.keys() <= PROMISES.keys()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("row", CALLS)
def test_row_is_what_a_call_does_on_a_family(row: str, family: str, families: Families) -> None:
    method, kind = row.removesuffix("()"), families[family].driver._session.kind
    supported = support.support_of(method, kind) if method in support.HOOKS else None
    refused = _REFUSED.fullmatch(PROMISES[row][family])
    assert supported is None or supported.works is (refused is None)
    if refused is None:
        assert CALLS[row](families[family])
        return
    expected = {"refused": BadInput, "not supported": NotSupported}[refused["how"]]
    with pytest.raises(expected) as error:
        CALLS[row](families[family])
    assert refused["sentence"] in str(error.value)
    if supported:
        assert supported.remark
        assert supported.remark in str(error.value)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", sorted(REASONS))
def test_method_that_no_server_has_is_refused_with_the_remark_of_the_page(
    method: str, family: str, families: Families
) -> None:
    driver = families[family].driver
    families[family].sandbox.journal.clear()
    supported = support.support_of(method, driver._session.kind)
    parameters = inspect.signature(getattr(driver, method)).parameters.values()
    arguments = [None for parameter in parameters if parameter.default is parameter.empty]
    with pytest.raises(NotImplementedError) as caught:
        getattr(driver, method)(*arguments)
    problem, instead = supported.remark.split(". ", 1)
    assert problem[1:] in str(caught.value)
    assert str(caught.value).endswith(instead)
    assert (supported.works, len(families[family].sandbox.journal)) == (False, 0)


def test_states_are_those_of_both_families_and_of_libcloud() -> None:
    table = section(PAGE, "States").partition("ex_wait_node")[0]
    documented = {
        (family, word): words(node_state)[0]
        for node_state, *states in cells(table)
        for family, cell in zip(FAMILIES, states, strict=True)
        for word in words(cell)
    }
    assert documented == {
        (family, state): NodeState.tostring(NODE_STATES[phase]).upper()
        for family, backend in zip(FAMILIES, (SlipStream3, Nuvla), strict=True)
        for state, phase in backend.states.items()
    }


def test_words_of_slipstream_that_go_on_working_are_those_of_the_table() -> None:
    table = cells(section(PAGE, "States").partition("| waiting for |")[2])
    assert {words(word)[0]: words(state)[0] for word, state in table} == Nuvla.state_aliases
