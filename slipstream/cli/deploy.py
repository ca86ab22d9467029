"""``slipstream deploy``: create a node."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click
from libcloud.compute.base import NodeImage

from slipstream.cli.driver_command import driver_command, find
from slipstream.cli.show import print_node
from slipstream.cli.wait import timeout_option, wait_and_print
from slipstream.errors import BadInput
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@driver_command
@click.argument("image")
@click.option("--name", help="The name of the node.")
@click.option("--location", metavar="NAME", help="The cloud to deploy on.")
@click.option("--size", metavar="ID", help="The service offer for its machines.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of a parameter; of an application with nodes, NODE:NAME=VALUE. Repeatable.",
)
@click.option("--wait", is_flag=True, help="Wait until it runs.")
@timeout_option
def deploy(
    driver: SlipStreamNodeDriver,
    as_json: bool,
    image: str,
    name: str | None,
    location: str | None,
    size: str | None,
    parameters: Sequence[str],
    wait: bool,
    timeout: float,
) -> None:
    """Deploy an image, as in apps/WordPress/wordpress, and show the new node."""
    module = driver.get_image(image)
    node = driver.create_node(
        name=name,
        image=module,
        location=find(driver.list_locations() if location else [], "location", location),
        size=find(driver.list_sizes(ex_all=True) if size else [], "size", size),
        ex_parameters=_parse(parameters, module),
    )
    if not wait:
        print_node(driver, node, as_json)
        return
    # The id must be known even if the wait fails. What cannot be printed does not end it.
    with suppress(OSError):
        click.echo(f"Deployed {node.id}.", err=True)
    wait_and_print(driver, node, as_json, timeout)


def _parse(parameters: Sequence[str], image: NodeImage) -> dict[str, Any]:
    """The parameters of a component, or those of each node of an application."""
    values: dict[str, Any] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or not name:
            raise BadInput("--param takes a name and a value, as in --param title=Hello.")
        node, colon, own_name = name.partition(":")
        if image.extra.get("nodes") and colon:
            values.setdefault(node, {})[own_name] = value
        else:
            values[name] = value
    return values
