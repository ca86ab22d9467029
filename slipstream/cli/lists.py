"""The subcommands that list: `images`, `sizes`, `locations`, `nodes`, `keys`; and `login`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from libcloud.compute.base import NodeSize

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
        who = f" as {driver.key}" if driver.key else ""
        click.echo(f"Logged in to {driver.ex_endpoint}{who}.")


def _print_list(
    resources: Iterable[Any],
    as_json: bool,
    columns: Sequence[str],
    row: Callable[[Any], Sequence[object]],
    unfolded: int = 0,
) -> None:
    if as_json:
        print_json([document(resource) for resource in resources])
    else:
        print_table(columns, map(row, resources), unfolded=unfolded)


@driver_command
@click.option("--path", metavar="PROJECT", help="Those of a project instead of the App Store.")
def images(driver: SlipStreamNodeDriver, as_json: bool, path: str | None) -> None:
    """List the components and applications that can be deployed."""
    _print_list(
        driver.list_images(ex_path=path),
        as_json,
        ("IMAGE", "TYPE", "DESCRIPTION"),
        lambda image: (image.extra["path"], image.extra["type"], image.extra["description"]),
    )


@driver_command
@click.option("--location", metavar="NAME", help="Only those of a location.")
def sizes(driver: SlipStreamNodeDriver, as_json: bool, location: str | None) -> None:
    """List the service offers for machines."""
    chosen = find(driver.list_locations() if location else [], "location", location)
    columns = ("SIZE", "CPU/MiB/GiB", "PRICE", "LOCATION")

    def row(size: NodeSize) -> tuple[str, ...]:
        machine = "/".join(_number(size, name) for name in ("cpu", "ram", "disk"))
        price = f"{_number(size, 'price')} {size.extra['currency'] or ''}"
        return (short_id(size), machine, price, ", ".join(size.extra["locations"]))

    _print_list(driver.list_sizes(chosen), as_json, columns, row)


def _number(size: NodeSize, name: str) -> str:
    value = size.extra["cpu"] if name == "cpu" else getattr(size, name)
    if value is None or name in size.extra["unknown"]:
        return "?"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@driver_command
def locations(driver: SlipStreamNodeDriver, as_json: bool) -> None:
    """List the clouds that the account can use."""
    _print_list(
        driver.list_locations(),
        as_json,
        ("LOCATION", "COUNTRY", "ID"),
        lambda location: (location.name, location.country, short_id(location)),
    )


@driver_command
@click.option("--all", "include_ended", is_flag=True, help="Those that have ended, too.")
def nodes(driver: SlipStreamNodeDriver, as_json: bool, include_ended: bool) -> None:
    """List the deployments."""
    _print_list(
        driver.list_nodes(ex_active_only=not include_ended),
        as_json,
        ("NODE", "NAME", "STATE", "ADDRESSES"),
        lambda node: (
            node.id,
            node.name,
            node.extra["state"],
            [*node.public_ips, *node.private_ips],
        ),
    )


@driver_command
def keys(driver: SlipStreamNodeDriver, as_json: bool) -> None:
    """List the SSH keys that are put into machines."""
    _print_list(
        driver.list_key_pairs(),
        as_json,
        ("KEY", "FINGERPRINT"),
        lambda pair: (pair.name, pair.fingerprint),
        unfolded=1,
    )
