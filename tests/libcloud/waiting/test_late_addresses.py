"""Waiting for addresses that the server lists some time after the state."""

from __future__ import annotations

import itertools

import pytest
from fake_time import FakeTime

from slipstream.errors import NodeFailed
from slipstream.libcloud.waiting import GRACE, AddressFilter, RunningWait
from slipstream.values import Deployment, Phase

ADDRESS = "203.0.113.9"


def start(timeout: float = 600) -> RunningWait:
    reach = AddressFilter(interface="public_ips", only_ipv4=True)
    return RunningWait(names={"a": "blog", "b": "shop"}, filter=reach, period=5, timeout=timeout)


def running(
    name: str, *addresses: str, parameters: dict[str, str | None] | None = None
) -> Deployment:
    return Deployment(
        id=name,
        state="Ready",
        phase=Phase.RUNNING,
        addresses=addresses,
        parameters=parameters,
    )


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake


def test_an_address_that_comes_late_is_waited_for() -> None:
    polls = itertools.count(1)

    def read() -> list[Deployment]:
        late = [ADDRESS] if next(polls) > 30 else []
        return [running("a", ADDRESS), running("b", *late)]

    assert [node.addresses for node in start().until(read)] == [(ADDRESS,), (ADDRESS,)]
    assert next(polls) == 32


@pytest.mark.parametrize("other", [running("b", parameters={}), running("b", "10.0.0.7")])
def test_a_deployment_whose_addresses_were_read_ends_the_wait_soon(other: Deployment) -> None:
    polls = itertools.count(1)

    def read() -> list[Deployment]:
        next(polls)
        return [running("a", ADDRESS), other]

    with pytest.raises(NodeFailed, match=r"shop \(b\) runs and has no public IPv4 address"):
        start().until(read)
    assert next(polls) == GRACE + 2


def test_addresses_that_never_come_end_the_wait_with_its_time(clock: FakeTime) -> None:
    with pytest.raises(NodeFailed, match=r"blog \(a\) runs and has no public IPv4 address"):
        start(timeout=60).until(lambda: [running("a")])
    assert 59 < clock.ahead < 61
