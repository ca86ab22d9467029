"""
The plugins that the guides show are installed as shown, and do what the guides say.

Blocks of ``py``, unlike those of ``python``, need the page's plugin in the environment, so they
run in a process of their own, where it is.
"""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import tomllib

import pytest
from pages import PAGES, ROOT, blocks, run_tests

MARK = "\x1e"
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NEEDING = [page for page in PAGES if any(block.language == "py" for block in blocks(page))]


def _name(page):
    return str(page.relative_to(ROOT).with_suffix(""))


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in ("SLIPSTREAM_DISABLE_PLUGINS", "SLIPSTREAM_LOAD_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    return tmp_path


def _install(page, folder):
    """Write the page's files, and what an installer would note of the distribution."""
    for block in blocks(page):
        if block.file_name:
            (folder / block.file_name).write_text(block.text, "utf-8")
        elif block.language == "toml" and "entry-points.slipstream" in block.text:
            project = tomllib.loads(block.text)["project"]
            notes = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
            notes.mkdir()
            about = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".format(**project)
            (notes / "METADATA").write_text(about, "utf-8")
            hooks = project["entry-points"]["slipstream"].items()
            lines = ["[slipstream]", *(f"{name} = {module}" for name, module in hooks), ""]
            (notes / "entry_points.txt").write_text("\n".join(lines), "utf-8")


def _examples(page):
    """The page's examples, each with what it is said to print."""
    found = []
    for block in blocks(page):
        if block.language == "py" and not block.file_name:
            found.append([block.text, ""])
        elif block.language == "text" and found:
            found[-1][1] += block.text
    return found


@pytest.mark.parametrize("page", NEEDING, ids=_name)
def test_the_plugin_of_a_guide_does_what_the_guide_says(page, environment):
    _install(page, environment)
    examples = _examples(page)
    program = f"\nprint({MARK!r})\n".join(text for text, _ in examples)
    (environment / "shown.py").write_text(program, "utf-8")
    command = [sys.executable, "-W", "error", "shown.py"]
    done = subprocess.run(
        command, cwd=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(f"{MARK}\n")
    for (text, said), got in zip(examples, printed, strict=True):
        if "print(" in text:
            assert doctest.OutputChecker().check_output(said, got, LOOSELY), (said, got)
    if list(environment.glob("test_*.py")):
        run_tests(page, environment, "-p", "slipstream.testing.pytest_plugin")
