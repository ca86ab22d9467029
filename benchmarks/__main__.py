"""Run every measurement: ``make bench``; write ``benchmarks/results.md``."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.measurements import MEASUREMENTS, ROOT, Row, bench_server

RESULTS = Path(__file__).with_name("results.md")
HEADER = ("what; beside what", "ours", "beside", "ratio", "goal")


def measure(names: Sequence[str]) -> list[Row]:
    """Run the measurements of some names, or all; print each row as it comes."""
    rows = []
    with bench_server() as server, tempfile.TemporaryDirectory() as home:
        for measurement in MEASUREMENTS:
            if names and measurement.__name__ not in names:
                continue
            for row in measurement(server, Path(home)):
                what, *figures = row.cells
                print(f"{what:<102}" + "".join(f"{figure:>13}" for figure in figures), flush=True)
                rows.append(row)
    return rows


def document(rows: Sequence[Row]) -> str:
    """The results as a page, with the machine and the date."""
    lines = [HEADER, ("---", "---:", "---:", "---:", "---:"), *(row.cells for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    libraries = " and ".join(f"{n} {metadata.version(n)}" for n in ("apache-libcloud", "requests"))
    return f"""# Measurements

By `make bench` on {datetime.now(UTC):%Y-%m-%d}, at commit {_git("rev-parse", "--short", "HEAD")},
with Python {platform.python_version()}, {libraries}
on {platform.system()} {platform.machine()}, {os.cpu_count()} cores ({_processor()}),
load {os.getloadavg()[1]:.1f}.

Each row has two figures of one run and their ratio; a goal is what the ratio should be at most.
The server runs in a process of its own and costs next to nothing (`benchmarks/server.py`).
"Bare requests" fetches the same pages one after the other and parses them with ElementTree.
Garbage is collected before each timing.

{table}
"""


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.strip()


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="which; all when left out, and written then")
    names = parser.parse_args().names
    rows = measure(names)
    if not names:
        RESULTS.write_text(document(rows), "utf-8")


if __name__ == "__main__":
    main()
