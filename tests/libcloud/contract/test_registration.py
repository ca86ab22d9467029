"""The drivers are found by every name and in every way that programs look for one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import distribution, entry_points
from pathlib import Path
from typing import Any

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


def python(code: str) -> str:
    """What a new interpreter prints, the last line of an error included."""
    kept = {n: v for n, v in os.environ.items() if "COV" in n or n == "PATH"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    return done.stdout + "".join(done.stderr.splitlines()[-1:])


@pytest.fixture
def table() -> Iterator[dict[Any, tuple[str, str]]]:
    """libcloud's table of drivers, put back afterwards."""
    before = dict(DRIVERS)
    yield DRIVERS
    DRIVERS.clear()
    DRIVERS.update(before)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("spelled", [str, str.upper, str.title, str.swapcase])
def test_a_driver_is_found_by_its_name_in_any_letters(
    name: str, spelled: Callable[[str], str]
) -> None:
    assert get_driver(spelled(name)) is CLASSES[name]
    assert libcloud.get_driver(DriverType.COMPUTE, spelled(name)) is CLASSES[name]


def test_a_driver_is_found_by_the_name_that_the_product_has() -> None:
    assert get_driver("SlipStream") is SlipStreamNodeDriver


@pytest.mark.parametrize("name", CLASSES)
def test_a_driver_is_found_by_libclouds_constant(name: str) -> None:
    constant = getattr(Provider, name.upper())
    assert constant == name
    assert get_driver(constant) is CLASSES[name]


@pytest.mark.parametrize(
    "module",
    ["slipstream.libcloud", "slipstream.libcloud.compute_driver", "slipstream.libcloud.errors"],
)
def test_importing_any_of_the_driver_is_enough(module: str) -> None:
    said = python(
        f"import {module}\n"
        "from libcloud.compute.types import Provider\n"
        "from libcloud.compute.providers import get_driver\n"
        "print(get_driver('SLIPSTREAM').name, get_driver(Provider.NUVLA).name)"
    )
    assert said == "SlipStream Nuvla\n"


@pytest.mark.parametrize("name", CLASSES)
def test_a_driver_is_found_as_an_entry_point(name: str) -> None:
    (entry,) = entry_points(group="libcloud.compute.drivers", name=name)
    assert entry.load() is CLASSES[name]
    assert entry.dist is not None
    assert entry.dist.name == distribution("slipstream-libcloud-driver").name


def test_registering_again_and_again_changes_nothing(
    table: dict[Any, tuple[str, str]],
) -> None:
    before = dict(table)
    slipstream.libcloud.register()
    slipstream.libcloud.register()
    assert table == before


def test_registering_from_sixteen_threads_at_once_registers_once(
    table: dict[Any, tuple[str, str]],
) -> None:
    expected = {name: table.pop(name) for name in CLASSES}
    ready, failures = threading.Barrier(16), []

    def register() -> None:
        ready.wait()
        try:
            slipstream.libcloud.register()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=register) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {name: table[name] for name in expected} == expected
    assert [str(key).lower() for key in table].count("slipstream") == 1


def test_a_module_that_is_loaded_again_registers_again() -> None:
    said = python(
        "import importlib, slipstream.libcloud, slipstream.libcloud.compute_driver as driver\n"
        "from libcloud.compute.providers import DRIVERS, get_driver\n"
        "del DRIVERS['slipstream']\n"
        "importlib.reload(slipstream.libcloud)\n"
        "importlib.reload(driver)\n"
        "print(get_driver('slipstream') is driver.SlipStreamNodeDriver)"
    )
    assert said == "True\n"


@pytest.mark.parametrize("spelling", ["slipstream", "SlipStream", "SLIPSTREAM"])
def test_register_refuses_a_name_of_another_driver_in_any_case(
    spelling: str, table: dict[Any, tuple[str, str]]
) -> None:
    for name in CLASSES:
        del table[name]
    table[spelling] = OTHER
    before = dict(table)
    with pytest.raises(AttributeError) as caught:
        slipstream.libcloud.register()
    assert f"another driver named {spelling!r}" in str(caught.value)
    assert ".".join(OTHER) in str(caught.value)
    assert table == before


def test_importing_beside_another_driver_of_the_name_says_which_one() -> None:
    said = python(
        "from libcloud.compute.providers import set_driver\n"
        f"set_driver('SlipStream', *{OTHER!r})\n"
        "import slipstream.libcloud"
    )
    assert said.startswith(
        "AttributeError: libcloud already has another driver named 'SlipStream'"
    )
    assert "DummyNodeDriver" in said


def test_one_s_own_driver_under_another_spelling_is_no_conflict(
    table: dict[Any, tuple[str, str]],
) -> None:
    ours = table.pop("slipstream")
    table["SlipStream"] = ours
    slipstream.libcloud.register()
    assert table["slipstream"] == ours


def test_a_driver_that_comes_later_under_another_spelling_does_not_take_the_name(
    table: dict[Any, tuple[str, str]],
) -> None:
    set_driver("SlipStream", *OTHER)  # type: ignore[arg-type]
    slipstream.libcloud.register()
    assert get_driver("slipstream") is SlipStreamNodeDriver
    assert get_driver(Provider.SLIPSTREAM) is SlipStreamNodeDriver  # type: ignore[attr-defined]
    assert table["SlipStream"] == OTHER


def test_libclouds_own_second_registration_of_the_name_is_still_refused() -> None:
    with pytest.raises(AttributeError, match="already registered"):
        set_driver("slipstream", *OTHER)  # type: ignore[arg-type]
    assert get_driver("slipstream") is SlipStreamNodeDriver


def test_providers_are_like_libclouds_own_members() -> None:
    for member, name in ((Provider.SLIPSTREAM, "slipstream"), (Provider.NUVLA, "nuvla")):  # type: ignore[attr-defined]
        assert member == member.value == str(member) == name
        assert Provider.tostring(member) == name.upper()
        assert Provider.fromstring(name) is member
        assert {name: 1}[member] == 1
        assert pickle.loads(pickle.dumps(member)) is member
