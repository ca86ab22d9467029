"""The subcommands that use a driver: for lists and for single nodes, and ``login``."""

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

from slipstream.cli.app import FAILED, WRONG_USAGE, Number
from slipstream.cli.printing import document, print_fields, print_json, print_table
from slipstream.errors import (
    BadInput,
    DriverError,
    InvalidCredentials,
    NotFound,
    NotSupported,
    UnknownName,
    WaitTimeout,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.progress import ProgressLine
from slipstream.values.plain import safe_text

PERIOD = 2.0  # the longest pause between two polls in seconds

_EXIT_CODES: dict[type[DriverError], int] = {
    BadInput: WRONG_USAGE,
    InvalidCredentials: 3,
    WaitTimeout: 4,
    DriverError: FAILED,
}


def _driver_command(function: Callable[..., None]) -> click.Command:
    """Make a command of a function that takes a driver, and whether to print JSON."""

    @click.option("--profile", metavar="NAME", help="A profile of the configuration file.")
    @click.option("--endpoint", metavar="URL", help="Another server than that of the profile.")
    @click.option(
        "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
    )
    @functools.wraps(function)
    def run(profile: str | None, endpoint: str | None, output: str, **arguments: Any) -> None:
        options = {} if endpoint is None else {"ex_endpoint": endpoint}
        try:
            with Driver.ex_from_profile(profile, **options) as driver:
                function(driver, output == "json", **arguments)
        except DriverError as error:
            failure = click.UsageError(str(error), click.get_current_context())
            codes = (code for cls, code in _EXIT_CODES.items() if isinstance(error, cls))
            failure.exit_code = next(codes)  # type: ignore[misc]  # click's are fixed for a class
            raise failure from None

    return click.command()(run)


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

        return _driver_command(run)

    return decorate


def _find_node(driver: Driver, text: str) -> Node:
    """Find a node by its id, or an active one by its name."""
    try:
        return driver.ex_get_node(text)
    except (NotFound, BadInput):
        return driver.ex_find_node(text)


def _short_id(resource: Any) -> str:
    """The id without the kind before it, which is the same for all in a list."""
    return str(resource.id).rpartition("/")[2]


def _find(list_resources: Callable[[], Iterable[Any]], what: str, text: str | None) -> Any:
    """Find a resource by its name, its id, or the last part of the id, as in tables."""
    if text is None:
        return None
    resources = list(list_resources())
    for resource in resources:
        if text in {resource.name, resource.id, _short_id(resource)}:
            return resource
    raise UnknownName(what, text, [str(resource.name) for resource in resources])


def _addresses(node: Node) -> list[str]:
    return [*node.public_ips, *node.private_ips]


@_driver_command
def login(driver: Driver, as_json: bool) -> None:
    """Check that the credentials of the environment or of a profile are accepted."""
    if as_json:
        print_json({"endpoint": driver.ex_endpoint, "login": driver.key})
    else:
        user = f" as {driver.key}" if driver.key else ""
        click.echo(f"Logged in to {driver.ex_endpoint}{user}.")


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
    return (_short_id(size), machine, price, ", ".join(size.extra["locations"]))


def _number(size: NodeSize, name: str) -> str:
    value = size.extra["cpu"] if name == "cpu" else getattr(size, name)
    if value is None or name in size.extra["unknown"]:
        return "?"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@_list_command(("SIZE", "CPU/MiB/GiB", "PRICE", "LOCATION"), _size_row)
@click.option("--location", metavar="NAME", help="Only those of a location.")
def sizes(driver: Driver, location: str | None) -> list[NodeSize]:
    """List the service offers for machines."""
    return driver.list_sizes(_find(driver.list_locations, "location", location))


@_list_command(
    ("LOCATION", "COUNTRY", "ID"),
    lambda location: (location.name, location.country, _short_id(location)),
)
def locations(driver: Driver) -> list[NodeLocation]:
    """List the clouds that the account can use."""
    return driver.list_locations()


@_list_command(
    ("NODE", "NAME", "STATE", "ADDRESSES"),
    lambda node: (node.id, node.name, node.extra["state"], _addresses(node)),
)
@click.option("--all", "include_ended", is_flag=True, help="Those that have ended, too.")
def nodes(driver: Driver, include_ended: bool) -> list[Node]:
    """List the deployments."""
    return driver.list_nodes(ex_active_only=not include_ended)


@_list_command(("KEY", "FINGERPRINT"), lambda pair: (pair.name, pair.fingerprint), unfolded=1)
def keys(driver: Driver) -> list[KeyPair]:
    """List the SSH keys that are put into machines."""
    return driver.list_key_pairs()


@_driver_command
@click.argument("node")
def show(driver: Driver, as_json: bool, node: str) -> None:
    """Show a node, by its id or its name, and its machines."""
    _print_node(driver, _find_node(driver, node), as_json)


def _print_node(driver: Driver, node: Node, as_json: bool) -> None:
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
            "addresses": _addresses(node),
            "service": node.extra["service_url"],
            "tags": node.extra["tags"],
            "started": node.created_at,
        }
    )
    if machines:
        click.echo()
        rows = [(machine.name, machine.state, _addresses(machine)) for machine in machines]
        print_table(("MACHINE", "STATE", "ADDRESSES"), rows)


_timeout_option = click.option(
    "--timeout",
    type=Number(TIMEOUT_MAX),
    default=1800.0,
    show_default=True,
    help="Seconds to wait at most.",
)


@_driver_command
@click.argument("node")
@click.option("--state", help="Wait for this state.  [default: running]")
@_timeout_option
def wait(driver: Driver, as_json: bool, node: str, state: str | None, timeout: float) -> None:
    """Wait until a node runs, and show it."""
    target = _find_node(driver, node)
    _wait(driver, target, timeout, state or NodeState.RUNNING)
    _print_node(driver, target, as_json)


def _wait(driver: Driver, node: Node, timeout: float, state: str = NodeState.RUNNING) -> None:
    """Wait until a node is in a state, which brings the object up to date."""
    with ProgressLine(
        sys.stderr, machines=lambda: driver.ex_list_virtual_machines(node=node)
    ) as progress:
        driver.ex_wait_node_in_state(node, state, PERIOD, timeout, progress=progress)


@_driver_command
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
@_timeout_option
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
        location=_find(driver.list_locations, "location", location),
        size=_find(functools.partial(driver.list_sizes, ex_all=True), "size", size),
        ex_parameters=_parse(parameters, module),
    )
    if wait:
        # The id must be known even if the wait fails. What cannot be printed does not end it.
        with suppress(OSError):
            click.echo(f"Deployed {node.id}.", err=True)
        _wait(driver, node, timeout)
    _print_node(driver, node, as_json)


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


@_driver_command
@click.argument("node")
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
@click.option("--lines", type=click.IntRange(1), default=200, show_default=True)
def logs(driver: Driver, as_json: bool, node: str, components: Sequence[str], lines: int) -> None:
    """
    Print the last lines that components of a node have logged (not on SlipStream).

    A node with a single component needs none.
    """
    texts = driver.ex_get_node_logs(_find_node(driver, node), components, lines=lines)
    if as_json:
        print_json(texts)
        return
    for component, entries in texts.items():
        for entry in entries:
            line = f"{component}  {entry}" if len(texts) > 1 else entry
            click.echo(safe_text(line, len(line) * 10))


@_driver_command
@click.argument("node")
@click.option("--yes", is_flag=True, help="Destroy without a confirmation.")
def destroy(driver: Driver, as_json: bool, node: str, yes: bool) -> None:
    """Destroy a node and its machines, after a confirmation."""
    target = _find_node(driver, node)
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
