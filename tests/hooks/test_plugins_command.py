"""``slipstream plugins``."""

from __future__ import annotations

import json
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


def test_the_table_names_each_plugin_and_where_it_comes_from(run, stranger):
    stranger("token", LOGIN, version="1.2")
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


def test_the_columns_are_aligned(run, stranger):
    stranger("token", LOGIN)
    lines = run()[1].splitlines()
    start = lines[0].index("STATUS")
    assert {line[start : start + 6] for line in lines[1:]} == {"active"}


def test_a_broken_plugin_is_listed_on_one_line_with_its_reason_and_fails_the_command(
    run, stranger
):
    stranger("token", "@hookimpl\ndef slipstream_deploy(session, order): ...")
    code, out, err = run()
    assert (code, err) == (1, "")
    assert row(out, "token")[3] == "broken"
    assert "registering it failed: PluginValidationError" in row(out, "token")[5]
    assert "'order'" in row(out, "token")[5]


def test_a_plugin_that_is_switched_off_is_listed_as_disabled(run, stranger, monkeypatch):
    stranger("token", LOGIN)
    monkeypatch.setenv("SLIPSTREAM_DISABLE_PLUGINS", "token")
    code, out, _ = run()
    assert (code, row(out, "token")[3:]) == (0, ["disabled", "-", "switched off"])


def test_the_option_disables_too(run, stranger):
    stranger("token", LOGIN)
    _, out, _ = run("--disable", "other,token")
    assert row(out, "token")[3] == "disabled"


def test_a_disputed_name_is_reported_and_fails_the_command(run, stranger):
    stranger("one", LOGIN)
    stranger("two", LOGIN)
    code, _, err = run()
    assert code == 1
    assert err.startswith("slipstream plugins: dist-of-one 1.0 and dist-of-two 1.0 both")


def test_the_json_holds_the_same_for_programs(run, stranger):
    stranger("token", LOGIN)
    stranger("broken", "import nothing_of_that_name")
    code, out, _ = run("--json")
    told = json.loads(out)
    assert code == 1
    assert [one["name"] for one in told["plugins"] if not one["built_in"]] == ["broken", "token"]
    assert told["plugins"][-1] == {
        "name": "token",
        "distribution": "dist-of-token",
        "version": "1.0",
        "status": "active",
        "hooks": ["slipstream_login_methods"],
        "why": "",
        "built_in": False,
    }
    assert "token" in told["login_methods"]
    assert "nuv.la" in told["endpoint_kinds"]
    assert told["conflicts"] == []
