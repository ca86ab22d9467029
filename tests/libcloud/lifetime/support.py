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

from endpoints_under_test import LiveEndpoint
from libcloud.compute.base import Node

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox
from slipstream.sandbox.nuvla import parameters

R = TypeVar("R")

Driver = SlipStreamNodeDriver
THREADS = 16
DEADLINE = 20.0
LONG = 8 * 24 * 3600
"""Seconds after which a session of either family has ended."""

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"
TESTS = Path(__file__).parents[2]


def together(function: Callable[[int], R], threads: int = THREADS) -> list[R]:
    """Call a function in many threads that begin at the same time, each with its number."""
    barrier = Barrier(threads)

    def begin(number: int) -> R:
        barrier.wait(DEADLINE)
        return function(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def logins(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("POST", "/api/session"))


def own_parameter(endpoint: LiveEndpoint, node: Node, value: str) -> str:
    """The name of a parameter of a node that has this value."""
    if endpoint.family == "slipstream":
        return "machine:wordpress_title"
    world = endpoint.sandbox.world
    parameters.write(world, world.store[node.id], "title", value, at=endpoint.sandbox.clock.now())
    return "title"


def run(
    code: str, *arguments: str, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "NO_PROXY": "*"}
    command = [sys.executable, *options, "-c", code, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def own_methods() -> list[str]:
    """The driver's public methods that are made here, but for ``close``."""
    return [
        name
        for name, method in inspect.getmembers(Driver, inspect.isfunction)
        if method.__module__.startswith("slipstream.")
        and not name.startswith("_")
        and name != "close"
    ]


def arguments_of(method: Any) -> list[object]:
    """Something for each argument that a bound method cannot do without."""
    parameters = inspect.signature(method).parameters.values()
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return [object() for p in parameters if p.kind in positional and p.default is p.empty]


def destroy_elsewhere(node: Node, key: str, secret: str) -> str:
    """Destroy a node by a driver made here, and tell its name."""
    with Driver(key, secret, ex_endpoint=node.driver.ex_endpoint) as driver:
        driver.destroy_node(node)
    return node.name


def until(condition: Callable[[], object]) -> None:
    """Wait until something has come true."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)
