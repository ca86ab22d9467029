"""
Make the pictures of the documents from the programs that they show: ``make pictures``.

The dashboard is a screenshot of Debian's chromium, and the progress line is what a terminal shows.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Clock, Sandbox

PICTURES = Path(__file__).parent / "_static" / "pictures"
COLUMNS = 80
DEPLOY = "deploy examples/tutorials/service-testing/system --name test --wait"
# The fonts of rich's own format are on another site.
SVG = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    take_dashboard()
    draw_progress()


def take_dashboard() -> None:
    """One deployment that runs, one that failed, and one on its way."""
    with Sandbox(clock=Clock(speed=0)) as sandbox, sync_playwright() as playwright:
        login = (sandbox.username, sandbox.password)
        with SlipStreamNodeDriver(*login, ex_endpoint=sandbox.url) as driver:
            place = driver.list_locations()[-1]
            for name, path, seconds in (
                ("my-blog", "apps/WordPress/wordpress", 600),
                ("broken", "examples/tutorials/failing", 600),
                ("test", "examples/tutorials/service-testing/system", 80),
            ):
                driver.create_node(name, image=driver.get_image(path), location=place)
                for _ in range(seconds // 10):
                    sandbox.clock.advance(10)
                    driver.list_nodes()
        sandbox.clock.speed = 20
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1040, "height": 760}, color_scheme=scheme)
            page.goto(sandbox.url)
            page.screenshot(path=PICTURES / f"dashboard-{scheme}.png")
        browser.close()


def draw_progress() -> None:
    with Sandbox(speed=60) as sandbox:
        environment = {
            **os.environ,
            "COLUMNS": str(COLUMNS),
            "SLIPSTREAM_ENDPOINT": sandbox.url,
            "SLIPSTREAM_USERNAME": sandbox.username,
            "SLIPSTREAM_PASSWORD": sandbox.password,
        }
        lines = run_in_terminal([sys.executable, "-m", "slipstream", *DEPLOY.split()], environment)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(f"$ slipstream {DEPLOY}", highlight=False)
    for line in lines:
        console.print(Text.from_ansi(line))
    console.save_svg(str(PICTURES / "progress.svg"), title="slipstream deploy", code_format=SVG)


def run_in_terminal(command: list[str], environment: dict[str, str]) -> list[str]:
    """The lines that a terminal shows once a command has ended, without what was overwritten."""
    process, terminal = pty.fork()
    if process == 0:
        os.execve(command[0], command, environment)
    output = b""
    try:
        while part := os.read(terminal, 4096):
            output += part
    except OSError:  # the other end is closed
        os.waitpid(process, 0)
    lines = output.decode().replace("\r\n", "\n").rstrip().split("\n")
    return [line.rpartition("\r")[2] for line in lines]


if __name__ == "__main__":
    main()
