"""The connection of a driver, which programs use for requests of their own."""

from __future__ import annotations

import json
import logging
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, cast
from xml.etree.ElementTree import Element

import libcloud
import pytest
from endpoints_under_test import Driver, LiveEndpoint
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
THREADS = 32
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)


@pytest.fixture
def connection(driver: Driver) -> Any:
    return driver.connection


def test_connection_attributes_are_those_of_libcloud(endpoint: LiveEndpoint) -> None:
    driver: Any = endpoint.login(timeout=7, retry_delay=0.25, backoff=3, region="here")
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


def test_api_version_is_detected_or_must_fit_the_kind(endpoint: LiveEndpoint) -> None:
    nuvla = endpoint.family == "nuvla"
    version, wrong = ("2", "1") if nuvla else ("1", "2")
    for option in (None, version) if endpoint.name == endpoint.family else ():
        assert endpoint.login(api_version=option).api_version == version
    endpoint.sandbox.journal.clear()
    with pytest.raises(BadInput, match=f"api_version '{wrong}'"):
        endpoint.login(ex_endpoint_kind="nuvla" if nuvla else "slipstream", api_version=wrong)
    assert len(endpoint.sandbox.journal) == 0


def test_request_is_sent_as_the_user_who_is_logged_in(endpoint: Any, connection: Any) -> None:
    response = connection.request("/api/session", params={"$first": 1, "$last": [20]})
    assert isinstance(response, Response)
    response = cast(Any, response)
    assert (response.status, response.success(), response.error) == (200, True, "OK")
    assert response.headers["content-type"].startswith("application/json")
    assert response.object == json.loads(response.body) == response.parse_body()
    assert response.object["count"] >= 1
    assert b"".join(response.iter_content(7)).decode().strip() == response.body
    for size in (0, -1, True, 1.5, 10**400):
        with pytest.raises(BadInput, match="chunk_size must be "):
            list(response.iter_content(size))
    assert response.connection is connection
    first = connection.request("api/session?$first=1", params=[("$last", "1")]).object
    assert first == connection.request("//api/session?$first=1&$last=1").object
    queries = [entry.query for entry in endpoint.sandbox.journal.entries("GET", "/api/session")]
    expected = {"$first": ["1"], "$last": ["1"]}
    assert queries == [{"$first": ["1"], "$last": ["20"]}, expected, expected]


@on_slipstream
@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", None),
        ("application/xml", b"<a>", None),
        ("application/json", b"{", None),
        ("application/xml", b"<runs/>", "runs"),
        ("text/plain", b" some words\n", "some words"),
        ("application/json", b"", ""),
    ],
)
def test_response_is_parsed_by_its_kind(
    sandbox: Sandbox, connection: Any, kind: str, body: bytes, expected: str | None
) -> None:
    status = 200 if body else 204
    sandbox.faults.add("PUT", ENTRY, status=status, body=body, headers={"Content-Type": kind})
    if expected is None:
        with pytest.raises(MalformedAnswer, match=ENTRY):
            connection.request(ENTRY, method="put")
        return
    response = connection.request(ENTRY, method="put")
    result = response.object
    assert (result.tag if isinstance(result, Element) else result) == expected
    assert (response.success(), response.error) == (True, HTTPStatus(status).phrase)


FORM, PATCH = "application/x-www-form-urlencoded", "application/merge-patch+json"


@on_slipstream
@pytest.mark.parametrize(
    ("options", "kind", "body"),
    [
        ({"data": "a text"}, None, b"a text"),
        ({"data": b"bytes"}, None, b"bytes"),
        ({"data": {"a": "b c", "d": [1, 2]}}, FORM, b"a=b+c&d=1&d=2"),
        ({"json": {"a": [1]}}, "application/json", b'{"a": [1]}'),
        ({"json": {}, "headers": {"content-type": PATCH, "X-N": 5}}, PATCH, b"{}"),
    ],
)
def test_request_sends_its_body_as_it_is(
    sandbox: Sandbox, connection: Any, options: dict[str, Any], kind: str | None, body: bytes
) -> None:
    sandbox.faults.add("PUT", ENTRY, body=b"{}", headers={"Content-Type": "application/json"})
    connection.request(ENTRY, method="PUT", **options)
    (sent,) = sandbox.journal.entries("PUT", ENTRY)
    assert (sent.headers.get("content-type"), sent.body) == (kind, body)


def test_request_that_fails_raises_the_driver_s_error(sandbox: Sandbox, connection: Any) -> None:
    sandbox.faults.add("GET", ENTRY, status=404)
    with pytest.raises(NotFound, match=f"Cannot send GET {ENTRY}") as caught:
        connection.request(ENTRY)
    assert isinstance(caught.value, LibcloudError)
    assert isinstance(caught.value, BaseHTTPError)
    assert (caught.value.operation, caught.value.code) == ("request", 404)


@on_slipstream
@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({}, 4),
        ({"retry_failed": False}, 1),
        ({"method": "POST"}, 1),
        ({"method": "POST", "retry_failed": True}, 4),
    ],
)
def test_request_is_repeated_if_that_is_safe(
    sandbox: Sandbox, connection: Any, options: dict[str, Any], times: int
) -> None:
    sandbox.faults.add(path=ENTRY, cut="before", times=None)
    with pytest.raises(NoAnswer):
        connection.request(ENTRY, **options)
    assert len(sandbox.journal) == times


@on_slipstream
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        *(
            ({"action": action}, BadInput, None)
            for action in ("https://elsewhere.example.org/api", "/api/../../x", "/a\r\nb")
        ),
        *(
            ({"headers": headers}, BadInput, None)
            for headers in ({"X-A": "b\r\nc"}, {"X A": "b"}, {"Cookie": "a=b"}, {"host": "x"})
        ),
        ({"method": "GET /x"}, BadInput, None),
        ({"data": "a", "json": {}}, BadInput, None),
        ({"raw": True}, NotSupported, "reads a response whole"),
        ({"stream": True}, NotSupported, "reads a response whole"),
        ({"action": 5}, TypeError, None),
        ({"data": 5}, TypeError, None),
        ({"param": {}}, TypeError, "did you mean 'params'"),
    ],
    ids=repr,
)
def test_request_with_wrong_arguments(
    sandbox: Sandbox, connection: Any, options: Any, error: type[Exception], message: str | None
) -> None:
    with pytest.raises(error, match=message):
        connection.request(**{"action": ENTRY, **options})
    assert len(sandbox.journal) == 0


@on_slipstream
def test_connection_leads_nowhere_else(driver: Driver, sandbox: Sandbox, connection: Any) -> None:
    connection.connect()
    with pytest.raises(BadInput, match="Make another driver"):
        connection.connect(host="elsewhere.example.org")
    for name in ("host", "port", "secure", "request_path", "key", "user_id"):
        before = getattr(connection, name)
        with pytest.raises(BadInput, match=f"{name} cannot be changed"):
            setattr(connection, name, "else")
        assert getattr(connection, name) == before
    driver.close()
    with pytest.raises(DriverClosed):
        connection.request(ENTRY)
    assert len(sandbox.journal) == 0


@on_slipstream
def test_connection_timeout_can_be_changed(driver: Any, sandbox: Sandbox, connection: Any) -> None:
    connection.timeout = 0.05
    connection.retry_delay = 0.002
    connection.backoff = 1.5
    sandbox.faults.add("GET", ENTRY, delay=0.3, times=None)
    with pytest.raises(NoAnswer, match="timed out"):
        connection.request(ENTRY)
    settings = driver._session.transport.settings
    assert (settings.retry_delay, settings.backoff) == (0.002, 1.5)
    connection.timeout = None
    with pytest.raises(BadInput, match="timeout must be "):
        connection.timeout = 0
    assert connection.timeout == 60


@on_slipstream
def test_user_agent_names_library_and_program(driver: Driver, sandbox: Sandbox) -> None:
    connection: Any = driver.connection
    plain = (
        f"slipstream-libcloud-driver/{VERSION} libcloud/{libcloud.__version__}"
        f" Python/{platform.python_version()}"
    )
    assert connection._user_agent() == plain
    connection.user_agent_append("my-app/1.0")
    connection.user_agent_append("my app (two)")
    for token in ("", " ", "a\nb", "a\r\nX-Evil: 1", "a\tb", "\x00", "é", "\u2028", 5, None):
        with pytest.raises(BadInput, match="cannot be part of a user agent"):
            connection.user_agent_append(token)
    driver.list_nodes()
    agents = {entry.headers["user-agent"] for entry in sandbox.journal}
    assert agents == {f"{plain} (my-app/1.0) (my app (two))"} == {connection._user_agent()}


@pytest.mark.filterwarnings("ignore:1 of the projects below")
def test_connections_are_reused_and_enough_for_many_threads(
    endpoint: LiveEndpoint, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="urllib3")
    for _ in range(5):
        driver.list_nodes()
    assert "Starting new HTTP connection" not in caplog.text
    together = threading.Barrier(THREADS)

    def work(_: int) -> list[int]:
        together.wait()
        return [len(driver.list_images(ex_path="", ex_recurse=True)), len(driver.list_sizes())]

    with ThreadPoolExecutor(THREADS) as threads:
        results = list(threads.map(work, range(THREADS)))
    assert results == [results[0]] * THREADS
    assert "Connection pool is full" not in caplog.text
    assert caplog.text.count("Starting new HTTP connection") <= 256
    endpoint.login().close()  # which has connections of its own
    assert driver.list_nodes() == []
