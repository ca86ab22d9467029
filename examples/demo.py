"""Run an example against the local sandbox of each family, line by line: ``make demo``."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

EXAMPLE = Path(__file__).with_name("wordpress.py")
FAMILIES = {"slipstream": "SlipStream", "nuvla": "Nuvla"}
SPEED = "30"
COMMAND = Path(sys.executable).with_name("slipstream")
NEXT = (
    (f"{os.path.relpath(COMMAND)} sandbox", "start a server, and paste the lines that it prints"),
    (f"{os.path.relpath(COMMAND)} --help", "deploy from the shell"),
    ("docs/getting-started.md", "write a program of your own"),
)

console = Console()


def main() -> int:
    for family in FAMILIES:
        code = run_on(family)
        if code:
            return code
    heading("What next")
    width = max(len(what) for what, _ in NEXT)
    for what, why in NEXT:
        show(f"{what:{width}}  {why}")
    return 0


def run_on(family: str) -> int:
    heading(f"WordPress on {FAMILIES[family]}")
    command = ["sandbox", "--family", family, "--port", "0", "--speed", SPEED, "--json"]
    show(f"$ slipstream sandbox --family {family} --speed {SPEED}", style="bold")
    with subprocess.Popen(
        [sys.executable, "-m", "slipstream", *command], stdout=subprocess.PIPE, text=True
    ) as sandbox:
        try:
            first_line = sandbox.stdout.readline() if sandbox.stdout else ""
            if not first_line:
                show("The sandbox did not start; its own message is above.", style="red")
                return 1
            run_example(json.loads(first_line))
        finally:
            sandbox.terminate()
    return 0


def run_example(server: dict[str, str]) -> None:
    show(f"Open {server['url']}/ in a browser to watch it.")
    for name, value in (("ENDPOINT", "url"), ("USERNAME", "username"), ("PASSWORD", "password")):
        os.environ[f"SLIPSTREAM_{name}"] = server[value]
        text = "..." if name == "PASSWORD" else server[value]
        show(f"$ export SLIPSTREAM_{name}={text}", style="bold")
    show(f"$ python examples/{EXAMPLE.name}", style="bold")
    run_announced(EXAMPLE.read_text("utf-8"))


def announced(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Put a call that prints a statement before each of them."""
    for statement in statements:
        if isinstance(statement, ast.Try):
            statement.body = list(announced(statement.body))
            statement.finalbody = list(announced(statement.finalbody))
        else:
            yield from ast.parse(f"announce({statement.lineno}, {statement.end_lineno})").body
        yield statement


def run_announced(source: str) -> None:
    """Run a program, and print each of its statements, as the interpreter does, before it runs."""
    syntax = Syntax("", "pycon", theme="ansi_light", background_color="default")

    def announce(first: int, last: int) -> None:
        text = textwrap.dedent("\n".join(source.splitlines()[first - 1 : last]))
        show(syntax.highlight(">>> " + text.replace("\n", "\n... ")), end="")

    tree = ast.parse(source)
    tree.body = list(announced(tree.body[1:]))  # without the docstring
    exec(compile(tree, EXAMPLE.name, "exec"), {"announce": announce})


def heading(text: str) -> None:
    show(f"\n{text}\n{'=' * len(text)}", style="bold cyan")


def show(text: str | Text, style: Any = None, end: str = "\n") -> None:
    console.print(text, style=style, end=end, markup=False, highlight=False, soft_wrap=True)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
