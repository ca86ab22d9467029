"""``slipstream record``: record the scenarios of a project's tests."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from typing import Final

import click

from slipstream.version import install_hint

SCENARIOS: Final = "tests/scenarios"


@click.command()
@click.option("--endpoint", metavar="URL", help="The server to record.")
@click.option(
    "--origin",
    metavar="NAME",
    help="The folder to record into, ending in the server's version: nuv.la-3.71.",
)
@click.option("--endpoint-kind", metavar="NAME", help="Its kind; detected when left out.")
@click.option(
    "--family",
    type=click.Choice(["slipstream", "nuvla"]),
    help="The family of the sandbox to record; that of a server is detected.",
)
@click.option(
    "--tests", metavar="PATH", default=SCENARIOS, show_default=True, help="Where scenarios are."
)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
def record(tests: str, scenarios: Sequence[str], **options: str | None) -> int:
    """
    Record scenarios anew: those named, or all of them.

    They are recorded from a live server of any installed kind of endpoint or, without --endpoint,
    from the sandbox. The credentials for a live server are read from SLIPSTREAM_USERNAME and
    SLIPSTREAM_PASSWORD, SLIPSTREAM_KEY and SLIPSTREAM_SECRET, and SLIPSTREAM_TOKEN: at least one
    of the three.
    """
    _check(options["endpoint"], options["origin"])
    import pytest  # noqa: PLC0415 - an extra, checked just before

    server = options["endpoint"] or "a sandbox of its own"
    click.echo(f"Recording {', '.join(scenarios) or 'every scenario'} from {server}.")
    pairs = [(f"--{name.replace('_', '-')}", value) for name, value in options.items() if value]
    pairs += [("--scenario", name) for name in scenarios]
    code = pytest.main(
        [
            tests,
            "--record",
            *("-p", "slipstream.testing.pytest_plugin"),
            *("-p", "no:xdist"),
            *chain.from_iterable(pairs),
        ]
    )
    if code == 0:
        click.echo("Read the changed cassettes before you commit them.")
    return int(code)


def _check(endpoint: str | None, origin: str | None) -> None:
    needed = ["pytest", "vcr", "yaml", "pyotp", *([] if endpoint else ["flask"])]
    if missing := [name for name in needed if find_spec(name) is None]:
        hint = install_hint("testing", "sandbox")
        raise click.UsageError(f"not installed: {', '.join(missing)}. {hint}")
    if not endpoint:
        return
    if not origin:
        raise click.UsageError("--endpoint needs --origin NAME, the folder to record into")
    from slipstream.testing.scenarios import MissingCredentialsError, ScenarioCredentials  # noqa: PLC0415 - needs no extra, but is rarely used

    try:
        ScenarioCredentials.from_environment()
    except MissingCredentialsError as error:
        raise click.UsageError(str(error)) from None
