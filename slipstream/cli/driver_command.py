"""What the commands that use a driver share: its options, its errors, and finding resources."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import click
from libcloud.compute.base import Node

from slipstream.cli.app import FAILED, WRONG_USAGE
from slipstream.errors import (
    BadInput,
    DriverError,
    InvalidCredentials,
    NotFound,
    UnknownName,
    WaitTimeout,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

LOGIN_REFUSED, TIMED_OUT = 3, 4
_EXIT_CODES: tuple[tuple[type[DriverError], int], ...] = (
    (BadInput, WRONG_USAGE),
    (InvalidCredentials, LOGIN_REFUSED),
    (WaitTimeout, TIMED_OUT),
    (DriverError, FAILED),
)


class Failure(click.ClickException):
    """A driver's exception, with the exit code for its class."""

    def __init__(self, error: DriverError) -> None:
        super().__init__(str(error))
        self.exit_code = next(  # type: ignore[misc]  # click's are fixed for a class
            code for cls, code in _EXIT_CODES if isinstance(error, cls)
        )
        self.ctx = click.get_current_context()


def driver_command(function: Callable[..., None]) -> click.Command:
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
            with SlipStreamNodeDriver.ex_from_profile(profile, **options) as driver:
                function(driver, output == "json", **arguments)
        except DriverError as error:
            raise Failure(error) from None

    return click.command()(run)


def find_node(driver: SlipStreamNodeDriver, text: str) -> Node:
    """Find a node by its id, or an active one by its name."""
    try:
        return driver.ex_get_node(text)
    except (NotFound, BadInput):
        return driver.ex_find_node(text)


def short_id(resource: Any) -> str:
    """The id without the kind before it, which is the same for all in a list."""
    return str(resource.id).rpartition("/")[2]


def find(resources: Iterable[Any], what: str, text: str | None) -> Any:
    """Find a resource by its name, its id, or the last part of that, which is what lists show."""
    if text is None:
        return None
    listed = list(resources)
    for resource in listed:
        if text in {resource.name, resource.id, short_id(resource)}:
            return resource
    raise UnknownName(what, text, [str(resource.name) for resource in listed])
