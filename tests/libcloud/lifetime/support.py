from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

from endpoints_under_test import Driver, logins
from key_files import KEY
from libcloud.compute.base import Node

from slipstream.libcloud.node_operation import NodeOperation

__all__ = ["KEY", "Driver", "logins"]
R = TypeVar("R")
THREADS = 16
DEADLINE = 20.0
LONG = 8 * 24 * 3600
"""Seconds after which a session of either family has ended."""
TESTS = Path(__file__).parents[2]


def together(function: Callable[[int], R], threads: int = THREADS) -> list[R]:
    """Call a function in many threads that begin at the same time, each with its number."""
    barrier = Barrier(threads)

    def begin(number: int) -> R:
        barrier.wait(DEADLINE)
        return function(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def run(code: str, *arguments: str, options: tuple[str, ...] = ()) -> tuple[str, str]:
    """What a program prints in a process of its own, and its errors."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "NO_PROXY": "*"}
    command = [sys.executable, *options, "-c", code, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    return done.stdout, done.stderr


def methods_of(driver: Driver) -> dict[str, Callable[[], Any]]:
    """The methods that are made here but ``close``, with what they cannot do without."""
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}

    def bound(method: Any) -> Callable[[], Any]:
        parameters = inspect.signature(method).parameters.values()
        needed = [p for p in parameters if p.kind in positional and p.default is p.empty]
        return lambda: method(*(object() for _ in needed))

    return {
        name: bound(getattr(driver, name))
        for name, function in inspect.getmembers(Driver, inspect.isfunction)
        if function.__module__.startswith("slipstream.")
        if not name.startswith("_") and name != "close"
    }


def go_on_elsewhere(operation: NodeOperation, node: Node, key: str, secret: str) -> NodeOperation:
    """Wait for a node and destroy it, by a driver made here."""
    with Driver(key, secret, ex_endpoint=operation.endpoint) as driver:
        operation.resume(driver).wait(timeout=DEADLINE)
        driver.destroy_node(node)
    return operation


def until(condition: Callable[[], object]) -> None:
    """Wait until something has come true."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)
