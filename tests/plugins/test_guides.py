"""What the guides about plugins show is what the example plugins are, and what happens."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slipstream.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "docs" / "guides" / f"{name}.md"
    for name in (
        "write-a-login-method",
        "write-an-endpoint",
        "write-a-backend",
        "wrap-an-operation",
        "switch-plugins-off",
    )
]
SHOWN_WHOLE = {
    "write-a-login-method": ["device_login"],
    "write-an-endpoint": ["endpoint"],
    "write-a-backend": ["minicloud"],
    "wrap-an-operation": ["policy", "size_cache", "audit", "metrics"],
}
CONFTEST = 'pytest_plugins = ["slipstream.testing.pytest_plugin"]\n'
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page):
    """Language and text of the fenced blocks of a page."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def files(page):
    """The files that a page shows: blocks that begin with a comment that names one."""
    named = (re.match(r"# (\w+\.py)\n", text) for _, text in blocks(page))
    return {
        match[1]: text[match.end() :]
        for match, (_, text) in zip(named, blocks(page), strict=True)
        if match
    }


def agree(expected, printed):
    assert doctest.OutputChecker().check_output(expected, printed, LOOSELY), printed


def name(page):
    return page.stem


@pytest.mark.parametrize(("page", "folders"), list(SHOWN_WHOLE.items()))
def test_a_guide_shows_the_example_plugins_as_they_are(page, folders):
    page = ROOT / "docs" / "guides" / f"{page}.md"
    for folder in reversed(folders):
        [module] = (ROOT / "examples" / "plugins" / folder).glob("example_*.py")
        assert files(page)[module.name] == module.read_text()
    [project] = [text for language, text in blocks(page) if language == "toml"]
    assert project == (module.parent / "pyproject.toml").read_text()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_programs_of_a_guide_run_with_the_plugins_and_print_what_it_says(page, installed):
    namespace, printed, ran = {}, None, 0
    for language, text in blocks(page):
        if language == "py" and not text.startswith("# test_"):
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, page.name, "exec"), namespace)
            printed, ran = output.getvalue(), ran + 1
        elif language == "text" and printed:
            agree(text, printed)
            printed = None
        else:
            printed = None
    assert ran


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(one[:5] == "test_" for one in files(page))], ids=name
)
def test_the_tests_of_a_guide_pass_where_the_plugin_is_installed(page, site, tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for file, text in files(page).items():
        if file.startswith("test_"):
            (tmp_path / file).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def consoles():
    for page in PAGES:
        for language, text in blocks(page):
            command, _, output = text.partition("\n")
            if language == "console" and output and not output.startswith("$"):
                yield pytest.param(command, output, id=command)


@pytest.mark.parametrize(("command", "output"), list(consoles()))
def test_a_command_prints_what_the_guide_shows(command, output, installed, monkeypatch, capsys):
    match = re.fullmatch(r"\$ (?:(\w+)=(\S*) )?slipstream (\w+)", command)
    if match[1]:
        monkeypatch.setenv(match[1], match[2])
    main([match[3]])
    agree(output, capsys.readouterr().out)


def block(page, module):
    return files(ROOT / "docs" / "guides" / f"{page}.md")[module]


def test_the_backend_that_the_guide_shows_has_locations_of_its_own(add_plugin, as_alice):
    add_plugin("lab", block("write-an-endpoint", "example_slipstream_lab.py"))
    driver = as_alice(ex_endpoint_kind="lab")
    assert [location.name for location in driver.list_locations()] == ["bench"]


def test_the_filter_that_the_guide_shows_leaves_images_out(add_plugin, as_alice):
    every = as_alice(ex_disable_plugins=[]).list_images(ex_path="examples/images")
    add_plugin("quiet", block("wrap-an-operation", "example_slipstream_quiet.py"))
    assert every
    assert as_alice(ex_disable_plugins=[]).list_images(ex_path="examples/images") == []


def test_the_warning_that_the_guide_quotes_is_the_one_that_is_given(add_plugin):
    from slipstream.plugins import Plugins

    [text] = [text for _, text in blocks(PAGES[4]) if text.startswith("PluginWarning: ")]
    add_plugin("policy", "import acme", distribution="acme-policy", version="1.2")
    with pytest.warns(RuntimeWarning) as caught:
        Plugins()
    assert f"PluginWarning: {caught[0].message}".split() == text.split()
