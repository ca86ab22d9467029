"""The built pages hold nothing of the machine that built them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CANARY = "zQcanaryQz"


def test_no_built_page_holds_an_environment_variable(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "text", "docs", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "SLIPSTREAM_PASSWORD": CANARY, "CANARY": CANARY},
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.txt"))
    assert len(pages) > 20
    assert [page.name for page in pages if CANARY in page.read_text("utf-8")] == []
