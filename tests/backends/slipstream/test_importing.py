from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from libcloud.compute.providers import DRIVERS, get_driver

from slipstream.libcloud import NAME, register
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

ROOT = Path(__file__).parents[3]
EXTRAS = {"flask", "werkzeug", "vcr", "pytest", "hypothesis", "yaml"}


def python(code: str, *paths: Path) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if "COV" in name or name == "PATH"},
        "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT])),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return done.stdout + done.stderr


def test_importing_the_driver_registers_it() -> None:
    assert get_driver(NAME) is SlipStreamNodeDriver  # type: ignore[arg-type]


def test_registering_twice_changes_nothing() -> None:
    before = dict(DRIVERS)
    register()
    register()
    assert before == DRIVERS


def test_a_name_that_another_driver_has_taken_is_not_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(DRIVERS, NAME, ("elsewhere", "OtherDriver"))
    with pytest.raises(AttributeError, match=r"another driver named 'slipstream': elsewhere\.Oth"):
        register()


def test_loading_the_driver_again_is_harmless() -> None:
    output = python(
        "import importlib, slipstream.libcloud.compute_driver as driver\n"
        "importlib.reload(driver)\n"
        "import slipstream.libcloud\n"
        "importlib.reload(slipstream.libcloud)\n"
        "importlib.reload(driver)\n"
        "from libcloud.compute.providers import get_driver\n"
        "print(get_driver('slipstream') is driver.SlipStreamNodeDriver)"
    )
    assert output == "True\n"


def test_importing_the_driver_loads_nothing_of_the_extras() -> None:
    output = python(
        "import sys, libcloud.compute.base\n"  # which imports paramiko, and that yaml, if it can
        "before = set(sys.modules)\n"
        "import slipstream.libcloud.compute_driver, slipstream.plugins\n"
        "slipstream.plugins.default_plugins()\n"
        f"print(sorted({EXTRAS!r} & (set(sys.modules) - before)))"
    )
    assert output == "[]\n"


def test_importing_the_driver_needs_nothing_of_the_extras() -> None:
    output = python(
        f"import sys\nfor name in {sorted(EXTRAS)!r}: sys.modules[name] = None\n"
        "import slipstream.libcloud.compute_driver\nprint('fine')"
    )
    assert output == "fine\n"


def test_the_old_client_beside_the_driver_is_a_readable_error(tmp_path: Path) -> None:
    metadata = tmp_path / "slipstream_api-0.9.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: slipstream-api\nVersion: 0.9.3\n"
    )
    output = python("import slipstream.libcloud.compute_driver", tmp_path)
    last = output.splitlines()[-1]
    assert last.startswith("ImportError: slipstream-api 0.9.3 is installed in this environment.")
    assert "pip uninstall slipstream-api" in last


def test_importing_the_driver_prints_nothing_and_opens_no_connection() -> None:
    output = python(
        "import socket\n"
        "def refuse(*_): raise AssertionError('a connection was wanted')\n"
        "socket.socket.connect = refuse\n"
        "import slipstream.libcloud.compute_driver"
    )
    assert output == ""


def test_loading_the_driver_loads_no_cryptography() -> None:
    output = python(
        "import sys; sys.modules['paramiko'] = None\n"  # which libcloud imports, if it can
        "from slipstream.libcloud.compute_driver import SlipStreamNodeDriver\n"
        "print('cryptography' in sys.modules)"
    )
    assert output == "False\n"
