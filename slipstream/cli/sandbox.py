"""``slipstream sandbox``: the sandbox as a program."""

from __future__ import annotations

import errno
import json
import secrets
import signal
import time
from collections.abc import Callable
from typing import Any

import click

from slipstream.cli.app import FAILED, Number
from slipstream.sandbox.clock import FASTEST
from slipstream.sandbox.families import FAMILIES
from slipstream.sandbox.front import FRONTS
from slipstream.sandbox.sandbox import Sandbox

PORT = 8765
"""The port when none is chosen and it is free, so that a second start has the same address."""

_BANNER = """\
A local {title} server: {url}
Open the address in a browser to watch it.
Its clock runs at {speed:g} times the real speed; everything is lost when it ends.

Paste this into another shell:

    {exports}

Then in Python:

    {program}

Or in the shell:

    {command}

There is an API key, too: {key}
with the secret {secret}

Press Ctrl-C to end it.
"""


@click.command(short_help="Run a local server.")
@click.option("--family", type=click.Choice(list(FAMILIES)), default="slipstream")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port; 0 takes one that is free.  [default: {PORT} if free]",
)
@click.option(
    "--speed",
    type=Number(FASTEST),
    default=20.0,
    show_default=True,
    help="Simulated seconds in a second.",
)
@click.option(
    "--front", type=click.Choice(FRONTS), help="Front server before it.  [default: none]"
)
@click.option("--password", help="The main user's password.  [default: a new one each time]")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    help="Name in the header Host to accept beside this machine's own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON, for programs.")
@click.pass_context
def sandbox(
    context: click.Context, /, host: str, port: int | None, as_json: bool, **options: Any
) -> int:
    """Run a local server that speaks SlipStream's or Nuvla's protocol, until Ctrl-C."""
    if not host.strip():
        raise click.BadParameter(f"{host!r} is not an address to listen on.", param_hint="--host")
    # A handler could not set a threading.Event while this thread waits for it.
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))

    options["password"] = options["password"] or secrets.token_urlsafe(9)
    seed = secrets.randbits(64)

    def start(port: int) -> Sandbox:
        server = Sandbox(host=host, port=port, seed=seed, **options)
        server.start()
        return server

    try:
        server = _start_on_usual_port(start) if port is None else start(port)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        # Python adds the address once more.
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        where = f"{host}:{port}" if port else host
        click.echo(f"{context.command_path}: cannot listen on {where}: {reason}", err=True)
        return FAILED
    with server:
        _announce(server, as_json=as_json, prog=context.command_path)
        # A signal may reach another thread, which does not wake this one: look from time to time.
        while not signals:
            time.sleep(0.2)
    return 0


def _start_on_usual_port(start: Callable[[int], Sandbox]) -> Sandbox:
    try:
        return start(PORT)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return start(0)


def _announce(server: Sandbox, *, as_json: bool, prog: str) -> None:
    if not server.is_loopback:
        click.echo(f"{prog}: other machines can reach this server at {server.url}", err=True)
    if as_json:
        names = ("url", "username", "password", "key", "secret")
        click.echo(json.dumps({name: getattr(server, name) for name in names}))
        return
    family, indent = FAMILIES[server.family], "\n    "
    login = server.users[server.username]
    click.echo(
        _BANNER.format(
            title=family.title,
            url=server.url,
            speed=server.clock.speed,
            exports=indent.join(family.exports(server.url, login)),
            program=indent.join(family.program),
            command=family.command,
            key=server.key,
            secret=server.secret,
        )
    )
