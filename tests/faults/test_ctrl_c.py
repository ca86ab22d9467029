"""Ctrl-C before or during any request of a change: what may have happened is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from slipstream.transport.client import Connections

from .calls import CALLS, Call
from .matrix import FAMILIES, Truth, attempt, stage_of
from .proxy import Proxy, running

MOST = 12
CHANGES = [
    call
    for call in CALLS
    if call.fresh and not call.name.startswith(("ex_st", "import_key_pair_from_file"))
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("call", CHANGES, ids=lambda call: call.name)
def test_ctrl_c(family: str, call: Call, tmp_path: Path) -> None:
    with running() as proxy:
        for number in range(1, MOST):
            for sends in (False, True):
                if not _interrupted(family, call, proxy, tmp_path, number, sends=sends):
                    return


def _interrupted(
    family: str, call: Call, proxy: Proxy, folder: Path, number: int, *, sends: bool
) -> bool:
    """Interrupt a call at its n-th request; false if it sends fewer."""
    send, left = Connections.send, [number]
    # The handler of a signal may end the program as well.
    interruption = (KeyboardInterrupt, SystemExit)[number % 2]

    def interrupt(self: Any, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not sends:
            raise interruption
        response = send(self, *args, **kwargs)
        if left[0] == 0:
            response.close()
            raise interruption
        return response

    with stage_of(call, family, proxy, folder) as stage:
        before = Truth.of(stage.direct)
        with mock.patch.object(Connections, "send", interrupt):
            error = attempt(call, stage, proxy).error
        if left[0] > 0:
            return False
        assert isinstance(error, interruption), (number, error)
        notes = " ".join(getattr(error, "__notes__", ()))
        where = f"request {number}, {'sent' if sends else 'not sent'}: {notes!r}"
        assert stage.sandbox.password not in notes
        after = Truth.of(stage.direct)
        if after != before:
            assert notes, where
        if len(after.keys) > len(before.keys) and call.name == "create_key_pair":
            assert getattr(error, "private_key", None), where
        for node_id in after.nodes.keys() - before.nodes.keys():
            # Whose response was not read cannot be named.
            created = any(node_id.encode() in exchange.body for exchange in proxy.seen)
            later = any(node_id in exchange.path for exchange in proxy.seen)
            if created or later:
                assert node_id in notes, where
    return True
