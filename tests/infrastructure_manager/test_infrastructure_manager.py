"""The Infrastructure Manager runs machines by the driver, as it does by any of libcloud's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from driving import interpreter
from endpoints_under_test import BLOG, LiveEndpoint

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-infrastructure-manager" / "bin" / "python"
DRIVE = Path(__file__).with_name("drive.py")


def test_a_machine_from_its_description_to_its_end(endpoint: LiveEndpoint, tmp_path: Path) -> None:
    driver = endpoint.login()
    is_nuvla = endpoint.family == "nuvla"
    keys = [pair.name for pair in driver.list_key_pairs()]
    image = driver.get_image(BLOG).id if is_nuvla else BLOG
    login = [endpoint.url, endpoint.sandbox.key, endpoint.sandbox.secret]
    paths = [str(ROOT), *(path for path in sys.path if str(tmp_path) in path or "plugins" in path)]
    with endpoint.passing_time():
        done = subprocess.run(
            [interpreter(PYTHON, os.environ), DRIVE, *login, is_nuvla * "swarm-lausanne", image],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PYTHONPATH": os.pathsep.join(paths), "HOME": str(tmp_path), "NO_PROXY": "*"},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["launched"] is (None if is_nuvla else True)
    assert report["size"] == driver.list_sizes()[0].name or not is_nuvla
    assert report["address"]
    assert ("PRIVATE KEY" in report["key"]) != is_nuvla
    assert report["stopped"] is True if is_nuvla else "stop" in report["stopped"]
    assert report["finalized"] == [True, ""]
    endpoint.pass_time()
    assert driver.list_nodes() == []
    assert [pair.name for pair in driver.list_key_pairs()] == keys
