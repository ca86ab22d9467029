"""Every example in the README and the documents runs."""

from __future__ import annotations

import textwrap

import pytest
from pages import NOT_RUN, PAGES, ROOT, blocks, run

WITH_PYTHON = [page for page in PAGES if any(b.language == "python" for b in blocks(page))]
LOGIN = "ss = {}.ex_from_profile("
FIRST_LINES = {
    "slipstream": "from slipstream.libcloud.compute_driver import SlipStreamNodeDriver",
    "nuvla": "from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver",
}


def _name(page):
    return str(page.relative_to(ROOT).with_suffix(""))


@pytest.mark.parametrize("page", WITH_PYTHON, ids=_name)
def test_the_examples_of_a_page_run_and_print_what_the_page_says(page, tmp_path, monkeypatch):
    run(page, tmp_path, monkeypatch)


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
