"""A session that ends twice within one call is renewed twice, once the first renewal is old."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_time import FakeTime

from slipstream.errors import DriverError

from .calls import CALLS, Call
from .matrix import FAMILIES, Truth, attempt, stage_of, summary
from .proxy import Exchange, Proxy, running

LATER = 3600.0
"""Seconds between the two ends, more than any call waits for by itself."""

MOST = 6
"""The last request before which the session ends again."""

_COMMON = {"create_node", "destroy_node", "create_key_pair", "delete_key_pair", "delete_image"}
CHANGES = {
    "slipstream": _COMMON,
    "nuvla": _COMMON
    | {"ex_get_node_logs", "start_node", "stop_node", "reboot_node", "ex_update_node"},
}
"""What is tried; tests/session/test_session.py tries what reads."""

TRIED = [(f, call) for f in FAMILIES for call in CALLS if call.name in CHANGES[f]]


@pytest.mark.parametrize(("family", "call"), TRIED, ids=[f"{f}-{c.name}" for f, c in TRIED])
def test_a_session_that_ends_twice(family: str, call: Call, tmp_path: Path) -> None:
    with running() as proxy:
        usual = _outcome(family, call, proxy, tmp_path, ends=())
        last = min(usual[2] + 2, MOST)
        for ends in [(n, n + gap) for gap in (1, 2) for n in range(1, last + 1 - gap)]:
            outcome = _outcome(family, call, proxy, tmp_path, ends=ends)
            assert (ends, *outcome[:2]) == (ends, *usual[:2])


def _outcome(
    family: str, call: Call, proxy: Proxy, folder: Path, ends: tuple[int, ...]
) -> tuple[object, object, int]:
    """What a call gives, what it leaves on the server, and how many requests it sends."""
    with stage_of(call, family, proxy, folder) as stage:
        sent = 0
        later = FakeTime(stage.sandbox.clock.advance)

        def end_sessions(_: int, exchange: Exchange) -> None:
            nonlocal sent
            if exchange.path.startswith(("/api/session", "/auth")):  # logging in
                return
            sent += 1
            if sent in ends:
                later.sleep(LATER * ends.index(sent))
                stage.sandbox.world.expire_sessions()

        proxy.begin(stage.sandbox.url, end_sessions)
        trial = attempt(call, stage, proxy, later)
        assert isinstance(trial.error, DriverError | None)
        value: Any = summary(trial.value) if trial.error is None else type(trial.error)
        proxy.begin(stage.sandbox.url)
        truth = Truth.of(stage.direct)
        left = len(truth.nodes), [key.split()[0] for key in truth.keys], truth.images
        # The state of a new node depends on the time.
        return value[:2] if call.name == "create_node" else value, left, sent
