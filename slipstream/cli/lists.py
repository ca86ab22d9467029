"""The subcommands that list: `images`, `sizes`, `locations`, `nodes`, `keys`; and `login`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize

from slipstream.cli.driver_command import (
    document,
    driver_command,
    find,
    print_json,
    print_table,
    short_id,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@driver_command
def login(driver: SlipStreamNodeDriver, as_json: bool) -> None:
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
        def run(driver: SlipStreamNodeDriver, as_json: bool, **arguments: Any) -> None:
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
def images(driver: SlipStreamNodeDriver, path: str | None) -> list[NodeImage]:
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
def sizes(driver: SlipStreamNodeDriver, location: str | None) -> list[NodeSize]:
    """List the service offers for machines."""
    return driver.list_sizes(
        find(driver.list_locations() if location else [], "location", location)
    )


@_list_command(
    ("LOCATION", "COUNTRY", "ID"),
    lambda location: (location.name, location.country, short_id(location)),
)
def locations(driver: SlipStreamNodeDriver) -> list[NodeLocation]:
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
def nodes(driver: SlipStreamNodeDriver, include_ended: bool) -> list[Node]:
    """List the deployments."""
    return driver.list_nodes(ex_active_only=not include_ended)


@_list_command(("KEY", "FINGERPRINT"), lambda pair: (pair.name, pair.fingerprint), unfolded=1)
def keys(driver: SlipStreamNodeDriver) -> list[KeyPair]:
    """List the SSH keys that are put into machines."""
    return driver.list_key_pairs()
