"""The page of supported methods is what the code prints, and what the code prints is true."""

from __future__ import annotations

import inspect
from collections import defaultdict

import pytest
from families import CALLS, Stage
from libcloud.compute.base import NodeDriver
from pages import ROOT

from slipstream.libcloud import support
from slipstream.libcloud.errors import NotSupported
from slipstream.libcloud.unsupported import REASONS
from slipstream.plugins.operations import Operations
from slipstream.sandbox import Sandbox
from slipstream.transport import call_context

PAGE = ROOT / "docs" / "reference" / "supported-methods.md"
REFUSED = set(REASONS)
WAITS_FOR_SSH = {"deploy_node"}
"""Tried with a real SSH server in the tests of deploying."""

TRIED = [
    name.removesuffix("()")
    for name in CALLS  # in this order: what deletes comes after what needs it
    if name.removesuffix("()") in support.HOOKS.keys() - WAITS_FOR_SSH
]


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("supported")
    with Sandbox(speed=0) as old, Sandbox(family="nuvla", speed=0) as new:
        yield {sandbox.family: Stage(sandbox, folder) for sandbox in (old, new)}


@pytest.fixture
def asked(monkeypatch):
    """The hooks that were asked, by the method that the user called."""
    found = defaultdict(set)
    call = Operations._call

    def note(operations, name, arguments):
        found[call_context.current().operation].add(name)
        return call(operations, name, arguments)

    monkeypatch.setattr(Operations, "_call", note)
    return found


def test_the_page_is_what_the_code_prints():
    assert PAGE.read_text("utf-8") == support.page(), (
        "say: python -m slipstream.libcloud.support > docs/reference/supported-methods.md"
    )


def test_every_method_has_its_hooks_or_its_refusal():
    assert support.HOOKS.keys() | REFUSED == set(support.public_methods())
    assert not support.HOOKS.keys() & REFUSED
    assert set(TRIED) == support.HOOKS.keys() - WAITS_FOR_SSH


def test_all_of_libclouds_methods_are_on_the_page():
    expected = {n for n, m in vars(NodeDriver).items() if inspect.isfunction(m) and n[0] != "_"}
    assert len(expected) == 29
    assert expected <= set(support.public_methods())


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
@pytest.mark.parametrize("method", TRIED)
def test_a_method_asks_the_hooks_of_its_row_and_works_where_the_page_says(
    method, family, stages, asked
):
    stage = stages[family]
    told = support.support_of(method, stage.driver._session.kind)
    if told.works:
        assert CALLS[f"{method}()"](stage)
        assert set(support.HOOKS[method]) <= asked[method]
        return
    with pytest.raises(NotSupported) as caught:
        CALLS[f"{method}()"](stage)
    assert told.remark
    assert told.remark in str(caught.value)
    assert asked[method] == set(support.HOOKS[method])


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
@pytest.mark.parametrize("method", sorted(REFUSED))
def test_a_method_that_no_server_has_is_refused_and_nothing_is_sent(method, family, stages):
    stage = stages[family]
    stage.sandbox.journal.clear()
    told = support.support_of(method, stage.driver._session.kind)
    with pytest.raises(NotImplementedError) as caught:
        CALLS[f"{method}()"](stage)
    problem, instead = told.remark.split(". ", 1)
    assert problem[1:] in str(caught.value)
    assert str(caught.value).endswith(instead)
    assert (told.works, len(stage.sandbox.journal)) == (False, 0)
