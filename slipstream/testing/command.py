"""The command that records: ``python -m slipstream record``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from slipstream.cli import OneLineParser

SCENARIOS: Final = "tests/scenarios"

_DESCRIPTION = """\
Record the scenarios anew, from a live server or, without --endpoint, from the sandbox.
The credentials for a live server are read from SLIPSTREAM_USERNAME and SLIPSTREAM_PASSWORD,
from SLIPSTREAM_KEY and SLIPSTREAM_SECRET, or from all four."""

_USAGE_ERROR = 2


def main(arguments: Sequence[str], prog: str) -> int:
    """Record.

    :param arguments: the command's arguments.
    :param prog: how the command is called.
    :returns: 0 if every scenario was recorded or declared unsupported, 2 if the command line or
        the environment is incomplete, else what pytest returns.
    """
    args = _parser(prog).parse_args(arguments)
    problem = _problem(args)
    if problem:
        print(f"{prog}: {problem}", file=sys.stderr)
        return _USAGE_ERROR
    import pytest  # noqa: PLC0415 - an extra, found to be there

    server = args.endpoint or "a sandbox of its own"
    print(f"Recording {', '.join(args.scenarios) or 'every scenario'} from {server}.", flush=True)
    code = int(pytest.main(_arguments(args)))
    if code == 0:
        print("Read the changed cassettes before you commit them.")
    return code


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=prog,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--endpoint", metavar="URL", help="the server to record")
    parser.add_argument(
        "--origin",
        metavar="NAME",
        help="the folder to record into, ending in the server's version: nuv.la-3.71",
    )
    parser.add_argument(
        "--family",
        choices=("slipstream", "nuvla"),
        help="the family of the sandbox to record; a server tells its own",
    )
    parser.add_argument("--tests", default=SCENARIOS, metavar="PATH", help="where scenarios are")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help="by default all of them")
    return parser


def _problem(args: argparse.Namespace) -> str | None:
    if missing := [name for name in ("pytest", "vcr", "yaml") if find_spec(name) is None]:
        return f"{', '.join(missing)} is missing: install slipstream-libcloud-driver[testing]"
    if not args.endpoint:
        lacking = find_spec("flask") is None
        return "install slipstream-libcloud-driver[sandbox] as well" if lacking else None
    if not args.origin:
        return "--endpoint needs --origin NAME, the folder to record into"
    from slipstream.testing.scenarios import (  # noqa: PLC0415 - needs no extra, but is rarely used
        MissingCredentialsError,
        ScenarioCredentials,
    )

    try:
        ScenarioCredentials.from_environment()
    except MissingCredentialsError as error:
        return str(error)
    return None


def _arguments(args: argparse.Namespace) -> list[str]:
    arguments = [
        args.tests,
        "--record",
        "-p",
        "slipstream.testing.pytest_plugin",
        "-p",
        "no:xdist",
    ]
    if args.endpoint:
        arguments += ["--endpoint", args.endpoint]
    if args.origin:
        arguments += ["--origin", args.origin]
    if args.family:
        arguments += ["--family", args.family]
    for name in args.scenarios:
        arguments += ["--scenario", name]
    return arguments
