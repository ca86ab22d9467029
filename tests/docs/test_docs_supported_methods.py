"""The page of supported methods is what the code prints, and what the code prints is true."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict

import pytest
import supported_methods as support
from families import CALLS
from libcloud.compute.base import NodeDriver
from pages import ROOT

from slipstream.libcloud.errors import NotSupported
from slipstream.libcloud.unsupported import REASONS
from slipstream.plugins.operations import Operations
from slipstream.transport import call_context

REFERENCE = ROOT / "docs" / "reference"
NEEDS_SSH = {"deploy_node"}
"""Tried with a real SSH server in the tests of deploying."""
SUPPORTED = [
    method
    for method in (name.removesuffix("()") for name in CALLS)
    if method in support.HOOKS.keys() - NEEDS_SSH
]
"""In the order of the calls: what deletes comes after what needs it."""


@pytest.fixture
def called(monkeypatch):
    """The hooks that were called, by the method that the user called."""
    hooks = defaultdict(set)
    call = Operations._call

    def note(operations, name, arguments):
        hooks[call_context.current().operation].add(name)
        return call(operations, name, arguments)

    monkeypatch.setattr(Operations, "_call", note)
    return hooks


def test_the_page_is_what_the_code_prints():
    assert (REFERENCE / "supported-methods.md").read_text("utf-8") == support.page(), (
        "run PYTHONPATH=tests python -m supported_methods > docs/reference/supported-methods.md"
    )


def test_the_reference_of_the_driver_documents_every_method_once():
    text = (REFERENCE / "driver.md").read_text("utf-8")
    methods = re.findall(r"automethod:: SlipStreamNodeDriver\.(\w+)", text)
    of_the_class = {"ex_save_cookies", "close"}
    assert sorted([*methods, *of_the_class]) == sorted(support.HOOKS)
    assert ":members: ex_from_profile, ex_endpoint, ex_save_cookies, close\n" in text


def test_every_method_has_its_hooks_or_its_refusal():
    assert support.HOOKS.keys() | REASONS.keys() == set(support.public_methods())
    assert not support.HOOKS.keys() & REASONS.keys()
    assert set(SUPPORTED) == support.HOOKS.keys() - NEEDS_SSH


def test_all_of_libclouds_methods_are_on_the_page():
    expected = {n for n, m in vars(NodeDriver).items() if inspect.isfunction(m) and n[0] != "_"}
    assert len(expected) == 29
    assert expected <= set(support.public_methods())


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
@pytest.mark.parametrize("method", SUPPORTED)
def test_a_method_calls_the_hooks_of_its_row_and_works_where_the_page_says(
    method, family, families, called
):
    supported = support.support_of(method, families[family].driver._session.kind)
    if supported.works:
        assert CALLS[f"{method}()"](families[family])
        assert set(support.HOOKS[method]) <= called[method]
        return
    with pytest.raises(NotSupported) as caught:
        CALLS[f"{method}()"](families[family])
    assert supported.remark
    assert supported.remark in str(caught.value)
    assert called[method] == set(support.HOOKS[method])


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
@pytest.mark.parametrize("method", sorted(REASONS))
def test_a_method_that_no_server_has_is_refused_and_nothing_is_sent(method, family, families):
    family = families[family]
    family.sandbox.journal.clear()
    supported = support.support_of(method, family.driver._session.kind)
    call = getattr(family.driver, method)
    parameters = inspect.signature(call).parameters.values()
    with pytest.raises(NotImplementedError) as caught:
        call(*(None for parameter in parameters if parameter.default is parameter.empty))
    problem, instead = supported.remark.split(". ", 1)
    assert problem[1:] in str(caught.value)
    assert str(caught.value).endswith(instead)
    assert (supported.works, len(family.sandbox.journal)) == (False, 0)
