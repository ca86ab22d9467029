"""Reading ahead: few things, in their order, and none once nobody wants more."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from slipstream.backends.cimi import read_ahead

from .support import readers, wait_for_readers


def test_read_ahead_that_is_closed_begins_no_more_and_waits_for_nothing() -> None:
    begun, waiting, go = [], threading.Event(), threading.Event()

    def read(number: int) -> int:
        begun.append(number)
        if number:
            waiting.set()
            go.wait(5)
        return number

    results = read_ahead(read, range(20), at_once=2)
    assert next(results) == 0
    waiting.wait(5)
    results.close()
    assert any(thread.is_alive() for thread in readers())
    go.set()
    wait_for_readers()
    assert len(begun) <= 3


def test_read_ahead_reads_in_the_context_of_the_call() -> None:
    call: ContextVar[str] = ContextVar("call", default="none")
    call.set("list_images")
    assert list(read_ahead(lambda _: call.get(), range(9), at_once=3)) == ["list_images"] * 9


def test_read_ahead_keeps_the_order_and_raises_a_failure_in_its_place() -> None:
    results = read_ahead(lambda number: 6 // (3 - number), range(9), at_once=8)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
