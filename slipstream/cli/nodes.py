"""The subcommands for lists and for single nodes, and ``login``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import TIMEOUT_MAX
from typing import Any

import click
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.cli.app import FAILED, Number
from slipstream.cli.driver_command import (
    document,
    driver_command,
    find,
    find_node,
    print_fields,
    print_json,
    print_table,
    short_id,
)
from slipstream.errors import BadInput, NotSupported
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.progress import ProgressLine
from slipstream.values.plain import safe_text


@driver_command
def login(driver: Driver, as_json: bool) -> None:
    """Check that the credentials of the environment or of a profile are accepted."""
    if as_json:
        print_json({"endpoint": driver.ex_endpoint, "login": driver.key})
    else:
        user = f" as {driver.key}" if driver.key else ""
        click.echo(f"Logged in to {driver.ex_endpoint}{user}.")


def _list_command(
    columns: Sequence[str], row: Callable[[Any], Sequence[object]], *, unfolded: int = 0
) -> Callable[[Callable[..., Iterable[Any]]], click.Command]:
    """Make a command of a function that lists resources with a driver."""

    def decorate(function: Callable[..., Iterable[Any]]) -> click.Command:
        @functools.wraps(function)
        def run(driver: Driver, as_json: bool, **arguments: Any) -> None:
            resources = function(driver, **arguments)
            if as_json:
                print_json([document(resource) for resource in resources])
            else:
                print_table(columns, map(row, resources), unfolded=unfolded)

        return driver_command(run)

    return decorate


@_list_command(
    ("IMAGE", "TYPE", "DESCRIPTION"),
    lambda image: (image.extra["path"], image.extra["type"], image.extra["description"]),
)
@click.option("--path", metavar="PROJECT", help="Those of a project instead of the App Store.")
def images(driver: Driver, path: str | None) -> list[NodeImage]:
    """List the components and applications that can be deployed."""
    return driver.list_images(ex_path=path)


def _size_row(size: NodeSize) -> tuple[str, ...]:
    machine = "/".join(_number(size, name) for name in ("cpu", "ram", "disk"))
    price = f"{_number(size, 'price')} {size.extra['currency'] or ''}"
    return (short_id(size), machine, price, ", ".join(size.extra["locations"]))


def _number(size: NodeSize, name: str) -> str:
    value = size.extra["cpu"] if name == "cpu" else getattr(size, name)
    if value is None or name in size.extra["unknown"]:
        return "?"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@_list_command(("SIZE", "CPU/MiB/GiB", "PRICE", "LOCATION"), _size_row)
@click.option("--location", metavar="NAME", help="Only those of a location.")
def sizes(driver: Driver, location: str | None) -> list[NodeSize]:
    """List the service offers for machines."""
    return driver.list_sizes(
        find(driver.list_locations() if location else [], "location", location)
    )


@_list_command(
    ("LOCATION", "COUNTRY", "ID"),
    lambda location: (location.name, location.country, short_id(location)),
)
def locations(driver: Driver) -> list[NodeLocation]:
    """List the clouds that the account can use."""
    return driver.list_locations()


@_list_command(
    ("NODE", "NAME", "STATE", "ADDRESSES"),
    lambda node: (
        *(node.id, node.name, node.extra["state"]),
        [*node.public_ips, *node.private_ips],
    ),
)
@click.option("--all", "include_ended", is_flag=True, help="Those that have ended, too.")
def nodes(driver: Driver, include_ended: bool) -> list[Node]:
    """List the deployments."""
    return driver.list_nodes(ex_active_only=not include_ended)


@_list_command(("KEY", "FINGERPRINT"), lambda pair: (pair.name, pair.fingerprint), unfolded=1)
def keys(driver: Driver) -> list[KeyPair]:
    """List the SSH keys that are put into machines."""
    return driver.list_key_pairs()


@driver_command
@click.argument("node")
def show(driver: Driver, as_json: bool, node: str) -> None:
    """Show a node, by its id or its name, and its machines."""
    print_node(driver, find_node(driver, node), as_json)


def print_node(driver: Driver, node: Node, as_json: bool) -> None:
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


PERIOD = 2.0  # the longest pause between two polls in seconds
timeout_option = click.option(
    "--timeout",
    type=Number(TIMEOUT_MAX),
    default=1800.0,
    show_default=True,
    help="Seconds to wait at most.",
)


@driver_command
@click.argument("node")
@click.option("--state", help="Wait for this state.  [default: running]")
@timeout_option
def wait(driver: Driver, as_json: bool, node: str, state: str | None, timeout: float) -> None:
    """Wait until a node runs, and show it."""
    wait_and_print(driver, find_node(driver, node), as_json, timeout, state)


def wait_and_print(
    driver: Driver, node: Node, as_json: bool, timeout: float, state: str | None = None
) -> None:
    """Wait until a node is in a state, and print it."""
    with ProgressLine(
        sys.stderr, machines=lambda: driver.ex_list_virtual_machines(node=node)
    ) as progress:
        driver.ex_wait_node_in_state(
            node, state or NodeState.RUNNING, PERIOD, timeout, progress=progress
        )
    print_node(driver, find_node(driver, str(node.id)), as_json)


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
    driver: Driver,
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


@driver_command
@click.argument("node")
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
@click.option("--lines", type=click.IntRange(1), default=200, show_default=True)
def logs(driver: Driver, as_json: bool, node: str, components: Sequence[str], lines: int) -> None:
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
            line = f"{component}  {entry}" if len(texts) > 1 else entry
            click.echo(safe_text(line, len(line) * 10))


@driver_command
@click.argument("node")
@click.option("--yes", is_flag=True, help="Destroy without a confirmation.")
def destroy(driver: Driver, as_json: bool, node: str, yes: bool) -> None:
    """Destroy a node and its machines, after a confirmation."""
    target = find_node(driver, node)
    prompt = safe_text(f"Destroy {target.name} ({target.id}, {target.extra['state']})?")
    try:
        confirmed = yes or click.confirm(prompt, err=True)
    except click.Abort:  # there is no input
        click.echo(err=True)
        confirmed = False
    if not confirmed:
        click.echo("slipstream destroy: nothing was destroyed; type y, or pass --yes", err=True)
        click.get_current_context().exit(FAILED)
    driver.destroy_node(target)
    if as_json:
        print_json({"id": target.id, "destroyed": True})
    else:
        click.echo(f"Destroyed {target.id}.")
