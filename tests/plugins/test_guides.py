"""What the guides about plugins show is what the example plugins are, and what happens."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plugin_objects import PYTEST, AddPlugin, Connect, run_module

from slipstream.cli import main
from slipstream.plugins import Plugins

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
SHOWN_WHOLE = {
    "write-a-login-method": ["device_login"],
    "write-an-endpoint": ["endpoint"],
    "write-a-backend": ["minicloud"],
    "wrap-an-operation": ["policy", "size_cache", "audit", "metrics"],
}
PAGES = [*SHOWN_WHOLE, "switch-plugins-off"]
CONFTEST = 'pytest_plugins = ["slipstream.testing.pytest_plugin"]\n'


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks of a page."""
    text = (GUIDES / f"{page}.md").read_text()
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def files(page: str) -> dict[str, str]:
    """The files that a page shows: blocks that begin with a comment that names one."""
    matches = (re.match(r"# (\w+\.py)\n", text) for _, text in blocks(page))
    return {match[1]: match.string[match.end() :] for match in matches if match}


def assert_agrees(expected: str, printed: str) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(expected, printed, options), printed


@pytest.mark.parametrize(("page", "folders"), list(SHOWN_WHOLE.items()))
def test_guide_shows_example_plugins(page: str, folders: list[str]) -> None:
    for folder in reversed(folders):
        [module] = (ROOT / "examples" / "plugins" / folder).glob("example_*.py")
        assert files(page)[module.name] == module.read_text()
    [project] = [text for language, text in blocks(page) if language == "toml"]
    assert project == (module.parent / "pyproject.toml").read_text()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("page", PAGES)
def test_programs_of_guide(page: str) -> None:
    namespace: dict[str, Any] = {}
    printed, ran = "", 0
    for language, text in blocks(page):
        if language == "text" and printed:
            assert_agrees(text, printed)
        printed = ""
        if language == "py" and not text.startswith("# test_"):
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, page, "exec"), namespace)
            printed, ran = output.getvalue(), ran + 1
    assert ran


@pytest.mark.parametrize("page", [page for page in PAGES if "# test_" in str(blocks(page))])
def test_tests_of_guide(page: str, site: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for file, text in files(page).items():
        if file.startswith("test_"):
            (tmp_path / file).write_text(text)
    run_module(*PYTEST, ".", cwd=tmp_path, path=str(site))


def consoles() -> Iterator[Any]:
    for page in PAGES:
        for language, text in blocks(page):
            command, _, output = text.partition("\n")
            if language == "console" and output and not output.startswith("$"):
                yield pytest.param(command, output, id=command)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("command", "output"), list(consoles()))
def test_commands_of_guide(
    command: str, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    match = re.fullmatch(r"\$ (?:(\w+)=(\S*) )?slipstream (\w+)", command)
    assert match
    if match[1]:
        monkeypatch.setenv(match[1], match[2])
    main([match[3]])
    assert_agrees(output, capsys.readouterr().out)


def test_backend_of_guide(add_plugin: AddPlugin, as_alice: Connect) -> None:
    add_plugin("lab", files("write-an-endpoint")["example_slipstream_lab.py"])
    driver = as_alice(ex_endpoint_kind="lab")
    assert [location.name for location in driver.list_locations()] == ["bench"]


def test_wrapper_of_guide(add_plugin: AddPlugin, as_alice: Connect) -> None:
    assert as_alice(ex_disable_plugins=[]).list_images(ex_path="examples/images")
    add_plugin("quiet", files("wrap-an-operation")["example_slipstream_quiet.py"])
    assert as_alice(ex_disable_plugins=[]).list_images(ex_path="examples/images") == []


def test_warning_of_guide(add_plugin: AddPlugin) -> None:
    warnings = [t for _, t in blocks("switch-plugins-off") if t.startswith("PluginWarning: ")]
    add_plugin("policy", "import acme", distribution="acme-policy", version="1.2")
    with pytest.warns(RuntimeWarning) as caught:
        Plugins()
    assert [text.split() for text in warnings] == [f"PluginWarning: {caught[0].message}".split()]
