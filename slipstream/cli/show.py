"""``slipstream show``: one node with its machines."""

from __future__ import annotations

from contextlib import suppress

import click
from libcloud.compute.base import Node

from slipstream.cli.driver_command import driver_command, find_node
from slipstream.cli.output import document, print_fields, print_json, print_table
from slipstream.errors import NotSupported
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@driver_command
@click.argument("node")
def show(driver: SlipStreamNodeDriver, as_json: bool, node: str) -> None:
    """Show a node, by its id or its name, and its machines."""
    print_node(driver, find_node(driver, node), as_json)


def print_node(driver: SlipStreamNodeDriver, node: Node, as_json: bool) -> None:
    """Print a node and its machines."""
    machines = []
    with suppress(NotSupported):  # as with a backend that knows deployments alone
        machines = driver.ex_list_virtual_machines(node=node)
    if as_json:
        print_json({**document(node), "machines": [document(machine) for machine in machines]})
        return
    print_fields(
        {
            "node": node.id,
            "name": node.name,
            "state": node.extra["state"],
            "failure": node.extra["abort"],
            "image": node.extra["module"],
            "location": node.extra["clouds"],
            "addresses": [*node.public_ips, *node.private_ips],
            "service": node.extra["service_url"],
            "tags": node.extra["tags"],
            "started": node.created_at,
        }
    )
    if machines:
        click.echo()
        print_table(
            ("MACHINE", "STATE", "ADDRESSES"),
            [
                (machine.name, machine.state, [*machine.public_ips, *machine.private_ips])
                for machine in machines
            ],
        )
