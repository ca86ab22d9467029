"""``slipstream login``: check a profile."""

from __future__ import annotations

import click

from slipstream.cli.driver_command import driver_command
from slipstream.cli.output import print_json
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@driver_command
def login(driver: SlipStreamNodeDriver, as_json: bool) -> None:
    """Check that the credentials of the environment or of a profile are accepted."""
    if as_json:
        print_json({"endpoint": driver.ex_endpoint, "login": driver.key})
    else:
        who = f" as {driver.key}" if driver.key else ""
        click.echo(f"Logged in to {driver.ex_endpoint}{who}.")
