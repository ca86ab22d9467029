"""``slipstream plugins``."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import pytest

from slipstream.cli import main

LOGIN = """
@hookimpl
def slipstream_login_methods():
    return [LoginMethod(name="token", authenticate=print)]
"""


@pytest.fixture
def run(capsys):
    def call(*arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = main(["plugins", *arguments])
        return code, *capsys.readouterr()

    return call


def row(text, name):
    return next(line.split(None, 5) for line in text.splitlines() if line.startswith(name))


def test_the_table_names_each_plugin_and_where_it_comes_from(run, add_plugin):
    add_plugin("token", LOGIN, version="1.2")
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == [
        "NAME",
        "DISTRIBUTION",
        "VERSION",
        "STATUS",
        "HOOKS",
        "WHY",
    ]
    assert row(out, "token") == ["token", "dist-of-token", "1.2", "active", "login_methods", "-"]
    assert row(out, "slipstream.backends.logins")[3:5] == ["active", "login_methods"]


def test_the_columns_are_aligned(run, add_plugin):
    add_plugin("token", LOGIN)
    lines = run()[1].splitlines()
    start = lines[0].index("STATUS")
    assert {line[start : start + 6] for line in lines[1:]} == {"active"}


def test_a_broken_plugin_is_listed_on_one_line_with_its_reason_and_fails_the_command(
    run, add_plugin
):
    add_plugin("token", "@hookimpl\ndef slipstream_deploy(session, order): ...")
    code, out, err = run()
    assert (code, err) == (1, "")
    assert row(out, "token")[3] == "broken"
    assert "slipstream_deploy has no argument 'order'" in row(out, "token")[5]


def test_a_plugin_that_is_switched_off_is_listed_as_disabled(run, add_plugin, monkeypatch):
    add_plugin("token", LOGIN)
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", "token")
    code, out, _ = run()
    assert (code, row(out, "token")[3:]) == (0, ["disabled", "-", "switched off"])


def test_the_option_disables_too(run, add_plugin):
    add_plugin("token", LOGIN)
    _, out, _ = run("--disable", "other,token")
    assert row(out, "token")[3] == "disabled"


def test_a_disputed_name_is_reported_and_fails_the_command(run, add_plugin):
    add_plugin("one", LOGIN)
    add_plugin("two", LOGIN)
    code, _, err = run()
    assert code == 1
    assert err.startswith("slipstream plugins: dist-of-one 1.0 and dist-of-two 1.0 both")


def test_the_json_holds_the_same_for_programs(run, add_plugin):
    add_plugin("token", LOGIN)
    add_plugin("broken", "import nothing_of_that_name")
    code, out, _ = run("--json")
    document = json.loads(out)
    assert code == 1
    assert [plugin["name"] for plugin in document["plugins"] if not plugin["built_in"]] == [
        "broken",
        "token",
    ]
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


def test_one_plugin_is_shown_with_all_that_it_brings(run, installed):
    code, out, _ = run("minicloud")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0
    assert out.startswith("minicloud, by example-slipstream-minicloud 1.0: active")
    assert "minicloud-ticket: user name and password of MiniCloud" in lines["login"]
    assert "minicloud.example:8443" in lines["hosts"]
    assert lines["backends"].endswith("minicloud: example_slipstream_minicloud.MiniCloud")
    assert lines["drivers"].endswith("minicloud: get_driver finds it")
    assert lines["answers"].split()[1:] == ["endpoints,", "login_methods"]
    assert "slipstream-libcloud-driver[sandbox]>=1.0.dev0: met" in lines["requires"]


def test_a_kind_without_a_driver_of_its_own_says_so(run, installed):
    assert (
        "campus: get_driver finds none: there is no entry point of the group" in run("campus")[1]
    )


def test_the_order_of_wrappers_is_shown_the_outermost_first(run, installed):
    assert "wraps             operation (outermost first: metrics, audit)" in run("audit")[1]


def test_why_one_plugin_is_off_is_shown(run, installed):
    out = run("policy", "--disable", "policy")[1]
    assert "policy, by example-slipstream-policy 1.0: disabled" in out
    assert "why               switched off" in out


def test_an_unknown_plugin_is_refused_with_the_nearest_name(run, installed):
    code, _, err = run("polcy")
    assert code == 2
    assert "Unknown plugin 'polcy'; did you mean 'policy'?" in err


@pytest.mark.parametrize("sort", ["login", "kind", "backend", "wrapper"])
def test_a_new_plugin_passes_its_own_tests_and_type_checks(run, tmp_path, sort):
    code, out, _ = run("new", sort, "my-thing", "--directory", str(tmp_path))
    folder = tmp_path / "slipstream-my-thing"
    assert (code, out) == (0, f"Wrote {folder}; run pytest there.\n")
    assert ("slipstream.providers" in (folder / "pyproject.toml").read_text()) is (
        sort == "backend"
    )
    for command in (
        ["pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        ["mypy", "--strict", "."],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new", "login"], "plugins new login|kind|backend|wrapper NAME"),
        (["new", "hook", "x"], "no template 'hook'"),
        (["new", "backend", "slipstream"], "'slipstream' is the name of something"),
        (["new", "login", "My Thing"], "cannot be the name of a plugin"),
    ],
)
def test_a_new_plugin_that_cannot_be_written_is_refused(run, tmp_path, arguments, message):
    code, _, err = run(*arguments, "--directory", str(tmp_path))
    assert code == 2
    assert message in err
    assert not list(tmp_path.iterdir())
