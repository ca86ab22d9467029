"""Addresses that the server tells some time after the state are waited for."""

from __future__ import annotations

import pytest
from fake_time import FakeTime

from slipstream.errors import NodeFailed
from slipstream.libcloud.waiting import GRACE, AddressFilter, RunningWait
from slipstream.values import Deployment, Phase

ADDRESS = "203.0.113.9"


def start(timeout: float = 600) -> RunningWait:
    reach = AddressFilter(interface="public_ips", only_ipv4=True)
    return RunningWait(names={"a": "blog", "b": "shop"}, filter=reach, period=5, timeout=timeout)


def running(name: str, *addresses: str, told: bool = False) -> Deployment:
    return Deployment(
        id=name,
        state="Ready",
        phase=Phase.RUNNING,
        addresses=addresses,
        parameters={} if told else None,
    )


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr("slipstream.transport.clock.time", fake)
    return fake


def test_what_is_not_told_yet_is_asked_for_until_it_is() -> None:
    asked = []

    def ask() -> list[Deployment]:
        asked.append(None)
        late = [ADDRESS] if len(asked) > 30 else []
        return [running("a", ADDRESS), running("b", *late)]

    found = start().until(ask)
    assert [one.addresses for one in found] == [(ADDRESS,), (ADDRESS,)]
    assert len(asked) == 31


@pytest.mark.parametrize("other", [(), ("10.0.0.7",)])
def test_what_is_told_and_has_none_ends_it_soon(other: tuple[str, ...]) -> None:
    asked = []

    def ask() -> list[Deployment]:
        asked.append(None)
        return [running("a", ADDRESS), running("b", *other, told=not other)]

    with pytest.raises(NodeFailed, match=r"shop \(b\) runs and has no public IPv4 address"):
        start().until(ask)
    assert len(asked) == GRACE + 1


def test_what_is_never_told_ends_with_the_time(clock: FakeTime) -> None:
    with pytest.raises(NodeFailed, match=r"blog \(a\) runs and has no public IPv4 address"):
        start(timeout=60).until(lambda: [running("a")])
    assert 59 < clock.ahead < 61
