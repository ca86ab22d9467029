"""What importing the driver does; how it is found is in test_registration.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXTRAS = {"flask", "werkzeug", "vcr", "pytest", "hypothesis", "yaml"}
IMPORT = "import slipstream.libcloud.compute_driver"


def python(code: str, *paths: Path) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if "COV" in name or name == "PATH"},
        "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT])),
    }
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


# libcloud imports paramiko, and that yaml and cryptography, if it can.
LOADS = f"""
import sys, libcloud.compute.base
before = set(sys.modules)
{IMPORT}, slipstream.plugins
slipstream.plugins.default_plugins()
print(sorted({EXTRAS!r} & (set(sys.modules) - before)))
"""
NEEDS = f"import sys\nfor name in {EXTRAS!r}: sys.modules[name] = None\n{IMPORT}"
CRYPTOGRAPHY = f"""
import sys
sys.modules["paramiko"] = None
{IMPORT}
print("cryptography" in sys.modules)
"""
CONNECTS = f"""
import socket
def refuse(*_): raise AssertionError("a connection was wanted")
socket.socket.connect = refuse
{IMPORT}
"""


@pytest.mark.parametrize(
    ("code", "output"),
    [(LOADS, "[]\n"), (NEEDS, ""), (CRYPTOGRAPHY, "False\n"), (CONNECTS, "")],
    ids=["loads no extras", "needs no extras", "loads no cryptography", "connects to nothing"],
)
def test_importing_the_driver(code: str, output: str) -> None:
    assert python(code) == output


def test_importing_the_driver_beside_the_old_client(tmp_path: Path) -> None:
    metadata = tmp_path / "slipstream_api-0.9.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: slipstream-api\nVersion: 0.9.3\n"
    )
    last = python(IMPORT, tmp_path).splitlines()[-1]
    assert last.startswith("ImportError: slipstream-api 0.9.3 is installed in this environment.")
    assert "pip uninstall slipstream-api" in last
