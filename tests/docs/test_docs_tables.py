"""What the documents say in tables is what the code does."""

from __future__ import annotations

import inspect
import re

import pytest
from libcloud.compute.types import NodeState
from pages import PAGES, ROOT

from slipstream.backends.slipstream.dialect import STATES
from slipstream.libcloud import errors
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.convert import NODE_STATES

TASKS = ROOT / "docs" / "tasks"
WORD = re.compile(r"`(\w+)`")


def _rows(page, heading):
    """The rows of the first table below a heading, as the words in each cell."""
    body = (TASKS / page).read_text("utf-8").partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", body, re.MULTILINE)[0]
    return [[WORD.findall(c) for c in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def _driver_errors():
    return {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls)}


def test_the_tree_of_errors_has_every_error_and_what_else_it_is():
    told = {name: set(also) for [name], also, _ in _rows("when-something-fails.md", "The tree")}
    existing = {
        name: {base.__name__ for base in cls.__bases__} - {"DriverError", "_OfKeyPair"}
        for name, cls in _driver_errors().items()
    }
    assert told == existing


def test_the_attributes_of_errors_are_there():
    for attributes, owners, _ in _rows("when-something-fails.md", "What an exception tells"):
        for owner in owners or ["DriverError"]:
            error = getattr(errors, owner)("A sentence.")
            assert all(hasattr(error, attribute) for attribute in attributes)


def test_the_states_of_a_deployment_are_those_of_the_server_and_of_libcloud():
    told = {state: node for [state], [node], _ in _rows("wait.md", "The states of a deployment")}
    assert told == {
        state: NodeState.tostring(NODE_STATES[phase]).upper() for state, phase in STATES.items()
    }


def _keywords():
    for name, method in inspect.getmembers(SlipStreamNodeDriver, inspect.isfunction):
        if method.__module__.startswith("slipstream.") and not name.startswith("_"):
            yield from inspect.signature(method).parameters
    yield from inspect.signature(SlipStreamNodeDriver).parameters


@pytest.mark.parametrize("keyword", sorted({k for k in _keywords() if k.startswith("ex_")}))
def test_every_keyword_of_the_driver_is_explained_on_a_page(keyword):
    pages = [page for page in PAGES if page.parent != ROOT / "docs" / "reference"]
    assert any(re.search(rf"\b{keyword}\b", page.read_text("utf-8")) for page in pages)


def test_every_operation_of_the_driver_has_its_place_on_a_page_of_a_task():
    text = "\n".join(page.read_text("utf-8") for page in TASKS.glob("*.md"))
    own = {
        name
        for name, method in inspect.getmembers(SlipStreamNodeDriver, inspect.isfunction)
        if method.__module__.startswith("slipstream.") and not name.startswith("_")
    }
    assert {name for name in own if not re.search(rf"\b{name}\(", text)} == set()
