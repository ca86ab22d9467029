from __future__ import annotations

import json
import platform
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element

import libcloud
import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.base import ConnectionUserAndKey, Response
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError

from slipstream.libcloud.errors import (
    BadInput,
    DriverClosed,
    MalformedAnswer,
    NoAnswer,
    NotFound,
    NotSupported,
)
from slipstream.sandbox import Sandbox
from slipstream.version import VERSION

ENTRY = "/api/cloud-entry-point"


def test_what_programs_read_of_a_connection_is_there_and_true(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login(timeout=7, retry_delay=0.25, backoff=3, region="here")
    connection = driver.connection
    host, _, port = endpoint.url.removeprefix("http://").partition(":")
    assert isinstance(connection, ConnectionUserAndKey)
    assert connection.driver is driver
    assert (connection.host, connection.port, connection.secure) == (host, int(port), 0)
    assert (connection.timeout, connection.retry_delay, connection.backoff) == (7, 0.25, 3)
    assert (connection.request_path, connection.proxy_url) == ("", None)
    assert (connection.user_id, connection.key) == (driver.key, driver.secret)
    assert (driver.key, driver.secret) == (endpoint.sandbox.username, endpoint.sandbox.password)
    assert (driver.secure, driver.region) == (False, "here")
    assert endpoint.sandbox.password not in repr(connection) + repr(driver)


def test_the_version_of_the_api_is_known_once_it_was_found_out() -> None:
    for family, version in {"slipstream": "1", "nuvla": "2"}.items():
        with Sandbox(family=family, speed=0) as sandbox:
            for asked in (None, version):
                endpoint = LiveEndpoint(family, sandbox)
                assert endpoint.login(api_version=asked).api_version == version
                endpoint.close()


def test_a_version_and_a_kind_that_do_not_go_together_are_refused(endpoint: LiveEndpoint) -> None:
    kind, wrong = ("nuvla", "1") if endpoint.family == "nuvla" else ("slipstream", "2")
    with pytest.raises(BadInput, match=f"api_version '{wrong}'"):
        endpoint.login(ex_endpoint_kind=kind, api_version=wrong)
    assert len(endpoint.sandbox.journal) == 0


def test_a_request_of_ones_own_is_sent_as_the_user_who_is_logged_in(
    endpoint: LiveEndpoint,
) -> None:
    connection = endpoint.login().connection
    response = connection.request("/api/session", params={"$first": 1, "$last": [20]})
    assert isinstance(response, Response)
    assert (response.status, response.success(), response.error) == (200, True, "OK")
    assert response.headers["content-type"].startswith("application/json")
    assert response.object == json.loads(response.body) == response.parse_body()
    assert response.object["count"] >= 1
    assert b"".join(response.iter_content(7)).decode().strip() == response.body
    assert response.connection is connection
    (sent,) = endpoint.sandbox.journal.entries("GET", "/api/session")
    assert sent.query == {"$first": ["1"], "$last": ["20"]}


def test_a_path_may_lack_its_slash_and_bring_its_query(endpoint: LiveEndpoint) -> None:
    connection = endpoint.login().connection
    first = connection.request("api/session?$first=1", params=[("$last", "1")]).object
    assert first == connection.request("//api/session?$first=1&$last=1").object
    queries = [one.query for one in endpoint.sandbox.journal.entries("GET", "/api/session")]
    assert queries == [{"$first": ["1"], "$last": ["1"]}] * 2


def test_xml_is_an_element(endpoint: LiveEndpoint) -> None:
    if endpoint.family == "nuvla":
        pytest.skip("speaks JSON alone")
    response = endpoint.login().connection.request("/run")
    assert isinstance(response.object, Element)
    assert response.object.tag == "runs"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        ("application/xml", b"<a>"),
        ("application/json", b"{"),
    ],
)
def test_what_is_not_what_it_says_it_is_is_one_clear_error(
    endpoint: LiveEndpoint, kind: str, body: bytes
) -> None:
    connection = endpoint.login().connection
    endpoint.sandbox.faults.add("GET", ENTRY, body=body, headers={"Content-Type": kind})
    with pytest.raises(MalformedAnswer, match=ENTRY):
        connection.request(ENTRY)


@pytest.mark.parametrize(
    ("kind", "body", "seen"),
    [("text/plain", b" some words\n", "some words"), ("application/json", b"", "")],
)
def test_other_answers_are_texts(
    endpoint: LiveEndpoint, kind: str, body: bytes, seen: str
) -> None:
    connection = endpoint.login().connection
    endpoint.sandbox.faults.add("GET", ENTRY, body=body, headers={"Content-Type": kind})
    assert connection.request(ENTRY).object == seen


def test_an_answer_without_a_body_is_a_success_too(endpoint: LiveEndpoint) -> None:
    connection = endpoint.login().connection
    endpoint.sandbox.faults.add("DELETE", ENTRY, status=204)
    response = connection.request(ENTRY, method="delete")
    assert (response.success(), response.body, response.object) == (True, "", "")
    assert response.error == HTTPStatus.NO_CONTENT.phrase


@pytest.mark.parametrize(
    ("given", "kind", "body"),
    [
        ({"data": "a text"}, None, b"a text"),
        ({"data": b"bytes"}, None, b"bytes"),
        (
            {"data": {"a": "b c", "d": [1, 2]}},
            "application/x-www-form-urlencoded",
            b"a=b+c&d=1&d=2",
        ),
        ({"json": {"a": [1]}}, "application/json", b'{"a": [1]}'),
        (
            {"json": {}, "headers": {"content-type": "application/merge-patch+json", "X-N": 5}},
            "application/merge-patch+json",
            b"{}",
        ),
    ],
)
def test_a_body_is_sent_as_it_is_given(
    endpoint: LiveEndpoint, given: dict[str, Any], kind: str | None, body: bytes
) -> None:
    connection = endpoint.login().connection
    endpoint.sandbox.faults.add(
        "PUT", ENTRY, body=b"{}", headers={"Content-Type": "application/json"}
    )
    connection.request(ENTRY, method="PUT", **given)
    (sent,) = endpoint.sandbox.journal.entries("PUT", ENTRY)
    assert (sent.headers.get("content-type"), sent.body) == (kind, body)


def test_a_failure_is_told_as_the_driver_tells_it(endpoint: LiveEndpoint) -> None:
    connection = endpoint.login().connection
    endpoint.sandbox.faults.add("GET", ENTRY, status=404)
    with pytest.raises(NotFound, match=f"Cannot send GET {ENTRY}") as caught:
        connection.request(ENTRY)
    assert isinstance(caught.value, LibcloudError)
    assert isinstance(caught.value, BaseHTTPError)
    assert (caught.value.operation, caught.value.code) == ("request", 404)


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({}, 4),
        ({"retry_failed": False}, 1),
        ({"method": "POST"}, 1),
        ({"method": "POST", "retry_failed": True}, 4),
    ],
)
def test_only_what_is_safe_to_repeat_is_repeated(
    endpoint: LiveEndpoint, options: dict[str, Any], times: int
) -> None:
    connection = endpoint.login().connection
    method = options.get("method", "GET")
    endpoint.sandbox.journal.clear()
    endpoint.sandbox.faults.add(method, ENTRY, cut="before", times=None)
    with pytest.raises(NoAnswer):
        connection.request(ENTRY, **options)
    assert len(endpoint.sandbox.journal.entries(method, ENTRY)) == times


def test_a_session_that_has_ended_is_renewed_for_it(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    resource = "module" if endpoint.family == "nuvla" else "service-offer"
    endpoint.pass_time(8 * 24 * 3600)
    endpoint.sandbox.journal.clear()
    assert driver.connection.request(f"/api/{resource}").object["count"] >= 1
    assert len(endpoint.sandbox.journal.entries("POST", "/api/session")) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"action": "https://elsewhere.example.org/api"},
        {"action": "/api/../../x"},
        {"action": "/a\r\nb"},
        {"action": ENTRY, "method": "GET /x"},
        {"action": ENTRY, "headers": {"X-A": "b\r\nc"}},
        {"action": ENTRY, "headers": {"X A": "b"}},
        {"action": ENTRY, "headers": {"Cookie": "a=b"}},
        {"action": ENTRY, "headers": {"host": "elsewhere"}},
        {"action": ENTRY, "data": "a", "json": {}},
    ],
    ids=repr,
)
def test_what_is_no_request_to_the_endpoint_is_not_sent(
    endpoint: LiveEndpoint, options: dict[str, Any]
) -> None:
    connection = endpoint.login().connection
    endpoint.sandbox.journal.clear()
    with pytest.raises(BadInput):
        connection.request(**options)
    assert len(endpoint.sandbox.journal) == 0


def test_wrong_types_are_type_errors(endpoint: LiveEndpoint) -> None:
    connection = endpoint.login().connection
    for options in ({"action": 5}, {"action": ENTRY, "data": 5}):
        with pytest.raises(TypeError):
            connection.request(**options)
    with pytest.raises(TypeError, match="did you mean 'params'"):
        connection.request(ENTRY, param={})


@pytest.mark.parametrize("option", ["raw", "stream"])
def test_what_a_connection_cannot_do_is_said(endpoint: LiveEndpoint, option: str) -> None:
    connection = endpoint.login().connection
    with pytest.raises(NotSupported, match="reads a response whole"):
        connection.request(ENTRY, **{option: True})


def test_connecting_again_does_nothing_and_elsewhere_is_refused(endpoint: LiveEndpoint) -> None:
    connection = endpoint.login().connection
    connection.connect()
    with pytest.raises(BadInput, match="Make another driver"):
        connection.connect(host="elsewhere.example.org")
    for name in ("host", "port", "secure", "request_path", "key", "user_id"):
        before = getattr(connection, name)
        with pytest.raises(BadInput, match=f"{name} cannot be changed"):
            setattr(connection, name, "else")
        assert getattr(connection, name) == before


def test_a_timeout_that_is_set_later_counts(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    driver.connection.timeout = 0.05
    driver.connection.retry_delay = 0.002
    driver.connection.backoff = 1.5
    endpoint.sandbox.faults.add("GET", ENTRY, delay=0.3, times=None)
    with pytest.raises(NoAnswer, match="timed out"):
        driver.connection.request(ENTRY)
    settings = driver._session.transport.settings
    assert (settings.retry_delay, settings.backoff) == (0.002, 1.5)
    driver.connection.timeout = None
    assert driver.connection.timeout == 60
    with pytest.raises(BadInput, match="timeout is 0"):
        driver.connection.timeout = 0
    assert driver.connection.timeout == 60


def test_a_closed_driver_sends_nothing_by_its_connection_either(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    driver.close()
    endpoint.sandbox.journal.clear()
    with pytest.raises(DriverClosed):
        driver.connection.request(ENTRY)
    assert len(endpoint.sandbox.journal) == 0


def test_the_user_agent_names_the_library_libcloud_python_and_the_program(
    endpoint: LiveEndpoint,
) -> None:
    driver = endpoint.login()
    driver.connection.user_agent_append("my-app/1.0")
    driver.connection.user_agent_append("my app (two)")
    before = len(endpoint.sandbox.journal)
    driver.list_nodes()
    agents = [entry.headers["user-agent"] for entry in endpoint.sandbox.journal]
    plain = (
        f"slipstream-libcloud-driver/{VERSION} libcloud/{libcloud.__version__}"
        f" Python/{platform.python_version()}"
    )
    assert set(agents[:before]) == {plain}
    assert set(agents[before:]) == {f"{plain} (my-app/1.0) (my app (two))"}
    assert driver.connection._user_agent() == agents[-1]


@pytest.mark.parametrize(
    "token", ["", " ", "a\nb", "a\r\nX-Evil: 1", "a\tb", "\x00", "é", "\u2028", 5, None], ids=repr
)
def test_what_cannot_stand_in_a_header_is_not_appended(endpoint: LiveEndpoint, token: Any) -> None:
    driver = endpoint.login()
    before = driver.connection._user_agent()
    with pytest.raises(BadInput, match="cannot be part of a user agent"):
        driver.connection.user_agent_append(token)
    assert driver.connection._user_agent() == before
