"""Timeouts, periods and counts are checked by one function, wherever they are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from key_files import make_pair
from libcloud.compute.deployment import ScriptDeployment

from slipstream.errors import BadInput
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox
from slipstream.session.login import Login
from slipstream.session.polling import Wait
from slipstream.transport import TransportSettings
from slipstream.values.fields import check_number

NUMBERS = [math.nan, math.inf, -math.inf, 10**400, 10**5000, -(10**5000), -1, True, "5", b"5", [5]]


@pytest.mark.parametrize(
    "value", [*NUMBERS, Decimal(5), 1j, 1e300], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize("limits", [{}, {"above_zero": True}, {"whole": True}])
def test_what_is_no_number_that_can_be_counted_is_refused(value: object, limits: Any) -> None:
    with pytest.raises(BadInput, match=r"^pause must be a .*number .*, not .{1,40}\.$") as caught:
        check_number("pause", value, **limits)
    assert "'5'" not in str(caught.value)


@pytest.fixture(scope="module")
def drivers() -> Iterator[dict[str, Driver]]:
    by_family = {}
    with Sandbox(speed=0) as slipstream, Sandbox(family="nuvla", speed=0) as nuvla:
        for sandbox in (slipstream, nuvla):
            by_family[sandbox.family] = Driver(
                sandbox.username, sandbox.password, ex_endpoint=sandbox.url
            )
        yield by_family
        assert not slipstream.journal.entries("POST", "/run")
        for driver in by_family.values():
            driver.close()


def _deploy(drivers: dict[str, Driver], key: str, **options: Any) -> object:
    return drivers["slipstream"].deploy_node(
        ScriptDeployment("true"), ssh_key=key, image="apps/WordPress/wordpress", **options
    )


def _init(**options: Any) -> object:
    return Driver("alice", "password", ex_endpoint="http://127.0.0.1:9", **options)


CALLS: dict[str, Callable[[dict[str, Driver], str, Any], object]] = {
    "timeout": lambda d, k, v: _init(timeout=v),
    "retry_delay": lambda d, k, v: _init(retry_delay=v),
    "backoff": lambda d, k, v: _init(backoff=v),
    "connection.timeout": lambda d, k, v: setattr(d["slipstream"].connection, "timeout", v),
    "connection.backoff": lambda d, k, v: setattr(d["slipstream"].connection, "backoff", v),
    "wait timeout": lambda d, k, v: d["slipstream"].wait_until_running(["1"], timeout=v),
    "wait period": lambda d, k, v: d["slipstream"].wait_until_running(["1"], wait_period=v),
    "state timeout": lambda d, k, v: d["slipstream"].ex_wait_node_in_state("1", timeout=v),
    "operation": lambda d, k, v: d["slipstream"].ex_operation("1").wait(wait_period=v),
    "logs": lambda d, k, v: d["nuvla"].ex_get_node_logs("1", ["a"], timeout=v),
    "lines": lambda d, k, v: d["nuvla"].ex_get_node_logs("1", ["a"], lines=v),
    "deploy timeout": lambda d, k, v: _deploy(d, k, timeout=v),
    "ssh_timeout": lambda d, k, v: _deploy(d, k, ssh_timeout=v),
    "ssh_port": lambda d, k, v: _deploy(d, k, ssh_port=v),
    "max_tries": lambda d, k, v: _deploy(d, k, max_tries=v),
    "wait_period": lambda d, k, v: _deploy(d, k, wait_period=v),
    "ex_multiplicity": lambda d, k, v: d["slipstream"].create_node(
        image="apps/WordPress/wordpress", ex_multiplicity={"a": v}
    ),
    "settings": lambda d, k, v: TransportSettings(read_timeout=v),
    "wait": lambda d, k, v: Wait(what="it", states=frozenset(), timeout=v),
    "login": lambda d, k, v: Login(cookies=None, lifetime=v),  # type: ignore[arg-type]
    "speed": lambda d, k, v: Sandbox(speed=v),
    "port": lambda d, k, v: Sandbox(port=v),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_argument_is_checked_before_a_request_is_sent(
    call: str, drivers: dict[str, Driver], tmp_path: Any
) -> None:
    key = str(make_pair(tmp_path, "key").file)
    must_be_above_zero = ("timeout", "retry_delay", "backoff")
    more = [0, 0.0, False, 1e12] if call in must_be_above_zero else []
    for value in (*NUMBERS, *more):
        with pytest.raises(BadInput, match=r" must be a .*number .*, not "):
            CALLS[call](drivers, key, value)
