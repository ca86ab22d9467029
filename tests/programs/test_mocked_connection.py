"""libcloud's way to mock the network is refused before any request, never ignored."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.base import Connection
from libcloud.test import MockHttp

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NotSupported


def test_a_mocked_class_of_connections_is_refused_and_nothing_is_sent(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.sandbox.journal.clear()
    monkeypatch.setattr(SlipStreamNodeDriver.connectionCls, "conn_class", MockHttp)
    with pytest.raises(NotSupported, match="conn_class is MockHttp, which this driver does not"):
        endpoint.login()
    assert list(endpoint.sandbox.journal) == []


@pytest.mark.parametrize("class_of_connections", [SlipStreamNodeDriver.connectionCls, Connection])
def test_a_class_of_connections_that_is_mocked_later_is_refused_and_nothing_is_sent(
    endpoint: LiveEndpoint, monkeypatch: pytest.MonkeyPatch, class_of_connections: type
) -> None:
    driver = endpoint.login()
    endpoint.sandbox.journal.clear()
    monkeypatch.setattr(class_of_connections, "conn_class", MockHttp)
    for send in (driver.list_nodes, lambda: driver.connection.request("/")):
        with pytest.raises(NotSupported, match="conn_class is MockHttp, which this driver does"):
            send()
    assert list(endpoint.sandbox.journal) == []


@pytest.mark.parametrize("attribute", ["connection", "conn_class"])
def test_a_mocked_connection_of_a_driver_is_refused(
    endpoint: LiveEndpoint, attribute: str
) -> None:
    driver = endpoint.login()
    with pytest.raises(NotSupported, match=f"connection.{attribute} is MockHttp, which"):
        setattr(driver.connection, attribute, MockHttp)
    assert driver.list_nodes() == []


@pytest.mark.parametrize("attribute", ["connection", "connectionCls"])
def test_a_mocked_attribute_of_a_driver_is_refused_and_nothing_is_sent(
    endpoint: LiveEndpoint, attribute: str
) -> None:
    driver = endpoint.login()
    endpoint.sandbox.journal.clear()
    setattr(driver, attribute, MockHttp)
    with pytest.raises(NotSupported, match=f"{attribute} is MockHttp, which"):
        driver.list_nodes()
    assert list(endpoint.sandbox.journal) == []


def test_the_class_of_libcloud_is_accepted(endpoint: LiveEndpoint) -> None:
    assert endpoint.login().list_nodes() == []
