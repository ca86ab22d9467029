"""Whatever goes wrong on the way, a call returns what is right or raises one clean error."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.operation import REASONS

from .calls import CALLS, SEND_NOTHING
from .matrix import BAD, FAMILIES, Cell
from .proxy import running

EVERY = 150
"""Of so many combinations one is tried here, another for each method; "make faults" tries all."""


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", range(len(CALLS)), ids=[call.name for call in CALLS])
def test_call_with_each_fault(family: str, number: int, tmp_path: Path) -> None:
    with running() as proxy:
        cell = Cell(CALLS[number], family, proxy, tmp_path)
        results = list(cell.results(step=EVERY, first=number % EVERY))
    bad = [f"{r.position}, {r.fault}: {r.reason}" for r in results if r.outcome == BAD]
    assert not bad, "\n".join(bad)


def test_login_through_which_every_list_holds_values(tmp_path: Path) -> None:
    with running() as proxy:
        cell = Cell(CALLS[0], "slipstream", proxy, tmp_path)
        names = [(position.name, fault.name) for position, fault in cell.combinations()]
        result = next(cell.results(first=names.index(("every request", "values lists"))))
    assert (result.call, result.fault) == ("__init__", "values lists")
    assert result.outcome != BAD, result.reason


def test_every_public_method_is_tried() -> None:
    public = {
        name
        for name, value in vars(Driver).items()
        if callable(value) and not name.startswith("_")
    }
    methods = {call.name for call in CALLS if call.name.isidentifier()} - {"__init__"}
    assert public - SEND_NOTHING - set(REASONS) == methods
