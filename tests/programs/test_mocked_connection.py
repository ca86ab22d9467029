"""libcloud's way to mock the network is refused before any request, never ignored."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from libcloud.common.base import Connection
from libcloud.test import MockHttp

from slipstream.errors import NotSupported

REFUSED = "{} is MockHttp, which this driver does"


@pytest.mark.parametrize("cls", [Driver.connectionCls, Connection])
def test_mocked_class_is_refused(endpoint: LiveEndpoint, monkeypatch: Any, cls: type) -> None:
    driver = endpoint.login()
    assert driver.list_nodes() == []
    endpoint.sandbox.journal.clear()
    monkeypatch.setattr(cls, "conn_class", MockHttp)
    for send in (driver.list_nodes, lambda: driver.connection.request("/")):
        with pytest.raises(NotSupported, match=REFUSED.format("conn_class")):
            send()
    if cls is Driver.connectionCls:
        with pytest.raises(NotSupported, match=REFUSED.format("conn_class")):
            endpoint.login()
    assert list(endpoint.sandbox.journal) == []


@pytest.mark.parametrize("attribute", ["connection", "conn_class", "request"])
def test_mocked_connection_is_refused(endpoint: LiveEndpoint, attribute: str) -> None:
    driver = endpoint.login()
    with pytest.raises(NotSupported, match=REFUSED.format(f"connection.{attribute}")):
        setattr(driver.connection, attribute, MockHttp)
    assert driver.list_nodes() == []


@pytest.mark.parametrize("attribute", ["connection", "connectionCls"])
def test_mocked_attribute_is_refused(endpoint: LiveEndpoint, attribute: str) -> None:
    driver = endpoint.login()
    endpoint.sandbox.journal.clear()
    setattr(driver, attribute, MockHttp)
    with pytest.raises(NotSupported, match=REFUSED.format(attribute)):
        driver.list_nodes()
    assert list(endpoint.sandbox.journal) == []
