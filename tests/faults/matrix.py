"""Try calls with faults, and judge the outcome of each."""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from pathlib import Path
from traceback import format_exception
from typing import Any
from unittest import TestCase, mock

import attrs
from endpoints_under_test import BLOG, Driver, LiveEndpoint
from fake_time import FakeTime
from key_files import KEY as PUBLIC_KEY
from libcloud.common.types import LibcloudError
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize

from slipstream.errors import BadInput, DriverError, PluginFailed, UnknownName
from slipstream.libcloud.ssh_setup import SSHSetup
from slipstream.sandbox import Sandbox

from .calls import KEY, Call, Stage
from .catalogue import FAULTS, Fault
from .proxy import Exchange, Proxy, Respond

RIGHT, CLEAN, DOCUMENTED, BAD = "right", "one clean error", "documented", "bad"
OUTCOMES = (RIGHT, CLEAN, DOCUMENTED, BAD)
FAMILIES = ("slipstream", "nuvla")
LONGEST_MESSAGE = 700
MOST_REQUESTS = 150
MOST_SECONDS = 60

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")
_VOLATILE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|127\.0\.0\.1:\d+|\d+-\d\d-\d\dT[\d:.]+Z"
    r"|_=[0-9a-f]+"
)


@attrs.frozen
class Result:
    """The outcome of one combination."""

    family: str
    call: str
    position: str
    fault: str
    outcome: str
    reason: str = ""


@attrs.frozen
class Position:
    """Which requests meet the fault, of a call with so many changes and requests at least."""

    name: str
    matches: Callable[[int, int, int], bool]
    """By the number of a request, that among the changes (0 for a read), and changes before."""
    forwards: bool = True
    """Whether the server gets the request all the same."""
    needs: int = 0
    reads: int = 1


POSITIONS = [
    Position("every request", lambda number, change, before: True),
    Position("first request, once", lambda number, change, before: number == 1),
    Position("second request, once", lambda number, change, before: number == 2, reads=2),
    Position("change, not sent on", lambda n, change, b: change == 1, forwards=False, needs=1),
    Position("change, carried out", lambda n, change, b: change == 1, needs=1),
    Position("second change, carried out", lambda n, change, b: change == 2, needs=2),
    Position("all after the change", lambda n, change, before: before > 0, needs=1),
]


def summary(value: Any) -> Any:
    """What of a result does not depend on the run."""
    if isinstance(value, list | tuple):
        return [summary(entry) for entry in value]
    if isinstance(value, dict):
        return {key: summary(entry) for key, entry in value.items()}
    if isinstance(value, Node):
        return ("node", value.name, str(value.state))
    if isinstance(value, NodeImage | NodeLocation | NodeSize):
        return (type(value).__name__, value.id, value.name)
    if isinstance(value, KeyPair):
        return ("key", value.name)
    return _VOLATILE.sub("#", repr(value))


@attrs.frozen
class Truth:
    """What the server holds."""

    nodes: dict[str, str]
    keys: tuple[str, ...]
    images: tuple[str, ...]

    @classmethod
    def of(cls, driver: Driver) -> Truth:
        """Read it with a driver that no proxy stands before."""
        nodes = driver.list_nodes(ex_active_only=False)
        keys = driver.list_key_pairs()
        return cls(
            {str(node.id): str(node.extra["state"]) for node in nodes},
            tuple(sorted(f"{key.name} {key.public_key.split()[1]}" for key in keys)),
            tuple(sorted(str(image.id) for image in driver.list_images())),
        )


@contextmanager
def stage_of(call: Call, family: str, proxy: Proxy, folder: Path) -> Iterator[Stage]:
    """A server with a node and a key, and a driver before it."""
    with Sandbox(family=family, speed=0, machine_address="198.51.100.7") as sandbox:
        endpoint = LiveEndpoint(family, sandbox)
        proxy.begin(sandbox.url)
        direct, driver = endpoint.login(), endpoint.login(ex_endpoint=proxy.url, timeout=20)
        stage = Stage(endpoint, driver, direct, folder, image=driver.get_image(BLOG))
        try:
            location = endpoint.location(direct)
            stage.location = copy(location)
            stage.location.driver = driver
            node = direct.create_node("blog", image=direct.get_image(BLOG), location=location)
            sandbox.clock.advance(600)
            if call.name in {"start_node", "ex_start_node"} and family == "nuvla":
                direct.stop_node(node)
                sandbox.clock.advance(600)
            direct.import_key_pair_from_string(KEY, PUBLIC_KEY)
            stage.node = driver.ex_get_node(str(node.id))
            yield stage
        finally:
            endpoint.close()
            proxy.begin("")


def _plan(position: Position, respond: Respond) -> Callable[[int, Exchange], Respond | None]:
    changes = [0]

    def plan(number: int, exchange: Exchange) -> Respond | None:
        before = changes[0]
        changes[0] += exchange.is_change
        if not position.matches(number, changes[0] if exchange.is_change else 0, before):
            return None
        exchange.forwards = position.forwards
        return respond

    return plan


@attrs.define
class Trial:
    """What a call did."""

    value: Any = None
    error: BaseException | None = None
    lines: list[str] = attrs.field(factory=list)
    requests: int = 0
    changes: int = 0
    seconds: float = 0.0


def attempt(call: Call, stage: Stage, proxy: Proxy, clock: FakeTime | None = None) -> Trial:
    """Make the call, and note its outcome."""
    trial, started = Trial(), time.monotonic()
    clock = clock or FakeTime(stage.sandbox.clock.advance)
    with (
        TestCase().assertLogs("slipstream", "INFO") as logged,
        warnings.catch_warnings(record=True) as caught,
        mock.patch("slipstream.transport.calls.time", clock),
        mock.patch.object(SSHSetup, "run"),
    ):
        warnings.simplefilter("always")
        logging.getLogger("slipstream").info("the call begins")  # no log at all is an error there
        try:
            trial.value = call.do(stage.driver, stage)
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            trial.error = error
    trial.seconds = time.monotonic() - started
    trial.lines = [record.getMessage() for record in logged.records]
    trial.lines += [str(warning.message) for warning in caught]
    trial.requests = len(proxy.seen)
    trial.changes = sum(exchange.is_change for exchange in proxy.seen)
    return trial


class Cell:
    """One method on one family, tried with faults; files may be written in a folder."""

    def __init__(self, call: Call, family: str, proxy: Proxy, folder: Path) -> None:
        self.call, self.family, self.proxy, self.folder = call, family, proxy, folder
        with self._stage() as stage:
            self.before = Truth.of(stage.direct)
            proxy.begin(stage.sandbox.url)
            self.usual = attempt(call, stage, proxy)
            self.after = Truth.of(stage.direct)

    def _stage(self) -> AbstractContextManager[Stage]:
        return stage_of(self.call, self.family, self.proxy, self.folder)

    def results(self, *, step: int = 1, first: int = 0) -> Iterator[Result]:
        """Try each fault in each position that this call has, or some of these combinations."""
        combinations = list(self.combinations())[first::step]
        if self.call.fresh and self.usual.changes:
            for position, fault in combinations:
                with self._stage() as stage:
                    yield self._result(stage, position, fault)
            return
        with self._stage() as stage:
            for position, fault in combinations:
                result = self._result(stage, position, fault)
                yield result
                self.proxy.begin(stage.sandbox.url)
                stage.driver.close()
                stage.driver = stage.endpoint.login(ex_endpoint=self.proxy.url, timeout=20)
                stage.image = stage.driver.get_image(BLOG)

    def combinations(self) -> Iterator[tuple[Position, Fault]]:
        for position in POSITIONS:
            if self.usual.changes < position.needs or self.usual.requests < position.reads:
                continue
            for fault in FAULTS:
                # Nobody can tell these from what the server says when it means it.
                lies = (fault.refusal and position.needs and position.forwards) or (
                    fault.name == "empty 204"
                    and (not position.forwards or self.usual.error is not None)
                )
                if not lies and not (fault.slow and position.name == "every request"):
                    yield position, fault

    def _result(self, stage: Stage, position: Position, fault: Fault) -> Result:
        if fault.slow:
            settings = stage.driver._session.transport.settings
            stage.driver._session.transport.settings = attrs.evolve(settings, read_timeout=0.15)
        for resource in (stage.node, stage.image, stage.location):
            resource.driver = stage.driver
        self.proxy.begin(stage.sandbox.url, _plan(position, fault.respond))
        trial = attempt(self.call, stage, self.proxy)
        self.proxy.begin(stage.sandbox.url)
        truth = Truth.of(stage.direct) if self.call.fresh else self.before
        secrets = [stage.sandbox.password, *(c.value for c in stage.driver._session.cookies)]
        outcome, reason = self._judge(trial, truth, fault, secrets, stage)
        return Result(self.family, self.call.name, position.name, fault.name, outcome, reason)

    def _judge(
        self, trial: Trial, truth: Truth, fault: Fault, secrets: list[str | None], stage: Stage
    ) -> tuple[str, str]:
        texts = [*trial.lines, *getattr(trial.value, "refusals", ())]
        texts += [str(trial.error)] if trial.error is not None else []
        traces = [] if trial.error is None else ["".join(format_exception(trial.error))]
        for text in [*texts, *traces]:
            if any(secret and secret in text for secret in secrets) or "PRIVATE KEY" in text:
                return BAD, f"a secret: {text[-300:]!r}"
        for text in texts:
            if _CONTROL.search(text) or len(text) > LONGEST_MESSAGE:
                return BAD, f"control characters, or too long: {text[:300]!r}"
        if trial.requests > MOST_REQUESTS or trial.seconds > MOST_SECONDS:
            return BAD, f"{trial.requests} requests, {trial.seconds:.0f} s"
        if trial.error is None:
            return self._judge_value(trial, truth, fault)
        return self._judge_error(trial.error, truth, stage)

    def _judge_value(self, trial: Trial, truth: Truth, fault: Fault) -> tuple[str, str]:
        if self.call.fresh and not _same(truth, self.after):
            return BAD, f"returned {trial.value!r}, but the server holds {truth}"[:400]
        if summary(trial.value) == summary(self.usual.value):
            return RIGHT, ""
        if self.usual.error is not None:
            return BAD, f"returned {trial.value!r}, usually {self.usual.error!r}"[:400]
        if reason := documented(self.call.name, trial, fault):
            return DOCUMENTED, reason
        usual = str(self.usual.value)[:300]
        return BAD, f"returned {str(trial.value)[:300]} instead of {usual}"

    def _judge_error(self, error: BaseException, truth: Truth, stage: Stage) -> tuple[str, str]:
        if not isinstance(error, DriverError) or not isinstance(error, LibcloudError):
            return BAD, f"{type(error).__name__}: {str(error)[:300]!r}"
        if self.usual.error is not None and type(error) is type(self.usual.error):
            return RIGHT, ""
        looked_up = isinstance(error, UnknownName) or self.call.name.startswith("ex_find")
        if isinstance(error, PluginFailed) or (isinstance(error, BadInput) and not looked_up):
            return BAD, f"the server's fault as another's: {type(error).__name__} {error}"[:500]
        if stage.driver.ex_endpoint not in str(error):
            return BAD, f"no endpoint: {type(error).__name__} {error}"[:400]
        if self.call.fresh and not _same(truth, self.before):
            if not error.may_have_happened and getattr(error, "node", None) is None:
                return BAD, f"a change is not named: {type(error).__name__} {error}"[:500]
            added = self.call.name == "create_key_pair" and len(truth.keys) > len(self.before.keys)
            if added and not getattr(error, "private_key", None):
                return BAD, f"the private key is lost: {type(error).__name__} {error}"[:500]
        are_kept = not self.call.fresh or "delete_key" in self.call.name
        if not are_kept and set(truth.keys) < set(self.before.keys):
            return BAD, "keys were lost"
        return CLEAN, type(error).__name__


def documented(name: str, trial: Trial, fault: Fault) -> str:
    """Why a result may differ from the usual one, where the manual says so."""
    if name == "ex_iterate_images" and any("skipped" in line for line in trial.lines):
        return "a project that may not be read is skipped with a warning"
    if name == "create_node" and summary(trial.value) == ("node", "fresh", "unknown"):
        return "a node that was made and cannot be read is returned, its state unknown"
    if name == "connection.request":
        return "a response to a request of the program's own is returned as it is"
    if name == "ex_explain" and trial.value.refusals:
        return "what would fail is listed in refusals"
    if fault.name == "control characters" or fault.name.startswith("texts with"):
        return "data is returned as the server has it"
    return ""


def _same(first: Truth, other: Truth) -> bool:
    return (
        sorted(first.nodes.values()) == sorted(other.nodes.values())
        and [k.split()[0] for k in first.keys] == [k.split()[0] for k in other.keys]
        and first.images == other.images
    )
