from __future__ import annotations

import json

import pytest
from libcloud.compute.providers import get_driver

from slipstream.errors import CannotConnect
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, DriverError, MalformedAnswer
from slipstream.sandbox import Sandbox
from slipstream.values.endpoint import Endpoint

from .support import JSON, Login, requests

LOOK = ("GET", "cloud-entry-point")
ENTER = ("POST", "session")


def test_one_look_at_the_entry_point_finds_out_the_family(login: Login, sandbox: Sandbox) -> None:
    login()
    assert requests(sandbox) == [LOOK, ENTER]


@pytest.mark.parametrize(
    "named",
    [{"api_version": "2"}, {"ex_endpoint_kind": "nuvla"}, {"ex_endpoint_kind": "nuvla.io"}],
)
def test_a_family_that_the_user_names_is_not_looked_for(
    login: Login, sandbox: Sandbox, named: dict[str, str]
) -> None:
    login(**named)
    assert requests(sandbox) == [ENTER]


def test_the_other_family_is_taken_at_the_user_s_word(login: Login, sandbox: Sandbox) -> None:
    with pytest.raises(DriverError, match="Cannot log in"):
        login(api_version="1")
    assert LOOK not in requests(sandbox)


def test_the_driver_of_the_second_name_is_the_same_with_another_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def connect(endpoint: Endpoint, *_: object, **__: object) -> None:
        asked.append(endpoint.url)
        raise CannotConnect("Nobody is asked here.")

    monkeypatch.setattr("slipstream.libcloud.driver.connect", connect)
    cls = get_driver("nuvla")
    assert issubclass(cls, SlipStreamNodeDriver)
    for driver in (cls, get_driver("slipstream")):
        with pytest.raises(DriverError, match="Nobody is asked here"):
            driver("key", "secret")
    assert asked == ["https://nuvla.io", "https://nuv.la"]


def test_the_second_name_takes_another_endpoint_too(sandbox: Sandbox) -> None:
    driver = get_driver("nuvla")(sandbox.username, sandbox.password, ex_endpoint=sandbox.url)
    assert driver.ex_endpoint == sandbox.url
    assert driver.list_nodes() == []
    driver.close()


def test_an_unknown_version_is_refused_with_those_there_are(login: Login) -> None:
    with pytest.raises(BadInput, match="1, 2"):
        login(api_version="3")


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (200, {"Content-Type": "text/html"}, "<html>Welcome</html>", "200 with text/html"),
        (404, {"Content-Type": "text/plain"}, "no", "404 with text/plain"),
        (200, JSON, json.dumps({"hello": "world"}), "200 with application/json"),
        (
            200,
            JSON,
            json.dumps({"resource-type": "something", "base-uri": "x", "collections": {}}),
            "family that no plugin knows",
        ),
    ],
)
def test_a_server_of_neither_family_is_an_error_that_says_what_answered(
    login: Login, sandbox: Sandbox, status: int, headers: dict[str, str], body: str, said: str
) -> None:
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=status, headers=headers, body=body)
    with pytest.raises(MalformedAnswer) as caught:
        login()
    assert said in str(caught.value)
    assert sandbox.url in str(caught.value)
    assert ENTER not in requests(sandbox)
