"""``slipstream conformance``: does a driver do what libcloud's contract says?"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver

from slipstream.cli import OneLineParser
from slipstream.conformance import Choice, Report, run
from slipstream.conformance.arguments import Arguments, parse
from slipstream.conformance.masking import Mask
from slipstream.conformance.report import one_line
from slipstream.conformance.subject import close, described
from slipstream.libcloud import NAME, register

_DESCRIPTION = """\
Check a libcloud compute driver against libcloud's contract. Nothing is changed in the account
unless that is allowed.
"""


def main(arguments: Sequence[str], prog: str) -> int:
    """
    Check a driver.

    :param arguments: The command's arguments.
    :param prog: How the command is called.
    :returns: The exit code: 0, 1 if something fails, 2 if there is no driver to check.
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    try:
        given = parse(options.arg)
        cls = _named(options.cls) if options.cls else _provided(options.provider or NAME)
    except ValueError as error:
        parser.error(str(error))
    mask = Mask(given.masked)
    try:
        driver = cls(**given.values)
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        problem = one_line(mask(described(error)))
        print(f"{prog}: error: the driver could not be made: {problem}", file=sys.stderr)
        return 2
    try:
        report = _report(driver, cls, given, options).masked(mask)
    finally:
        close(driver)
    print(json.dumps(report.document(), indent=2) if options.json else report.table())
    return int(not report.passed)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(prog=prog, description=_DESCRIPTION)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--provider", metavar="NAME", help=f"the driver's name in libcloud; {NAME} unless told"
    )
    which.add_argument(
        "--class", dest="cls", metavar="PATH", help="the driver's class, package.module:Class"
    )
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of the driver; the value env:NAME is read from the environment, "
        "file:PATH from a file",
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="make a node and a key pair and remove them again, and try a wrong secret",
    )
    for what in ("image", "size", "location"):
        parser.add_argument(
            f"--{what}", metavar="ID", help=f"the {what} of that node; the first unless told"
        )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


def _report(driver: Any, cls: Any, given: Arguments, options: argparse.Namespace) -> Report:
    wrong = given.with_wrong_secrets()
    return run(
        driver,
        changes=options.allow_changes,
        choice=Choice(image=options.image, size=options.size, location=options.location),
        secrets=given.secrets,
        with_wrong_login=None if wrong is None else lambda: cls(**wrong),
        provider=None if options.cls else options.provider or NAME,
    )


def _provided(name: str) -> Any:
    register()
    try:
        return get_driver(name.lower())
    except (AttributeError, ImportError) as error:
        raise ValueError(f"there is no provider {name!r}: {error}") from None


def _named(path: str) -> Any:
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
