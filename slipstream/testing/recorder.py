"""A run of recording: the server, and the result of each scenario."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from slipstream.errors import DriverError
from slipstream.hookspecs import EndpointKind
from slipstream.plugins import default_plugins
from slipstream.plugins.connect import find_kind, kind_of_host
from slipstream.testing.cassette_file import (
    FROM_SANDBOX,
    FROM_SERVER,
    STATUSES,
    Header,
    Manifest,
)
from slipstream.testing.cassettes import Recording
from slipstream.testing.scenarios import ScenarioCredentials, cassette_path, without_parameters
from slipstream.testing.scrubbing import Scrubber, moved, public_endpoint
from slipstream.transport import Transport
from slipstream.transport.messages import Request
from slipstream.values import Endpoint

SANDBOX_ORIGINS: Final = {"slipstream": "sandbox-3.71", "nuvla": "sandbox-nuvla-6.19"}
"""The folder that recordings of the sandbox go to, for each family."""

SANDBOX_SPEED: Final = 600.0
"""Simulated seconds per second, so that a deployment of minutes is recorded in one."""

if TYPE_CHECKING:
    from slipstream.sandbox import Sandbox

_DISTRIBUTION = "slipstream-libcloud-driver"
_VERSION = re.compile(r"-v?(\d[\w.]*)$")
_CODE_PERIOD = 30
_ENTRY_POINT = Request(method="GET", path="/api/cloud-entry-point", repeatable=True)
_SANDBOX = "slipstream-sandbox"
_FAMILIES = frozenset({"slipstream", "nuv.la", "nuvla", "nuvla.io"})
"""Kinds that a driver recognises at any address."""


class ServerUnknownError(RuntimeError):
    """The server to record cannot be reached, or is of no installed kind of endpoint."""


@define(kw_only=True)
class Recorder:
    """The server and the folder of recordings, and the result of each.

    :param root: The folder of all cassettes.
    :param origin: The name of the folder to record into.
    :param kind: The kind of endpoint that serves it.
    :param sandbox: Whether the server is the sandbox.
    :param slept: Moves the server's clock by the seconds that a scenario sleeps, where that can
        be done; elsewhere sleeping takes its time.
    """

    root: Path
    endpoint: str
    origin: str
    credentials: ScenarioCredentials
    kind: EndpointKind
    sandbox: bool
    slept: Callable[[float], object] | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    results: dict[str, tuple[str, str]] = field(factory=dict, init=False)

    @property
    def folder(self) -> Path:
        """The folder recorded into."""
        return self.root / self.origin

    @property
    def driver_kind(self) -> str | None:
        """The driver's ``ex_endpoint_kind``."""
        return None if self.kind.name in _FAMILIES else self.kind.name

    def scrubber(self) -> Scrubber:
        """Build the scrubber that knows the credentials and the server's address."""
        return Scrubber(
            secrets=self.credentials.secrets(),
            names=self.credentials.names(),
            moved=moved(self.endpoint, public_endpoint(self.endpoint)),
        )

    def save(self, name: str, recording: Recording) -> None:
        """Write the cassette of a scenario that passed."""
        credentials = self.credentials.available()
        header = Header(scenario=name, credentials=credentials, **self._provenance())
        recording.save(cassette_path(self.folder, name), header)
        self.results[name] = ("recorded", "")
        self._note(name, None)

    def refuse(self, name: str, reason: str) -> None:
        """Note that the server cannot serve a scenario, and why."""
        cassette_path(self.folder, name).unlink(missing_ok=True)
        self.results[name] = ("unsupported", f": {reason}")
        self._note(name, reason)

    def _note(self, name: str, reason: str | None) -> None:
        # A reason for all parameters of a scenario goes as soon as one is recorded.
        obsolete, before = {name, without_parameters(name)}, Manifest.load(self.folder)
        reasons: dict[str, Any] = {
            status: {n: why for n, why in getattr(before, status, {}).items() if n not in obsolete}
            for status in STATUSES
        }
        if reason is not None:
            reasons["unsupported"][name] = reason
        Manifest(**reasons, **self._provenance()).save(self.folder)

    def _provenance(self) -> dict[str, Any]:
        version = _VERSION.search(self.origin)
        return {
            "origin": self.origin,
            "kind": FROM_SANDBOX if self.sandbox else FROM_SERVER,
            "server": self.kind.title or self.kind.name,
            "endpoint_kind": self.driver_kind or "",
            "version": version[1] if version else "unknown",
            "date": datetime.now(UTC).date().isoformat(),
            "library": f"{_DISTRIBUTION} {importlib.metadata.version(_DISTRIBUTION)}",
            "endpoint": public_endpoint(self.endpoint),
        }


def identify(endpoint: str, kind: str | None = None) -> tuple[EndpointKind, bool]:
    """Find the kind of endpoint that serves a server, and whether that is the sandbox."""
    plugins = default_plugins()
    try:
        transport = Transport(Endpoint.parse(endpoint))
        record = plugins.endpoint_kinds.get(kind) if kind else None
        record = record or kind_of_host(transport.endpoint, plugins)
        record = record or find_kind(transport, plugins)
        response = transport.send(_ENTRY_POINT)
    except DriverError as error:
        raise ServerUnknownError(f"cannot record {endpoint}: {error}") from None
    return record, response.headers.get("Server") == _SANDBOX


@contextmanager
def sandbox_recorder(
    root: Path, origin: str | None, family_name: str = "slipstream"
) -> Iterator[Recorder]:
    """Start the sandbox and make a recorder of it."""
    from slipstream.sandbox import Sandbox  # noqa: PLC0415 - flask is needed for this alone

    def now() -> datetime:
        # A new code of a second factor begins here; the present one would be over at once.
        sandbox.clock.advance(_CODE_PERIOD - sandbox.clock.now().timestamp() % _CODE_PERIOD)
        return sandbox.clock.now()

    with Sandbox(family=family_name, speed=SANDBOX_SPEED) as sandbox:
        origin = origin or SANDBOX_ORIGINS[family_name]
        credentials = _sandbox_credentials(sandbox)
        recorder = server_recorder(root, sandbox.url, origin, credentials=credentials)
        recorder.slept = lambda seconds: sandbox.clock.advance(seconds * SANDBOX_SPEED)
        recorder.now = now
        yield recorder


def _sandbox_credentials(sandbox: Sandbox) -> ScenarioCredentials:
    seeds = getattr(sandbox.world, "second_factors", {})
    other, two_factor = sandbox.users["bob"], sandbox.users["carol"] if seeds else None
    return ScenarioCredentials(
        username=sandbox.username,
        password=sandbox.password,
        key=sandbox.key,
        secret=sandbox.secret,
        token=sandbox.token,
        other_username=other.username,
        other_password=other.password,
        two_factor_username=two_factor.username if two_factor else None,
        two_factor_password=two_factor.password if two_factor else None,
        two_factor_seed=next(iter(seeds.values()), None),
    )


def server_recorder(
    root: Path,
    endpoint: str,
    origin: str,
    kind: str | None = None,
    credentials: ScenarioCredentials | None = None,
) -> Recorder:
    """Prepare to record a server that is already running, with the environment's credentials."""
    credentials = credentials or ScenarioCredentials.from_environment()
    record, is_sandbox = identify(endpoint, kind)
    return Recorder(
        root=root,
        endpoint=endpoint.rstrip("/"),
        origin=origin,
        credentials=credentials,
        kind=record,
        sandbox=is_sandbox,
    )
