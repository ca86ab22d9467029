"""
The measurements, each with the figure to compare it with.

A time alone says more about the machine than about the code, so each figure stands beside another
one of the same run: what bare requests and ElementTree take for the same responses, or the driver
of 2017. The servers run in processes of their own.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import requests

from benchmarks.server import HUGE, huge_body
from slipstream.backends.slipstream import modules
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.redaction import KnownSecrets, Redactor
from slipstream.transport.messages import MAX_ELEMENTS, Response
from slipstream.transport.settings import MAX_BYTES

ROOT = Path(__file__).parents[1]
OLD_PYTHON = ROOT / ".venv-driver-2017" / "bin" / "python"
ROUNDS = 15
NODES, PROJECTS, DELAY = 10_000, 200, 0.05
BLOG = "apps/WordPress/wordpress"


@attrs.frozen
class Row:
    """
    A measurement.

    :param what: What was measured, and beside what.
    :param ours: The driver's figure.
    :param beside: The other one.
    :param unit: Of both: ``s``, ``requests`` or ``MiB``.
    :param goal: What the ratio should be at most, if there is a goal.
    """

    what: str
    ours: float
    beside: float
    unit: str = "s"
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """The driver's figure, divided by the other one."""
        return self.ours / self.beside

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        goal = "" if self.goal is None else f"{self.goal:.2f}"
        return (self.what, self._figure(self.ours), self._figure(self.beside),
                f"{self.ratio:.2f}", goal)  # fmt: skip

    def _figure(self, value: float) -> str:
        return f"{value:.3f} s" if self.unit == "s" else f"{value:.0f} {self.unit}"


class BenchServer:
    """The server of :mod:`benchmarks.server`, and how the clients reach it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._login = self._read().split()
        self.url, self.user, self.password = self._login

    def __call__(self, command: str) -> int:
        """Carry out a command; return the number of requests since the last one."""
        assert self._process.stdin is not None
        print(command, file=self._process.stdin, flush=True)
        return int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """End the process."""
        with self._process:
            self._process.communicate()

    def driver(self) -> SlipStreamNodeDriver:
        """Log in."""
        return SlipStreamNodeDriver(self.user, self.password, ex_endpoint=self.url)

    def driver_of_2017(self, call: str, home: Path) -> dict[str, float]:
        """Make a call of the driver of 2017; return its times, and the number of ``requests``."""
        process = subprocess.Popen(
            [OLD_PYTHON, "-I", ROOT / "benchmarks" / "driver_2017.py", *self._login, call],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": str(home), "NO_PROXY": "*"},
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()  # it has logged in
            self("count")
            output, _ = process.communicate("\n")
        figures: dict[str, float] = json.loads(output)
        return figures | {"requests": self("count")}


@contextmanager
def bench_server() -> Iterator[BenchServer]:
    server = BenchServer()
    try:
        yield server
    finally:
        server.close()


def lists_of_nodes(server: BenchServer, home: Path) -> Iterator[Row]:
    driver, bare = server.driver(), _Bare(server)
    server(f"runs {NODES}")
    cpu = time.process_time
    ours, pages = _interleaved(
        lambda: driver.list_nodes(ex_addresses=False), lambda: bare.nodes(NODES), clock=cpu
    )
    yield Row(f"CPU: list_nodes() of {NODES:,} without addresses; bare requests", ours, pages,
              goal=2.0)  # fmt: skip
    ours, pages = _interleaved(
        lambda: [vars(node) for node in driver.list_nodes(ex_addresses=False)],
        lambda: bare.nodes(NODES),
        clock=cpu,
    )
    yield Row(
        "CPU: the same, and all attributes of each node are read; bare requests", ours, pages
    )
    server("runs 500")
    old = statistics.median(server.driver_of_2017("nodes", home)["cpu"] for _ in range(3))
    ours = _median(lambda: driver.list_nodes(ex_addresses=False), clock=cpu)
    yield Row("CPU: list_nodes() of 500, all that 2017's lists; driver of 2017", ours, old)
    server(f"runs {NODES}")
    server(f"delay {DELAY}")
    ours, pages = _interleaved(
        lambda: driver.list_nodes(ex_addresses=True), lambda: bare.nodes(NODES), rounds=3
    )
    server("delay 0")
    yield Row(f"wall: list_nodes() of {NODES:,} with addresses, {DELAY * 1000:.0f} ms a request;"
              " bare requests, pages alone", ours, pages, goal=1.2)  # fmt: skip
    server("runs 0")


def tree(server: BenchServer, home: Path) -> Iterator[Row]:
    driver = server.driver()
    server(f"projects {PROJECTS}")

    def recurse() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", modules.SkippedWarning)
            driver.list_images(ex_path="tree", ex_recurse=True)

    recurse()
    server(f"delay {DELAY}")
    ours = _median(recurse, rounds=3)
    old = server.driver_of_2017("tree", home)
    server("delay 0")
    yield Row(f"wall: a tree of {PROJECTS} projects, {DELAY * 1000:.0f} ms a request; driver of"
              " 2017", ours, old["wall"], goal=0.1)  # fmt: skip


def create_node(server: BenchServer, home: Path) -> Iterator[Row]:
    driver = server.driver()
    image = driver.get_image(BLOG)
    server("count")
    driver.create_node("blog", image=image)
    ours = server("count")
    old = server.driver_of_2017("create", home)["requests"]
    yield Row("create_node() after get_image(); driver of 2017", ours, old, "requests")


def flat_memory(server: BenchServer, home: Path) -> Iterator[Row]:
    def peak(nodes: int) -> float:
        server(f"runs {nodes}")
        login = f"{server.user!r}, {server.password!r}, ex_endpoint={server.url!r}"
        return _child(
            "from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as D\n"
            f"for node in D({login}).ex_iterate_nodes(ex_addresses=False): pass"
        )[1]

    rows = peak(10 * NODES), peak(NODES)
    server("runs 0")
    yield Row(f"peak memory: {10 * NODES:,} nodes iterated; {NODES:,} nodes", *rows, "MiB", 1.1)


def importing(server: BenchServer, home: Path) -> Iterator[Row]:
    def python(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    ours, libcloud = _interleaved(
        python("import slipstream.libcloud.compute_driver"),
        python("import libcloud.compute.base, libcloud.compute.providers"),
        rounds=21,
    )
    yield Row(
        "wall: importing the module that registers; libcloud's compute side",
        ours,
        libcloud,
        goal=1.15,
    )
    # The driver itself is loaded when it is used.
    get = "from libcloud.compute.providers import get_driver; get_driver"
    ours, libcloud = _interleaved(
        python(f"import slipstream.libcloud.compute_driver; {get}('slipstream')"),
        python(f"{get}('dummy')"),
        rounds=21,
    )
    yield Row("wall: loading the driver; loading libcloud's dummy driver", ours, libcloud)


def limits_of_bodies(server: BenchServer, home: Path) -> Iterator[Row]:
    """The largest bodies, beside the standard parser, each in a process of its own."""
    make = (
        "from slipstream.transport.messages import Response, MAX_ELEMENTS as N\n"
        "from xml.etree import ElementTree as ET; import json\n"
    )
    xml = "body = b'<r>' + b'<i/>' * (N - 1) + b'</r>'\n"
    values = "body = b'[' + b','.join([b'[]'] * (N // 2)) + b']'\n"
    response = "Response(status=200, headers={}, body=body, url='')"
    for what, text, ours, other in (
        (f"{MAX_ELEMENTS:,} elements of XML", xml, f"{response}.xml()", "ET.fromstring(body)"),
        (f"{MAX_ELEMENTS:,} values of JSON", values, f"{response}.json()", "json.loads(body)"),
    ):
        times, peaks = zip(
            _child(make + text, ours + " #"), _child(make + text, other + " #"), strict=True
        )
        yield Row(f"wall: {what}, the limit; the standard parser", *times)
        yield Row(f"peak memory: {what}, the limit; the standard parser", *peaks, "MiB")
    login = f"{server.user!r}, {server.password!r}, ex_endpoint={server.url!r}"
    driver = "from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as D\n"
    times, peaks = zip(
        _child(f"{driver}driver = D({login})", f"driver.connection.request({HUGE!r})"),
        _child("import requests", f"requests.get({server.url + HUGE!r}).content"),
        strict=True,
    )
    what = f"{MAX_BYTES // 2**20} MiB that were sent as {len(huge_body()) // 1024} kB, the limit"
    yield Row(f"wall: {what}; bare requests", *times)
    yield Row(f"peak memory: {what}; bare requests", *peaks, "MiB")


def parsing(server: BenchServer, home: Path) -> Iterator[Row]:
    entry = '<entry><runtimeParameter key="a" isSet="true">value</runtimeParameter></entry>'
    document = f"<run>{entry * 60000}</run>".encode()
    response = Response(status=200, headers={}, body=document, url="")
    yield Row("wall: parsing 5 MB of XML; ElementTree",
              *_interleaved(response.xml, lambda: ET.fromstring(document)))  # fmt: skip


def masking(server: BenchServer, home: Path) -> Iterator[Row]:
    body = json.dumps({"resources": [{"name": "x", "value": "y z", "n": 1}] * 5000}).encode()
    known = KnownSecrets()
    for number in range(30):
        known.keep(f"secret-{number}")
    redactor = Redactor(known)
    yield Row("wall: masking secrets in 200 kB of JSON; parsing and writing it", *_interleaved(
        lambda: redactor.body(body, "application/json"), lambda: json.dumps(json.loads(body))
    ))  # fmt: skip
    slow = (b'password="a"x ' * 30_000)[:400_000]
    yield Row("wall: searching 400 kB for secrets; 100 kB", *_interleaved(
        lambda: redactor.body(slow, "text/plain"),
        lambda: redactor.body(slow[:100_000], "text/plain"),
    ))  # fmt: skip


def threads(server: BenchServer, home: Path) -> Iterator[Row]:
    driver = server.driver()
    server("delay 0.01")

    def together() -> None:
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda _: driver.get_image(BLOG), range(320)))

    def alone() -> None:
        for _ in range(320):
            driver.get_image(BLOG)

    times = _interleaved(together, alone, rounds=3)
    server("delay 0")
    yield Row("wall: 320 reads by 32 threads, 10 ms a request; by one", *times)


MEASUREMENTS: tuple[Callable[[BenchServer, Path], Iterator[Row]], ...] = (
    lists_of_nodes,
    tree,
    create_node,
    flat_memory,
    importing,
    parsing,
    limits_of_bodies,
    masking,
    threads,
)


class _Bare:
    """A program that fetches and parses the same pages itself."""

    def __init__(self, server: BenchServer) -> None:
        self._url, self._session = server.url, requests.Session()

    def nodes(self, count: int) -> None:
        for offset in range(0, count, 500):
            query: dict[str, Any] = {"offset": offset, "limit": 500, "activeOnly": "true"}
            response = self._session.get(
                f"{self._url}/run", params=query, headers={"Accept": "application/xml"}
            )
            ET.fromstring(response.content)


def _child(setup: str, code: str = "") -> tuple[float, float]:
    """Run code in its own process: its seconds after the set-up, and its peak memory in MiB."""
    program = (
        f"import resource, time\n{setup}\nbegin = time.perf_counter()\nresult = {code or None}\n"
        "print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    seconds, kibibytes = map(float, output.split())
    return seconds, kibibytes / 1024


def _timed(function: Callable[[], object], clock: Callable[[], float]) -> float:
    gc.collect()  # else the garbage of what ran before is collected at this one's cost, or not
    begin = clock()
    function()
    return clock() - begin


def _median(
    function: Callable[[], object],
    *,
    clock: Callable[[], float] = time.perf_counter,
    rounds: int = ROUNDS,
) -> float:
    return statistics.median(_timed(function, clock) for _ in range(rounds))


def _interleaved(
    ours: Callable[[], object],
    other: Callable[[], object],
    *,
    clock: Callable[[], float] = time.perf_counter,
    rounds: int = ROUNDS,
) -> tuple[float, float]:
    """The medians of two functions that take turns, so that other load slows both."""
    ours(), other()
    pairs = [(_timed(ours, clock), _timed(other, clock)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
