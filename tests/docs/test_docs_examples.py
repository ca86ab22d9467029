"""Every example in the README and the documents runs."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, page_name, run

WITH_PYTHON = [page for page in PAGES if any(b.language == "python" for b in blocks(page))]
FIRST_LINES = {
    "slipstream": ("slipstream.libcloud.compute_driver", "SlipStreamNodeDriver"),
    "nuvla": ("slipstream.libcloud.nuvla_driver", "NuvlaNodeDriver"),
}


@pytest.mark.parametrize("page", WITH_PYTHON, ids=page_name)
def test_examples_of_a_page_run_and_print_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(page, tmp_path, monkeypatch)


@pytest.mark.parametrize("page", WITH_PYTHON, ids=page_name)
def test_page_begins_with_the_lines_of_the_sandbox_and_explains_what_is_not_run(
    page: Path,
) -> None:
    for block in blocks(page):
        if block.language.startswith("{code-block}"):
            assert re.search(r":caption: \"Not run by the tests: .{15,}\"\n", block.text), block
    for family, (module, name) in FIRST_LINES.items():
        programs = [b.text for b in blocks(page) if b.is_run and b.family == family]
        if re.search(r"\bss\b", "".join(programs)) and page.stem != "other-clouds":
            assert programs[0].startswith(f"from {module} import {name}\n")
            assert "Sandbox(" in programs[0] or f"\nss = {name}.ex_from_profile(" in programs[0]


def test_readme_begins_with_the_program_that_the_demo_runs() -> None:
    program = (ROOT / "examples" / "wordpress.py").read_text("utf-8")
    _, _, rest = program.partition("# [readme]\n")
    body, marker, _ = rest.partition("# [/readme]")
    assert marker
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "python")
    assert first.text.strip() == textwrap.dedent(body.rstrip(" ")).strip()
