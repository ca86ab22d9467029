from __future__ import annotations

import pytest
from libcloud.compute.providers import get_driver

from slipstream.libcloud.errors import DriverError, MalformedAnswer
from slipstream.sandbox import Sandbox

from .support import Login, logins


def test_login_to_the_other_family_that_the_user_names(login: Login, sandbox: Sandbox) -> None:
    with pytest.raises(DriverError, match="Cannot log in"):
        login(api_version="1")
    assert not sandbox.journal.entries("GET", "/api/cloud-entry-point")


def test_nuvla_driver_takes_another_endpoint(sandbox: Sandbox) -> None:
    with get_driver("nuvla")(
        sandbox.username, sandbox.password, ex_endpoint=sandbox.url
    ) as driver:
        assert driver.ex_endpoint == sandbox.url
        assert driver.list_nodes() == []


@pytest.mark.parametrize(
    ("status", "kind", "body", "message"),
    [
        (200, "text/html", "<html>Welcome</html>", "200 with text/html"),
        (404, "text/plain", "no", "404 with text/plain"),
        (200, "application/json", '{"hello": "world"}', "200 with application/json"),
        (200, "application/json",
         '{"resource-type": "something", "base-uri": "x", "collections": {}}',
         "family that no plugin knows"),
    ],
)  # fmt: skip
def test_login_to_a_server_of_neither_family(
    login: Login, sandbox: Sandbox, status: int, kind: str, body: str, message: str
) -> None:
    headers = {"Content-Type": kind}
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=status, headers=headers, body=body)
    with pytest.raises(
        MalformedAnswer, match=r"is no SlipStream or Nuvla server|family"
    ) as caught:
        login()
    assert message in str(caught.value)
    assert sandbox.url in str(caught.value)
    assert logins(sandbox) == 0
