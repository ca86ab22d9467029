"""`slipstream conformance`: check a driver against the contract of libcloud."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

import attrs
import click
from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver

from slipstream.cli.app import WRONG_USAGE
from slipstream.conformance import Choice, run
from slipstream.conformance.report import one_line
from slipstream.conformance.subject import Mask, close, describe
from slipstream.errors import BadInput
from slipstream.libcloud import NAME, register
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.testing.backend_checks import BACKEND_CHECKS
from slipstream.values.plain import announces_secret, user_path

_FILE = re.compile(r"(?:file|path)$", re.IGNORECASE)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_BOOLEANS = {"true": True, "false": False}


@attrs.frozen
class DriverArguments:
    """The arguments to construct a driver with; ``hidden`` names those read from elsewhere."""

    values: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    hidden: frozenset[str] = frozenset()

    @property
    def masked(self) -> tuple[str, ...]:
        """The values to mask in the output: hidden ones, secrets and keys."""
        hidden = {n for n in self.values if n in self.hidden or _is_secret(n, or_key=True)}
        return tuple(str(self.values[name]) for name in hidden)

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets; a key is one only if there is no other."""
        names = [n for n in self.values if _is_secret(n)]
        names = names or [n for n in self.values if _is_secret(n, or_key=True)]
        return {name: str(self.values[name]) for name in names}


def parse(options: Iterable[str]) -> DriverArguments:
    """Parse arguments that are written as ``name=value``."""
    values: dict[str, Any] = {}
    hidden = set()
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError("--arg takes a name and a value, as in --arg host=nuv.la")
        if name in values:
            raise ValueError(f"--arg {name} is repeated")
        values[name] = _parse_value(name, value)
        if value.startswith(("env:", "file:")):
            hidden.add(name)
    return DriverArguments(values, frozenset(hidden))


def _is_secret(name: str, *, or_key: bool = False) -> bool:
    announces = announces_secret(name) or (or_key and "key" in name.lower())
    return announces and not _FILE.search(name)


def _parse_value(name: str, text: str) -> Any:
    rest = text.partition(":")[2]
    if text.startswith("env:"):
        if rest not in os.environ:
            raise ValueError(f"--arg {name}: there is no environment variable {rest}")
        return os.environ[rest]
    if text.startswith("file:"):
        try:
            return user_path("the file", rest).read_text("utf-8").rstrip("\r\n")
        except (BadInput, OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ValueError(f"--arg {name}: the file cannot be read: {reason}") from None
    if text.startswith("text:"):
        return rest
    # Secrets are strings whatever they look like, and so are versions of a protocol.
    if _is_secret(name, or_key=True) or name.endswith("version"):
        return text
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    return int(text) if _INTEGER.fullmatch(text) else text


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
    /,
    provider: str | None,
    path: str | None,
    arguments: Sequence[str],
    allow_changes: bool,
    as_json: bool,
    **choice: str | None,
) -> int:
    """
    Check a libcloud compute driver against libcloud's contract.

    Nothing is changed in the account unless that is allowed.
    """
    if provider and path:
        raise click.UsageError("--provider and --class exclude each other")
    try:
        constructor = parse(arguments)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    cls = _driver_class(provider or NAME, path)
    mask = Mask(constructor.masked)
    try:
        driver = cls(**constructor.values)
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        problem = one_line(mask(describe(error)))
        click.echo(
            f"{context.command_path}: error: the driver could not be made: {problem}", err=True
        )
        return WRONG_USAGE
    wrong = {name: f"wrong-{secret}" for name, secret in constructor.secrets.items()}
    try:
        report = run(
            driver,
            changes=allow_changes,
            choice=Choice(**choice),
            secrets=tuple(constructor.secrets.values()),
            with_wrong_login=(lambda: cls(**{**constructor.values, **wrong})) if wrong else None,
            without_network=lambda: cls(**{**constructor.values, "proxy_url": _NO_PROXY}),
            provider=None if path else provider or NAME,
            more=BACKEND_CHECKS if isinstance(driver, SlipStreamNodeDriver) else (),
        ).masked(mask)
    finally:
        close(driver)
    click.echo(json.dumps(report.document(), indent=2) if as_json else report.table())
    return int(not report.passed)


def _driver_class(provider: str, path: str | None) -> Any:
    register()
    what = f"class {path!r}, as in package.module:Class" if path else f"provider {provider!r}"
    try:
        cls = resolve_name(path) if path else get_driver(provider.lower())
    except (AttributeError, ImportError, ValueError) as error:
        raise click.UsageError(f"there is no {what}: {error}") from None
    if not (isinstance(cls, type) and issubclass(cls, NodeDriver)):
        raise click.UsageError(f"{path!r} is not a class of compute drivers")
    return cls
