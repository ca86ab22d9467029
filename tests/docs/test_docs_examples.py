"""Every example in the README and the documents runs."""

from __future__ import annotations

import textwrap

import pytest
from pages import NOT_RUN, PAGES, ROOT, TEST_MODULE, blocks, run, run_tests

from slipstream.sandbox import Sandbox

WITH_PYTHON = [page for page in PAGES if any(b.language == "python" for b in blocks(page))]


def _name(page):
    return str(page.relative_to(ROOT).with_suffix(""))


@pytest.mark.parametrize("page", WITH_PYTHON, ids=_name)
def test_the_examples_of_a_page_run_and_print_what_the_page_says(page, tmp_path, monkeypatch):
    with Sandbox(speed=0) as sandbox:
        monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
        monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)
        monkeypatch.setenv("SLIPSTREAM_ENDPOINT", sandbox.url)
        run(page, sandbox, tmp_path)


def test_the_readme_begins_with_the_program_that_the_demo_runs():
    program = (ROOT / "examples" / "wordpress.py").read_text("utf-8")
    _, _, rest = program.partition("# [readme]\n")
    body, marker, _ = rest.partition("# [/readme]")
    assert marker
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "python")
    assert first.text.strip() == textwrap.dedent(body.rstrip(" ")).strip()


@pytest.mark.parametrize("page", WITH_PYTHON, ids=_name)
def test_an_example_that_is_not_run_tells_the_reader_why(page):
    for block in blocks(page):
        if block.language == "python" and not block.is_run:
            reason = block.options.get("caption", "")
            assert reason.startswith(NOT_RUN), f"{block} gives no reason"
            assert len(reason) > len(NOT_RUN) + 10, f"{block} gives no reason"


def test_the_scenario_that_the_guide_shows_is_recorded_and_played(tmp_path):
    page = ROOT / "docs" / "guides" / "record-a-session.md"
    shown = {block.text for block in blocks(page) if block.language == "python"}
    [scenario] = [text for text in shown if "@pytest.mark.scenario" in text]
    [conftest] = [text for text in shown if text.startswith("pytest_plugins")]
    (tmp_path / "conftest.py").write_text(conftest, "utf-8")
    (tmp_path / "test_nodes.py").write_text(TEST_MODULE + scenario, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    run_tests(page, tmp_path, "--record")
    assert list(tmp_path.glob("tests/cassettes/sandbox-*/*.yaml"))
    run_tests(page, tmp_path)
