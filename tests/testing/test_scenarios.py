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


def test_credentials_are_read_from_the_environment_and_masked():
    credentials = ScenarioCredentials.from_environment(
        {
            "SLIPSTREAM_USERNAME": "alice",
            "SLIPSTREAM_PASSWORD": "hunter2",
            "SLIPSTREAM_KEY": "0b1d9a52",
            "SLIPSTREAM_SECRET": "abc.def",
        },
    )
    assert credentials.key == "credential/0b1d9a52"
    assert credentials.available() == ("username", "password", "key", "secret")
    assert "hunter2" not in repr(credentials)
    assert "abc.def" not in repr(credentials)


def test_an_api_key_alone_will_do():
    environment = {"SLIPSTREAM_KEY": "credential/1", "SLIPSTREAM_SECRET": "s"}
    credentials = ScenarioCredentials.from_environment(environment)
    assert credentials.available() == ("key", "secret")
    assert credentials.username is None


def test_a_token_alone_will_do_and_is_a_secret():
    credentials = ScenarioCredentials.from_environment({"SLIPSTREAM_TOKEN": "t-12345678"})
    assert credentials.available() == ("token",)
    assert credentials.secrets() == {"t-12345678": "recorded-token"}
    assert "t-1234" not in repr(credentials)


def test_an_empty_variable_is_a_missing_one():
    environment = {"SLIPSTREAM_USERNAME": "alice", "SLIPSTREAM_PASSWORD": ""}
    with pytest.raises(MissingCredentialsError, match="set SLIPSTREAM_PASSWORD to"):
        ScenarioCredentials.from_environment(environment)


def test_a_replay_has_the_credentials_that_the_recording_had():
    credentials = ScenarioCredentials.placeholders(("key", "secret"))
    assert credentials.available() == ("key", "secret")
    assert credentials.key == "credential/00000000-0000-4000-8000-000000000000"


def test_names_are_derived_from_the_test():
    assert scenario_name("test_nodes", "test_deploy") == "nodes.deploy"
    assert scenario_name("pkg.test_nodes", "test_deploy", "a b/c") == "nodes.deploy.a-b-c"
    assert cassette_path(Path("o"), "nodes.deploy.x") == Path("o/nodes/deploy.x.yaml")


def test_public_services_keep_their_name_and_others_lose_it():
    assert public_endpoint("http://127.0.0.1:5000/") == "https://server.example"
    assert public_endpoint("https://slip.acme.ch/base") == "https://server.example/base"
    assert public_endpoint("https://nuv.la") == "https://nuv.la"
