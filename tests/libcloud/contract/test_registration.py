"""The drivers are found by every name and in every way, and importing them does little else."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution, entry_points
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest import mock

import libcloud
import pytest
from libcloud.base import DriverType
from libcloud.compute.providers import DRIVERS, get_driver, set_driver
from libcloud.compute.types import Provider

import slipstream.libcloud
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver

ROOT = Path(__file__).parents[3]
CLASSES = {"slipstream": SlipStreamNodeDriver, "nuvla": NuvlaNodeDriver}
OTHER = ("libcloud.compute.drivers.dummy", "DummyNodeDriver")
EXTRAS = {"flask", "werkzeug", "vcr", "pytest", "hypothesis", "yaml"}
IMPORT = "import slipstream.libcloud.compute_driver"

Table = dict[Any, tuple[str, str]]


def python(code: str, *paths: Path) -> str:
    """What a new interpreter prints, of an error the last line alone."""
    environment = {name: value for name, value in os.environ.items() if "COV" in name}
    environment |= {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT))),
    }
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + "".join(done.stderr.splitlines()[-1:])


@pytest.fixture
def table() -> Iterator[Table]:
    """libcloud's table of drivers, put back afterwards."""
    with mock.patch.dict(DRIVERS):
        yield DRIVERS


@pytest.mark.parametrize("name", CLASSES)
def test_driver_is_found_by_its_name_its_constant_and_its_entry_point(name: str) -> None:
    for spelling in (name, name.upper(), name.title(), name.swapcase(), "SlipStream"):
        if spelling.lower() == name:
            assert get_driver(spelling) is CLASSES[name]
            assert libcloud.get_driver(DriverType.COMPUTE, spelling) is CLASSES[name]
    member = getattr(Provider, name.upper())
    assert get_driver(member) is CLASSES[name]
    assert member == member.value == str(member) == name
    assert Provider.tostring(member) == name.upper()
    assert Provider.fromstring(name) is member
    assert {name: 1}[member] == 1
    assert pickle.loads(pickle.dumps(member)) is member
    (entry,) = entry_points(group="libcloud.compute.drivers", name=name)
    assert entry.load() is CLASSES[name]
    assert entry.dist is not None
    assert entry.dist.name == distribution("slipstream-libcloud-driver").name


def test_register_in_sixteen_threads_registers_once(table: Table) -> None:
    before = dict(table)
    slipstream.libcloud.register()
    assert table == before
    for name in CLASSES:
        del table[name]
    ready = Barrier(16)

    def register(_: int) -> None:
        ready.wait()
        slipstream.libcloud.register()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(register, range(16)))
    assert table == before


@pytest.mark.parametrize("spelling", ["slipstream", "SlipStream", "SLIPSTREAM"])
def test_register_beside_another_driver_of_the_name(spelling: str, table: Table) -> None:
    for name in CLASSES:
        del table[name]
    table[spelling] = OTHER
    before = dict(table)
    with pytest.raises(AttributeError) as caught:
        slipstream.libcloud.register()
    assert f"another driver named {spelling!r}" in str(caught.value)
    assert ".".join(OTHER) in str(caught.value)
    assert table == before


def test_register_keeps_the_name_from_drivers_that_come_later(table: Table) -> None:
    own = table["SlipStream"] = table.pop("slipstream")
    slipstream.libcloud.register()
    assert table["slipstream"] == own
    del table["SlipStream"]
    set_driver("SlipStream", *OTHER)  # type: ignore[arg-type]
    slipstream.libcloud.register()
    with pytest.raises(AttributeError, match="already registered"):
        set_driver("slipstream", *OTHER)  # type: ignore[arg-type]
    assert get_driver("slipstream") is SlipStreamNodeDriver
    assert get_driver(Provider.SLIPSTREAM) is SlipStreamNodeDriver  # type: ignore[attr-defined]
    assert table["SlipStream"] == OTHER


FIND = """
from libcloud.compute.types import Provider
from libcloud.compute.providers import get_driver
print(get_driver('SLIPSTREAM').name, get_driver(Provider.NUVLA).name)
"""
RELOAD = """
import importlib, slipstream.libcloud, slipstream.libcloud.compute_driver as driver
from libcloud.compute.providers import DRIVERS, get_driver
del DRIVERS['slipstream']
importlib.reload(slipstream.libcloud)
importlib.reload(driver)
print(get_driver('slipstream') is driver.SlipStreamNodeDriver)
"""
LOADS = f"""
import socket, sys, libcloud.compute.base
def refuse(*_): raise AssertionError("a connection is opened")
socket.socket.connect = refuse
before = set(sys.modules)
{IMPORT}, slipstream.plugins
slipstream.plugins.default_plugins()
print(sorted({EXTRAS!r} & (set(sys.modules) - before)))
"""
# libcloud imports paramiko, and that yaml and cryptography, if it can.
NEEDS = f"""
import sys
for name in {EXTRAS | {"paramiko"}!r}: sys.modules[name] = None
{IMPORT}
print("cryptography" in sys.modules)
"""
BESIDE = f"""
from libcloud.compute.providers import set_driver
set_driver('SlipStream', *{OTHER!r})
import slipstream.libcloud
"""
TAKEN = (
    "AttributeError: libcloud already has another driver named 'SlipStream':"
    " libcloud.compute.drivers.dummy.DummyNodeDriver. 'slipstream' would be taken for it:"
    " register that one under another name."
)
BOTH = "SlipStream Nuvla\n"
PROGRAMS = {
    "registers both drivers": (f"import slipstream.libcloud\n{FIND}", BOTH),
    "of its driver registers": (f"{IMPORT}\n{FIND}", BOTH),
    "of its errors registers": (f"import slipstream.libcloud.errors\n{FIND}", BOTH),
    "again registers again": (RELOAD, "True\n"),
    "loads no extras and connects to nothing": (LOADS, "[]\n"),
    "needs no extras and no cryptography": (NEEDS, "False\n"),
    "beside another driver of the name": (BESIDE, TAKEN),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_importing(name: str) -> None:
    code, output = PROGRAMS[name]
    assert python(code) == output


def test_importing_beside_the_old_client(tmp_path: Path) -> None:
    metadata = tmp_path / "slipstream_api-0.9.3.dist-info"
    metadata.mkdir()
    text = "Metadata-Version: 2.1\nName: slipstream-api\nVersion: 0.9.3\n"
    (metadata / "METADATA").write_text(text)
    line = python(IMPORT, tmp_path)
    assert line.startswith("ImportError: slipstream-api 0.9.3 is installed in this environment.")
    assert "pip uninstall slipstream-api" in line
