"""``slipstream logs``: the last lines of a node's components."""

from __future__ import annotations

from collections.abc import Sequence

import click

from slipstream.cli.driver_command import driver_command, find_node
from slipstream.cli.output import print_json
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.values.text import safe_text


@driver_command
@click.argument("node")
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
@click.option("--lines", type=click.IntRange(1), default=200, show_default=True)
def logs(
    driver: SlipStreamNodeDriver, as_json: bool, node: str, components: Sequence[str], lines: int
) -> None:
    """
    Print the last lines that components of a node have logged (not on SlipStream).

    A node with a single component needs none.
    """
    texts = driver.ex_get_node_logs(find_node(driver, node), components, lines=lines)
    if as_json:
        print_json(texts)
        return
    for component, entries in texts.items():
        for entry in entries:
            prefix = f"{component}  " if len(texts) > 1 else ""
            click.echo(f"{prefix}{safe_text(entry, len(entry) * 10)}")
