"""``slipstream sandbox``: the sandbox as a program."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence

from slipstream.cli import OneLineParser
from slipstream.sandbox.families import FAMILIES
from slipstream.sandbox.sandbox import Sandbox

_WELCOME = """\
A {title} server to try things on, at {url}

    user name   {username}
    password    {password}
    API key     {key}
    secret      {secret}

For example, in Python:

    from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
    driver = SlipStreamNodeDriver("{username}", "{password}", ex_endpoint="{url}")
    print(driver.list_images())

Everything is forgotten when it ends. Press Ctrl-C to end it.
"""


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=prog, description="Run a local server that speaks SlipStream's or Nuvla's protocol."
    )
    parser.add_argument(
        "--family", choices=list(FAMILIES), default="slipstream", help="(%(default)s)"
    )
    parser.add_argument(
        "--host", type=_host, default="127.0.0.1", help="address to listen on (%(default)s)"
    )
    parser.add_argument("--port", type=_port, default=0, help="port; 0 for any that is free")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="simulated seconds per real second"
    )
    parser.add_argument("--server-version", help="3.38 to 3.71 (3.71), or 6.19 for nuvla")
    parser.add_argument("--json", action="store_true", help="print one line of JSON, for programs")
    return parser


def _host(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address to listen on")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: ports go from 0 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed: give a number of 0 or more")
    return speed


def main(arguments: Sequence[str], prog: str) -> int:
    """
    Run the sandbox until a signal ends it.

    :param arguments: The command's arguments.
    :param prog: How the command is called.
    :returns: The exit code: 0, or 1 if the address cannot be used.
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        sandbox = Sandbox(
            family=options.family,
            host=options.host,
            port=options.port,
            speed=options.speed,
            server_version=options.server_version,
        )
    except ValueError as error:
        parser.error(str(error))
    try:
        sandbox.start()
    except OSError as error:
        # Python adds the address once more.
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        where = f"{options.host}:{options.port}" if options.port else options.host
        print(f"{prog}: cannot listen on {where}: {reason}", file=sys.stderr)
        return 1
    with sandbox:
        _announce(sandbox, as_json=options.json, prog=prog)
        over.wait()
    return 0


def _announce(sandbox: Sandbox, *, as_json: bool, prog: str) -> None:
    facts = {
        name: getattr(sandbox, name) for name in ("url", "username", "password", "key", "secret")
    }
    title = FAMILIES[sandbox.family].title
    if not sandbox.is_loopback:
        note = f"{prog}: other machines can reach this server at {sandbox.url}"
        print(note, file=sys.stderr, flush=True)
    print(json.dumps(facts) if as_json else _WELCOME.format(**facts, title=title), flush=True)
