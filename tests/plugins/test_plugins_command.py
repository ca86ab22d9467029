"""``slipstream plugins``."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from plugin_objects import LOGIN, PYTEST, AddPlugin, run_module

from slipstream.cli import main

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
TOKEN = LOGIN.format("token")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = main(["plugins", *arguments])
        return code, *capsys.readouterr()

    return call


def row(text: str, name: str) -> list[str]:
    return next(line.split(None, 5) for line in text.splitlines() if line.startswith(name))


def test_table_of_plugins(run: Run, add_plugin: AddPlugin) -> None:
    add_plugin("token", TOKEN, version="1.2")
    code, out, err = run()
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["NAME", "DISTRIBUTION", "VERSION", "STATUS", "HOOKS", "WHY"]
    assert row(out, "token") == ["token", "dist-of-token", "1.2", "active", "login_methods", "-"]
    assert row(out, "slipstream.backends.logins")[3:5] == ["active", "login_methods"]
    start = head.index("STATUS")
    assert {line[start : start + 6] for line in lines} == {"active"}


def test_table_with_broken_plugin_and_conflict(run: Run, add_plugin: AddPlugin) -> None:
    add_plugin("one", TOKEN)
    add_plugin("two", TOKEN)
    code, _, err = run()
    assert code == 1
    assert err.startswith("slipstream plugins: dist-of-one 1.0 and dist-of-two 1.0 both")
    add_plugin("broken", "@hookimpl\ndef slipstream_deploy(session, order): ...")
    code, out, err = run("--disable", "two")
    assert (code, err) == (1, "")
    assert row(out, "broken")[3] == "broken"
    assert "slipstream_deploy has no argument 'order'" in row(out, "broken")[5]


def test_json_of_plugins(run: Run, add_plugin: AddPlugin) -> None:
    add_plugin("token", TOKEN)
    add_plugin("broken", "import nothing_of_that_name")
    code, out, _ = run("--json")
    document = json.loads(out)
    assert code == 1
    names = [plugin["name"] for plugin in document["plugins"] if not plugin["built_in"]]
    assert names == ["broken", "token"]
    assert document["plugins"][-1] == {
        "name": "token",
        "distribution": "dist-of-token",
        "version": "1.0",
        "status": "active",
        "hooks": ["slipstream_login_methods"],
        "why": "",
        "built_in": False,
    }
    assert "token" in document["login_methods"]
    assert "nuv.la" in document["endpoint_kinds"]
    assert document["conflicts"] == []


# What is printed of a plugin, by the arguments.
DETAILS = {
    "minicloud": (
        "^minicloud, by example-slipstream-minicloud 1.0: active$",
        "^login .*minicloud-ticket: user name and password of MiniCloud",
        "^hosts .*minicloud.example:8443",
        "^backends .*minicloud: example_slipstream_minicloud.MiniCloud$",
        "^drivers .*minicloud: get_driver finds it$",
        "^answers +endpoints, login_methods$",
        r"^requires .*slipstream-libcloud-driver\[sandbox\]>=1.0.dev0: met",
    ),
    "campus": (r"campus: none \(no entry point in slipstream.providers\)$",),
    "slipstream.backends.nuvla": ("^drivers +nuvla: get_driver finds it; nuvla.io: none$",),
    "audit": (r"^wraps +operation \(outermost first: metrics, audit\)$",),
    "policy --disable policy": ("^policy, by .*-policy 1.0: disabled$", "^why +switched off$"),
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("arguments", DETAILS)
def test_details_of_one_plugin(run: Run, arguments: str) -> None:
    code, out, _ = run(*arguments.split())
    assert code == 0
    for text in DETAILS[arguments]:
        assert re.search(text, out, re.MULTILINE), text


@pytest.mark.parametrize("sort", ["login", "kind", "backend", "wrapper"])
def test_new_plugin_passes_tests_and_type_checks(run: Run, tmp_path: Path, sort: str) -> None:
    code, out, _ = run("new", sort, "my-thing", "--directory", str(tmp_path))
    folder = tmp_path / "slipstream-my-thing"
    assert (code, out) == (0, f"Wrote {folder}; run pytest there.\n")
    project = (folder / "pyproject.toml").read_text()
    assert ("slipstream.providers" in project) is (sort == "backend")
    run_module(*PYTEST, cwd=folder)
    run_module("mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), ".", cwd=folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["slipstream.backends.login"], "; did you mean 'slipstream.backends.logins'?"),
        (["one", "two"], "Give one NAME"),
        (["new", "login"], "plugins new login|kind|backend|wrapper NAME"),
        (["new", "hook", "x"], "Unknown template 'hook'"),
        (["new", "backend", "slipstream"], "'slipstream' is the name of something"),
        (["new", "login", "My Thing"], "cannot be the name of a plugin"),
    ],
)
def test_wrong_arguments(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    code, _, err = run(*arguments, "--directory", str(tmp_path))
    assert code == 2
    assert message in err
    assert not list(tmp_path.iterdir())
