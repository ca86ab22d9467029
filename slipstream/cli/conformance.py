"""``slipstream conformance``: check a driver against libcloud's contract."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from typing import Any

import click
from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver

from slipstream.cli.app import WRONG_USAGE
from slipstream.cli.driver_arguments import parse
from slipstream.conformance import Choice, run
from slipstream.conformance.report import one_line
from slipstream.conformance.subject import Mask, close, describe
from slipstream.libcloud import NAME, register
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.testing.backend_checks import BACKEND_CHECKS

_NO_PROXY = "http://127.0.0.1:1"
"""A proxy that does not exist: every request through it fails in the network."""


@click.command()
@click.option(
    "--provider", metavar="NAME", help=f"The driver's name in libcloud.  [default: {NAME}]"
)
@click.option("--class", "path", metavar="PATH", help="The driver's class, package.module:Class.")
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the driver; the value env:NAME is read from the environment, "
    "file:PATH from a file.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Make a node and a key pair and remove them again, and try a wrong secret.",
)
@click.option("--image", metavar="ID", help="The image of that node; the first when left out.")
@click.option("--size", metavar="ID", help="Its size; the first when left out.")
@click.option("--location", metavar="ID", help="Its location; the first when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def conformance(
    context: click.Context,
    provider: str | None,
    path: str | None,
    arguments: Sequence[str],
    allow_changes: bool,
    image: str | None,
    size: str | None,
    location: str | None,
    as_json: bool,
) -> int:
    """
    Check a libcloud compute driver against libcloud's contract.

    Nothing is changed in the account unless that is allowed.
    """
    if provider and path:
        raise click.UsageError("--provider and --class exclude each other")
    try:
        constructor = parse(arguments)
        cls = _import(path) if path else _provided(provider or NAME)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    mask = Mask(constructor.masked)
    try:
        driver = cls(**constructor.values)
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        problem = one_line(mask(describe(error)))
        click.echo(
            f"{context.command_path}: error: the driver could not be made: {problem}", err=True
        )
        return WRONG_USAGE
    wrong = constructor.with_wrong_secrets()
    try:
        report = run(
            driver,
            changes=allow_changes,
            choice=Choice(image=image, size=size, location=location),
            secrets=constructor.secrets,
            with_wrong_login=None if wrong is None else lambda: cls(**wrong),
            without_network=lambda: cls(**{**constructor.values, "proxy_url": _NO_PROXY}),
            provider=None if path else provider or NAME,
            more=BACKEND_CHECKS if isinstance(driver, SlipStreamNodeDriver) else (),
        ).masked(mask)
    finally:
        close(driver)
    click.echo(json.dumps(report.document(), indent=2) if as_json else report.table())
    return int(not report.passed)


def _provided(name: str) -> Any:
    register()
    try:
        return get_driver(name.lower())
    except (AttributeError, ImportError) as error:
        raise ValueError(f"there is no provider {name!r}: {error}") from None


def _import(path: str) -> Any:
    module, colon, name = path.partition(":")
    if not colon:
        module, _, name = path.rpartition(".")
    if not module or not name:
        raise ValueError(f"{path!r} names no class; package.module:Class does")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"there is no class {path!r}: {error}") from None
    if not (isinstance(cls, type) and issubclass(cls, NodeDriver)):
        raise ValueError(f"{path!r} is no class of compute drivers")
    return cls
