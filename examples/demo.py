"""Run an example against the local sandbox, one family after the other: ``make demo``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).with_name("wordpress.py")
FAMILIES = ("slipstream", "nuvla")


def main() -> int:
    return max(run_on(family) for family in FAMILIES)


def run_on(family: str) -> int:
    command = ["sandbox", "--family", family, "--speed", "20", "--json"]
    print(f"$ slipstream {' '.join(command)} &")
    with subprocess.Popen(
        [sys.executable, "-m", "slipstream", *command], stdout=subprocess.PIPE, text=True
    ) as sandbox:
        try:
            return run_example(sandbox)
        finally:
            sandbox.terminate()
            print()


def run_example(sandbox: subprocess.Popen[str]) -> int:
    assert sandbox.stdout is not None
    first_line = sandbox.stdout.readline()
    if not first_line:
        print("The sandbox did not start; its own message is above.", file=sys.stderr)
        return 1
    said = json.loads(first_line)
    given = {name: said[name] for name in ("username", "password")} | {"endpoint": said["url"]}
    for name, value in given.items():
        shown = "..." if name == "password" else value
        print(f"$ export SLIPSTREAM_{name.upper()}={shown}")
    print(f"$ python examples/{EXAMPLE.name}", flush=True)
    variables = {f"SLIPSTREAM_{name.upper()}": value for name, value in given.items()}
    return subprocess.call([sys.executable, str(EXAMPLE)], env={**os.environ, **variables})


if __name__ == "__main__":
    sys.exit(main())
