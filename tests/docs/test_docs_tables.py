"""What the documents say in tables is what the code does."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest
import supported_methods as support
from libcloud.compute.types import NodeState
from pages import PAGES, ROOT, cells, section, words

from slipstream.backends import SlipStream3
from slipstream.libcloud import errors
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.convert import NODE_STATES
from slipstream.version import install_hint

TASKS = ROOT / "docs" / "tasks"
FAILING = TASKS / "when-something-fails.md"


def _rows(page: Path, heading: str) -> list[list[list[str]]]:
    return [[words(cell) for cell in row] for row in cells(section(page, heading))]


def test_tree_of_errors_has_every_error_and_what_else_it_is() -> None:
    documented = {name: set(also) for [name], also, _ in _rows(FAILING, "The tree")}
    assert documented == {
        name: {base.__name__ for base in cls.__bases__} - {"DriverError", "_OfKeyPair"}
        for name, cls in vars(errors).items()
        if inspect.isclass(cls)
    }


def test_attributes_of_errors_are_there() -> None:
    for attributes, owners, _ in _rows(FAILING, "The attributes of an exception"):
        for owner in owners or ["DriverError"]:
            error = getattr(errors, owner)("A sentence.")
            assert all(hasattr(error, attribute) for attribute in attributes)


def test_table_of_what_to_do_names_errors_that_exist() -> None:
    first = FAILING.read_text("utf-8").partition("\n## ")[0]
    names = [name for row in cells(first) for name in words(row[0])]
    assert len(names) > 10
    for name in names:
        assert name in {"TypeError", "PluginWarning"} or hasattr(errors, name)


def test_states_of_a_deployment_are_those_of_the_server_and_of_libcloud() -> None:
    table = _rows(TASKS / "wait.md", "The states of a deployment")
    assert {state: node_state for [state], [node_state], _ in table} == {
        state: NodeState.tostring(NODE_STATES[phase]).upper()
        for state, phase in SlipStream3.states.items()
    }


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_picture_of_the_states_has_states_of_the_page(family: str) -> None:
    page = section(ROOT / "docs" / "from-slipstream-to-nuvla.md", "States")
    states = {name for row in cells(page) for cell in row for name in words(cell)}
    picture = (TASKS / f"states-{family}.svg").read_text("utf-8")
    names = re.findall(r'class="name">(\w+)<', picture)
    assert len(names) > 7
    assert set(names) <= states


def test_install_line_is_that_of_the_messages() -> None:
    install = section(ROOT / "README.md", "Install")
    extras = [words(row[0])[0] for row in cells(install)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert sorted(extras) == sorted(project["optional-dependencies"])
    [command] = re.findall(r"^\$ (.*)$", install, re.MULTILINE)
    assert f"Run {command} in a checkout" in install_hint("sandbox")


def test_every_keyword_of_the_driver_is_explained_on_a_page() -> None:
    pages = [page for page in PAGES if page.parent != ROOT / "docs" / "reference"]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    methods = (getattr(SlipStreamNodeDriver, name) for name in support.public_methods())
    keywords = {
        name
        for method in (SlipStreamNodeDriver.__init__, *methods)
        for name in inspect.signature(method).parameters
    }
    assert [k for k in keywords if k.startswith("ex_") and not re.search(rf"\b{k}\b", text)] == []


def test_every_operation_of_the_driver_is_on_a_page_of_a_task() -> None:
    text = "\n".join(page.read_text("utf-8") for page in TASKS.glob("*.md"))
    methods = support.public_methods()
    assert [name for name in methods if not re.search(rf"\b{name}\(", text)] == []


def test_contributing_and_the_architecture_have_one_table_of_the_folders() -> None:
    rows = cells(section(ROOT / "CONTRIBUTING.md", "Where things are"))[:14]
    assert rows == cells((ROOT / "docs/explanation/architecture.md").read_text("utf-8"))[:14]
    assert all((ROOT / row[0].strip("`")).exists() for row in rows)
