"""A run of recording: the server, and the result of each scenario."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import requests
from attrs import define, field

from slipstream.testing.cassette_file import (
    FROM_SANDBOX,
    FROM_SERVER,
    STATUSES,
    Header,
    Manifest,
)
from slipstream.testing.cassettes import Recording
from slipstream.testing.origins import kept_endpoint, moved
from slipstream.testing.scenarios import ScenarioCredentials, cassette_path
from slipstream.testing.scrubbing import Scrubber

SANDBOX_ORIGINS: Final = {"slipstream": "sandbox-3.71", "nuvla": "sandbox-nuvla-6.19"}
"""The folder that recordings of the sandbox go to, for each family."""

SANDBOX_SPEED: Final = 600.0
"""Simulated seconds per second, so that a deployment of minutes is recorded in one."""

if TYPE_CHECKING:
    from slipstream.sandbox import Sandbox

_DISTRIBUTION = "slipstream-libcloud-driver"
_VERSION = re.compile(r"-v?(\d[\w.]*)$")
_TIMEOUT = 30.0
_CODE_PERIOD = 30
_SANDBOX = "slipstream-sandbox"


class ServerUnknownError(RuntimeError):
    """The server to record cannot be reached, or is none of the family."""


@define(kw_only=True)
class Recorder:
    """Where recordings come from and go to, and the result of each.

    :param root: The folder of all cassettes.
    :param origin: The name of the folder to record into.
    :param server: The family of the server.
    :param sandbox: Whether the server is the sandbox.
    :param slept: Moves the server's clock by the seconds that a scenario sleeps, where that can
        be done; elsewhere sleeping takes its time.
    """

    root: Path
    endpoint: str
    origin: str
    credentials: ScenarioCredentials
    server: str
    sandbox: bool
    slept: Callable[[float], object] | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    recorded: list[str] = field(factory=list, init=False)
    unsupported: dict[str, str] = field(factory=dict, init=False)
    failed: dict[str, str] = field(factory=dict, init=False)

    @property
    def folder(self) -> Path:
        """The folder recorded into."""
        return self.root / self.origin

    def scrubber(self) -> Scrubber:
        """Build the scrubber that knows the credentials and the server's address."""
        return Scrubber(
            known=self.credentials.secrets(),
            names=self.credentials.names(),
            moved=moved(self.endpoint, kept_endpoint(self.endpoint)),
        )

    def keep(self, name: str, tape: Recording) -> None:
        """Write the cassette of a scenario that passed."""
        header = Header(scenario=name, credentials=self.credentials.given(), **self._provenance())
        tape.save(cassette_path(self.folder, name), header)
        self.recorded.append(name)
        self._note(name, None)

    def refuse(self, name: str, reason: str) -> None:
        """Note that the server cannot serve a scenario, and why."""
        cassette_path(self.folder, name).unlink(missing_ok=True)
        self.unsupported[name] = reason
        self._note(name, reason)

    def _note(self, name: str, reason: str | None) -> None:
        before = Manifest.load(self.folder)
        reasons: dict[str, Any] = {status: {} for status in STATUSES}
        if before:
            # A reason for all parameters of a scenario goes as soon as one is recorded.
            over = {name, ".".join(name.split(".")[:2])}
            for status in STATUSES:
                listed: dict[str, str] = getattr(before, status)
                reasons[status] = {n: why for n, why in listed.items() if n not in over}
        if reason is not None:
            reasons["unsupported"][name] = reason
        Manifest(**reasons, **self._provenance()).save(self.folder)

    def _provenance(self) -> dict[str, Any]:
        version = _VERSION.search(self.origin)
        return {
            "origin": self.origin,
            "kind": FROM_SANDBOX if self.sandbox else FROM_SERVER,
            "server": self.server,
            "version": version[1] if version else "unknown",
            "date": datetime.now(UTC).date().isoformat(),
            "library": f"{_DISTRIBUTION} {importlib.metadata.version(_DISTRIBUTION)}",
            "endpoint": kept_endpoint(self.endpoint),
        }


def identify(endpoint: str) -> tuple[str, bool]:
    """Identify a server by its cloud entry point.

    :returns: ``SlipStream`` or ``Nuvla``, and whether it says that it is the sandbox.
    :raises ServerUnknownError: If it does not respond, or is neither.
    """
    address = f"{endpoint}/api/cloud-entry-point"
    try:
        response = requests.get(address, timeout=_TIMEOUT)
        document: Any = response.json()
    except requests.RequestException as error:
        reason = type(error).__name__
        raise ServerUnknownError(f"cannot record {address}: {reason}") from None
    for mark, name in (("resourceURI", "SlipStream"), ("resource-type", "Nuvla")):
        if isinstance(document, dict) and mark in document:
            return name, response.headers.get("Server") == _SANDBOX
    raise ServerUnknownError(f"cannot record {address}: it is neither SlipStream nor Nuvla")


@contextmanager
def sandbox_recorder(
    root: Path, origin: str | None, family_name: str = "slipstream"
) -> Iterator[Recorder]:
    """Start the sandbox and give a recorder of it."""
    from slipstream.sandbox import Sandbox  # noqa: PLC0415 - flask is needed for this alone

    with Sandbox(family=family_name, speed=SANDBOX_SPEED) as sandbox:
        yield Recorder(
            root=root,
            endpoint=sandbox.url.rstrip("/"),
            origin=origin or SANDBOX_ORIGINS[family_name],
            credentials=_sandbox_credentials(sandbox),
            server=identify(sandbox.url.rstrip("/"))[0],
            sandbox=True,
            slept=lambda seconds: sandbox.clock.advance(seconds * SANDBOX_SPEED),
            now=lambda: _next_code(sandbox),
        )


def _next_code(sandbox: Sandbox) -> datetime:
    """Go to where a new code of a second factor begins, or it would be over in an instant."""
    sandbox.clock.advance(_CODE_PERIOD - sandbox.clock.now().timestamp() % _CODE_PERIOD)
    return sandbox.clock.now()


def _sandbox_credentials(sandbox: Sandbox) -> ScenarioCredentials:
    other, two_factor = sandbox.users["bob"], sandbox.users.get("carol")
    seeds = getattr(sandbox.world, "second_factors", {})
    return ScenarioCredentials(
        username=sandbox.username,
        password=sandbox.password,
        key=sandbox.key,
        secret=sandbox.secret,
        other_username=other.username,
        other_password=other.password,
        two_factor_username=two_factor.username if seeds and two_factor else None,
        two_factor_password=two_factor.password if seeds and two_factor else None,
        two_factor_seed=next(iter(seeds.values()), None),
    )


def server_recorder(root: Path, endpoint: str, origin: str) -> Recorder:
    """Prepare to record a server that is already running.

    :raises MissingCredentialsError: If the environment lacks credentials; nothing was sent.
    :raises ServerUnknownError: If the server cannot be recorded.
    """
    credentials = ScenarioCredentials.from_environment()
    endpoint = endpoint.rstrip("/")
    server, sandbox = identify(endpoint)
    return Recorder(
        root=root,
        endpoint=endpoint,
        origin=origin,
        credentials=credentials,
        server=server,
        sandbox=sandbox,
    )
