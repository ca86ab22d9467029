"""The names of scenarios, and the credentials that they are recorded and replayed with."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.testing.scenarios import (
    MissingCredentialsError,
    ScenarioCredentials,
    cassette_path,
    scenario_name,
)
from slipstream.testing.scrubbing import public_endpoint

ALL = {"USERNAME": "alice", "PASSWORD": "hunter2", "KEY": "0b1d9a52", "SECRET": "abc.def"}


@pytest.mark.parametrize(
    ("variables", "available"),
    [
        (ALL, ("username", "password", "key", "secret")),
        ({"KEY": "credential/0b1d9a52", "SECRET": "abc.def"}, ("key", "secret")),
        ({"TOKEN": "t-12345678"}, ("token",)),
    ],
    ids=["all", "key", "token"],
)
def test_credentials_are_read_from_the_environment_and_masked(
    variables: dict[str, str], available: tuple[str, ...]
) -> None:
    environment = {f"SLIPSTREAM_{name}": value for name, value in variables.items()}
    credentials = ScenarioCredentials.from_environment(environment)
    assert credentials.available() == available
    assert credentials.key == ("credential/0b1d9a52" if "key" in available else None)
    for secret in ("hunter2", "abc.def", "t-1234"):
        assert secret not in repr(credentials)
    if "token" in available:
        assert credentials.secrets() == {"t-12345678": "recorded-token"}


def test_credentials_lack_what_is_empty() -> None:
    environment = {"SLIPSTREAM_USERNAME": "alice", "SLIPSTREAM_PASSWORD": ""}
    with pytest.raises(MissingCredentialsError, match="set SLIPSTREAM_PASSWORD to"):
        ScenarioCredentials.from_environment(environment)


def test_credentials_of_a_replay_are_those_that_the_recording_had() -> None:
    credentials = ScenarioCredentials.placeholders(("key", "secret"))
    assert credentials.available() == ("key", "secret")
    assert credentials.key == "credential/00000000-0000-4000-8000-000000000000"


def test_names_are_derived_from_the_test() -> None:
    assert scenario_name("test_nodes", "test_deploy") == "nodes.deploy"
    assert scenario_name("pkg.test_nodes", "test_deploy", "a b/c") == "nodes.deploy.a-b-c"
    assert cassette_path(Path("o"), "nodes.deploy.x") == Path("o/nodes/deploy.x.yaml")


@pytest.mark.parametrize(
    ("endpoint", "public"),
    [
        ("http://127.0.0.1:5000/", "https://server.example"),
        ("https://slip.acme.ch/base", "https://server.example/base"),
        ("https://nuv.la", "https://nuv.la"),
    ],
)
def test_public_endpoint(endpoint: str, public: str) -> None:
    assert public_endpoint(endpoint) == public
