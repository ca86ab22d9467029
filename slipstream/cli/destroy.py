"""``slipstream destroy``: terminate a node."""

from __future__ import annotations

import click

from slipstream.cli.app import FAILED
from slipstream.cli.driver_command import driver_command, find_node
from slipstream.cli.output import print_json
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@driver_command
@click.argument("node")
@click.option("--yes", is_flag=True, help="Destroy without a confirmation.")
def destroy(driver: SlipStreamNodeDriver, as_json: bool, node: str, yes: bool) -> None:
    """Destroy a node and its machines, after a confirmation."""
    target = find_node(driver, node)
    if not (yes or _confirm(f"Destroy {target.name} ({target.id}, {target.extra['state']})?")):
        click.echo("slipstream destroy: nothing was destroyed; answer y, or give --yes", err=True)
        click.get_current_context().exit(FAILED)
    driver.destroy_node(target)
    if as_json:
        print_json({"id": target.id, "destroyed": True})
    else:
        click.echo(f"Destroyed {target.id}.")


def _confirm(text: str) -> bool:
    try:
        return click.confirm(text, err=True)
    except click.Abort:  # there is no input
        click.echo(err=True)
        return False
