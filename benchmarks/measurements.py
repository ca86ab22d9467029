"""
What is measured, and beside what.

A time alone says more about the machine than about the code, so each figure stands beside
another one from the same process and the same server.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch
from xml.etree import ElementTree as ET

import requests

from slipstream.backends.slipstream import modules, xml
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.redaction import Redactor
from slipstream.redaction.values import KnownSecrets
from slipstream.sandbox import Sandbox

ROUNDS = 5
Measurement = tuple[str, float, float]


def listing_beside_bare_requests() -> Measurement:
    """2,000 nodes as libcloud objects, beside only fetching and parsing the same pages."""
    with Sandbox() as sandbox:
        driver = _driver(sandbox)
        sandbox.world.add_runs(2000)
        session = requests.Session()
        session.cookies.update({cookie.name: cookie.value for cookie in _cookies(driver)})

        def bare() -> None:
            for offset in range(0, 2000, 500):
                query = {"offset": offset, "limit": 500, "activeOnly": "true"}
                answer = session.get(f"{sandbox.url}/run", params=query, headers=_XML)
                ET.fromstring(answer.content)

        return "list_nodes() of 2,000, beside bare requests", _time(driver.list_nodes), _time(bare)


def tree_side_by_side() -> Measurement:
    """A tree of projects read side by side, beside one project after the other."""
    with Sandbox() as sandbox:
        driver = _driver(sandbox)
        sandbox.faults.add(path="/module.*", delay=0.02, times=None)

        def tree() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", modules.SkippedWarning)
                driver.list_images(ex_path="", ex_recurse=True)

        together = _time(tree)
        with patch.object(modules, "AT_ONCE", 1):
            alone = _time(tree)
    return "list_images(ex_recurse=True), beside one at a time", together, alone


def safe_parsing() -> Measurement:
    """A run document of 5 MB parsed safely, beside the standard parser."""
    entry = '<entry><runtimeParameter key="a" isSet="true">value</runtimeParameter></entry>'
    document = f"<run>{entry * 60000}</run>".encode()
    return (
        "parsing 5 MB without trusting it, beside ElementTree",
        _time(lambda: xml.parse_bytes(document)),
        _time(lambda: ET.fromstring(document)),
    )


def showing() -> Measurement:
    """An answer of 200 kB with its secrets masked, beside parsing it and writing it again."""
    document = json.dumps({"resources": [{"name": "x", "value": "y z", "n": 1}] * 5000})
    known = KnownSecrets()
    for number in range(30):
        known.keep(f"secret-{number}")
    redactor = Redactor(known)
    return (
        "masking secrets in 200 kB, beside parsing and writing",
        _time(lambda: redactor.body(document.encode(), "application/json")),
        _time(lambda: json.dumps(json.loads(document))),
    )


def searching() -> Measurement:
    """400 kB that are made to be slow to search for secrets, beside a quarter of them."""
    redactor = Redactor(KnownSecrets())
    strange = (b'password="a"x ' * 30_000)[:400_000]
    return (
        "searching 400 kB for secrets, beside 100 kB",
        _time(lambda: redactor.body(strange, "text/plain")),
        _time(lambda: redactor.body(strange[:100_000], "text/plain")),
    )


def threads() -> Measurement:
    """320 readings by 32 threads of one driver, beside the same by one thread."""
    with Sandbox() as sandbox:
        driver = _driver(sandbox)
        sandbox.faults.add(path="/appstore", delay=0.01, times=None)

        def together() -> None:
            with ThreadPoolExecutor(32) as pool:
                list(pool.map(lambda _: driver.list_images(), range(320)))

        def alone() -> None:
            for _ in range(320):
                driver.list_images()

        return "320 readings by 32 threads, beside one", _time(together), _time(alone)


def importing() -> Measurement:
    """Importing the driver in a new process, beside importing libcloud's compute side."""
    return (
        "importing the driver, beside libcloud alone",
        _time(lambda: _python("import slipstream.libcloud.compute_driver")),
        _time(lambda: _python("import libcloud.compute.base, libcloud.compute.providers")),
    )


MEASUREMENTS: tuple[Callable[[], Measurement], ...] = (
    listing_beside_bare_requests,
    tree_side_by_side,
    safe_parsing,
    showing,
    searching,
    threads,
    importing,
)
_XML = {"Accept": "application/xml"}


def _driver(sandbox: Sandbox) -> SlipStreamNodeDriver:
    return SlipStreamNodeDriver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url)


def _cookies(driver: SlipStreamNodeDriver) -> list[requests.cookies.Cookie]:
    return list(driver._session.cookies)  # noqa: SLF001 - the same login for both


def _time(function: Callable[[], object]) -> float:
    function()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)
