"""Each method and option does on each family what the pages say."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

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
from slipstream.plugins.operations import Operations
from slipstream.transport import call_context

Called = dict[str, set[str]]
PAGE = ROOT / "docs" / "from-slipstream-to-nuvla.md"
REFERENCE = ROOT / "docs" / "reference"
FAMILIES = ("slipstream", "nuvla")
PROMISES = {
    row[0].strip("`"): dict(zip(FAMILIES, row[1:], strict=True))
    for row in cells(section(PAGE, "Methods and options"))
    if row[0].startswith("`")
}
METHODS = {f"{name}()" for name in support.HOOKS}
NEEDS_SSH = {"deploy_node()"}
"""Tried with a real SSH server in the tests of deploying."""
_REFUSED = re.compile(r"(?P<how>refused|not supported): `(?P<sentence>[^`]+)`")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """The hooks that were called, by the method that the user called."""
    hooks: Called = defaultdict(set)
    call = Operations._answer

    def note(operations: Operations, name: str, arguments: Mapping[str, Any]) -> Any:
        current = call_context.current()
        assert current
        hooks[current.operation].add(name)
        return call(operations, name, arguments)

    monkeypatch.setattr(Operations, "_answer", note)
    return hooks


def test_the_page_of_supported_methods_is_what_the_code_prints() -> None:
    assert (REFERENCE / "supported-methods.md").read_text("utf-8") == support.page(), (
        "run PYTHONPATH=tests python -m supported_methods > docs/reference/supported-methods.md"
    )


def test_the_reference_of_the_driver_documents_every_method_once() -> None:
    text = (REFERENCE / "driver.md").read_text("utf-8")
    methods = re.findall(r"automethod:: SlipStreamNodeDriver\.(\w+)", text)
    assert ":members: ex_from_profile, ex_endpoint, ex_save_cookies, close\n" in text
    assert sorted([*methods, "ex_save_cookies", "close"]) == sorted(support.HOOKS)


def test_every_method_of_libcloud_calls_a_hook_or_is_refused() -> None:
    assert len(METHODS_OF_LIBCLOUD) == 29
    assert [n for n in METHODS_OF_LIBCLOUD if n not in REASONS and not support.HOOKS[n]] == []


def test_every_row_names_a_difference_and_has_a_call() -> None:
    assert set(CALLS) == (METHODS | set(PROMISES)) - NEEDS_SSH
    assert [row for row, promise in PROMISES.items() if len(set(promise.values())) == 1] == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("row", CALLS)
def test_a_call_does_on_a_family_what_its_row_says(
    row: str, family: str, families: Families, called: Called
) -> None:
    method = row.removesuffix("()")
    kind = families[family].driver._session.kind
    supported = support.support_of(method, kind) if row in METHODS else None
    refused = _REFUSED.fullmatch(PROMISES.get(row, {}).get(family, ""))
    if refused is None:
        assert CALLS[row](families[family])
        if supported:
            assert supported.works
            assert called[method] <= support.HOOKS[method] or method == "ex_explain"
        return
    expected = {"refused": BadInput, "not supported": NotSupported}[refused["how"]]
    with pytest.raises(expected) as error:
        CALLS[row](families[family])
    assert refused["sentence"] in str(error.value)
    if supported:
        assert not supported.works
        assert supported.remark
        assert supported.remark in str(error.value)
        assert called[method] <= support.HOOKS[method]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", sorted(REASONS))
def test_a_method_that_no_server_has_is_refused_and_nothing_is_sent(
    method: str, family: str, families: Families
) -> None:
    driver, journal = families[family].driver, families[family].sandbox.journal
    journal.clear()
    supported = support.support_of(method, driver._session.kind)
    call = getattr(driver, method)
    parameters = inspect.signature(call).parameters.values()
    with pytest.raises(NotImplementedError) as caught:
        call(*(None for parameter in parameters if parameter.default is parameter.empty))
    problem, instead = supported.remark.split(". ", 1)
    assert problem[1:] in str(caught.value)
    assert str(caught.value).endswith(instead)
    assert (supported.works, len(journal)) == (False, 0)


def test_the_states_are_those_of_both_families_and_of_libcloud() -> None:
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


def test_the_words_of_slipstream_that_go_on_working_are_those_of_the_table() -> None:
    table = cells(section(PAGE, "States").partition("| waiting for |")[2])
    assert {words(word)[0]: words(state)[0] for word, state in table} == Nuvla.state_aliases
