"""Run scenarios against cassettes, or record them.

Load it in the ``conftest.py`` at the top of the tests::

    pytest_plugins = ["slipstream.testing.pytest_plugin"]
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from slipstream.testing.cassette_file import STATUSES, CassetteError, Manifest, origins
from slipstream.testing.cassettes import Recording, recording, replaying
from slipstream.testing.offline import instant_sleep, network_blocked
from slipstream.testing.recorder import (
    SANDBOX_ORIGINS,
    Recorder,
    ServerUnknownError,
    sandbox_recorder,
    server_recorder,
)
from slipstream.testing.scenarios import (
    MissingCredentialsError,
    Scenario,
    ScenarioCredentials,
    cassette_path,
    scenario_name,
)

if TYPE_CHECKING:
    from slipstream.sandbox import Sandbox

_RECORDER = pytest.StashKey[Recorder]()
_RECORDING = pytest.StashKey[Recording]()
_OWNERS = pytest.StashKey[dict[tuple[object, str], str]]()
_OUTCOMES = pytest.StashKey[set[str]]()
_STATUS = "slipstream_scenario"
_SKIPPED = {
    "unsupported": "{origin} cannot serve it: {reason}",
    "unrecorded": "{origin} was not recorded with it: {reason}",
    "outdated": "the recording of {origin} cannot be replayed any more: {reason}",
}
_ORIGIN_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("slipstream", "sessions with SlipStream and Nuvla")
    group.addoption("--record", action="store_true", help="record scenarios anew")
    group.addoption("--endpoint", metavar="URL", help="record this server, not the sandbox")
    group.addoption("--endpoint-kind", metavar="NAME", help="the kind of endpoint to record")
    group.addoption(
        "--family",
        metavar="NAME",
        choices=sorted(SANDBOX_ORIGINS),
        default="slipstream",
        help="the family of the sandbox to record, without --endpoint",
    )
    group.addoption("--origin", metavar="NAME", help="record or play this folder of cassettes")
    group.addoption(
        "--scenario", metavar="NAME", action="append", default=[], help="run this scenario alone"
    )
    parser.addini("slipstream_cassettes", "the folder of all cassettes", default="tests/cassettes")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse options that contradict each other."""
    # vcrpy tells of addresses as they were, before anything is scrubbed.
    logging.getLogger("vcr").setLevel(logging.WARNING)
    config.addinivalue_line("markers", "scenario: a session that is recorded and replayed")
    option = config.option
    if option.endpoint and not (option.record and option.origin):
        raise pytest.UsageError("--endpoint needs --record, and --origin NAME to record into")
    if option.origin and not _ORIGIN_NAME.fullmatch(option.origin):
        raise pytest.UsageError("--origin is a folder's name: lower-case letters, digits, . and -")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each scenario once for each origin."""
    if "origin" not in metafunc.fixturenames:
        return
    option = metafunc.config.option
    if option.record:
        names = [option.origin or "sandbox"]
    else:
        names = [n for n in origins(_root(metafunc.config)) if option.origin in {None, n}]
    skip = pytest.mark.skip(reason="there are no cassettes yet: record them")
    parameters = names or [pytest.param("", marks=skip, id="none")]
    metafunc.parametrize("origin", parameters, indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse two scenarios that would share one cassette."""
    report = yield
    owners = collector.config.stash.setdefault(_OWNERS, {})
    for item in report.result or ():
        if not (isinstance(item, pytest.Item) and item.get_closest_marker("scenario")):
            continue
        # Some file systems take capital letters for small ones.
        cassette = (_parameters(item).get("origin"), _name(item).casefold())
        owner = owners.setdefault(cassette, item.nodeid)
        if owner != item.nodeid:
            report.outcome = "failed"
            report.longrepr = (
                f"{owner} and {item.nodeid} would share the cassette of {_name(item)}: "
                "give one of them, or the id of its parameters, another name"
            )
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the scenarios that were selected."""
    names = {item: _name(item) for item in items if item.get_closest_marker("scenario")}
    selected = set(config.option.scenario)
    if not selected and not config.option.record:
        return
    if unknown := selected - set(names.values()):
        available = ", ".join(sorted(set(names.values()))) or "none"
        raise pytest.UsageError(
            f"no scenario is called {', '.join(sorted(unknown))}, but {available}"
        )
    rest = [item for item in items if item in names and (names[item] in selected or not selected)]
    config.hook.pytest_deselected(items=[item for item in items if item not in rest])
    items[:] = rest


@pytest.fixture(scope="session")
def origin(request: pytest.FixtureRequest) -> str:
    """Name the folder of cassettes in use; a test runs once for each."""
    return str(request.param)


@pytest.fixture(scope="session")
def _recorder(request: pytest.FixtureRequest) -> Iterator[Recorder | None]:
    config = request.config
    if not config.option.record:
        yield None
        return
    option, root = config.option, _root(config)
    with ExitStack() as stack:
        try:
            if option.endpoint:
                kind = option.endpoint_kind
                recorder = server_recorder(root, option.endpoint, option.origin, kind)
            else:
                server = sandbox_recorder(root, option.origin, option.family)
                recorder = stack.enter_context(server)
            recorder.scrubber()
        except (MissingCredentialsError, ServerUnknownError, ValueError) as error:
            pytest.exit(str(error), returncode=2)
        config.stash[_RECORDER] = recorder
        yield recorder


@pytest.fixture
def scenario(
    request: pytest.FixtureRequest, origin: str, _recorder: Recorder | None
) -> Iterator[Scenario]:
    """The server of a test: a real one while recording, else a cassette."""
    name = _name(request.node)
    if _recorder is None:
        server = _replayed(request.node, _root(request.config) / origin, name)
    else:
        server = _recorded(request.node, name, _recorder)
    with server as prepared:
        yield prepared


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Start a sandbox whose clock moves by ``sandbox.clock.advance(seconds)`` alone."""
    from slipstream.sandbox import Sandbox  # noqa: PLC0415 - flask is needed for this alone

    with Sandbox(speed=0) as running:
        yield running


@contextmanager
def _recorded(item: pytest.Item, name: str, recorder: Recorder) -> Iterator[Scenario]:
    def refuse(reason: str) -> NoReturn:
        recorder.refuse(name, reason)
        pytest.skip(f"{recorder.origin} cannot serve it: {reason}")

    sleeping = instant_sleep(slept=recorder.slept) if recorder.slept else nullcontext()
    with sleeping, recording(recorder.scrubber(), name=name) as session:
        yield Scenario(
            name=name,
            endpoint=recorder.endpoint,
            endpoint_kind=recorder.driver_kind,
            credentials=recorder.credentials,
            recording=True,
            now=recorder.now,
            refuse=refuse,
        )
    item.stash[_RECORDING] = session


@contextmanager
def _replayed(item: pytest.Item, folder: Path, name: str) -> Iterator[Scenario]:
    path = _playable(item, folder, name)
    with network_blocked() as attempts, instant_sleep(), replaying(path) as session:
        yield Scenario(
            name=name,
            endpoint=session.endpoint,
            endpoint_kind=session.header.endpoint_kind or None,
            credentials=ScenarioCredentials.placeholders(session.header.credentials),
            recording=False,
            now=lambda: datetime.now(UTC),
            refuse=_contradict,
        )
    # Where the test has failed already, what it left out is no news.
    if "failed" in item.stash[_OUTCOMES]:
        return
    if attempts:
        pytest.fail(f"the network was used: {', '.join(attempts)}", pytrace=False)
    if unused := session.unused():
        lines = "\n  ".join(unused)
        pytest.fail(f"{path} holds requests that were not made:\n  {lines}", pytrace=False)


def _playable(item: pytest.Item, folder: Path, name: str) -> Path:
    path, manifest = cassette_path(folder, name), Manifest.load(folder)
    if obstacle := manifest and manifest.obstacle(name):
        status, reason = obstacle
        item.user_properties.append((_STATUS, status))
        pytest.skip(_SKIPPED[status].format(origin=folder.name, reason=reason))
    item.user_properties.append((_STATUS, "replayed"))
    if not path.is_file():
        pytest.fail(
            f"there is no cassette {path}: record it with "
            f"'python -m slipstream record --origin {folder.name} {name}'",
            pytrace=False,
        )
    return path


def _contradict(reason: str) -> NoReturn:
    pytest.fail(f"a scenario that was recorded is refused on replay: {reason}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the cassette when the whole test, cleaning up included, has passed."""
    report = yield
    outcomes = item.stash.setdefault(_OUTCOMES, set())
    outcomes.add(report.outcome)
    recorder = item.config.stash.get(_RECORDER, None)
    if not recorder or report.when != "teardown" or not item.get_closest_marker("scenario"):
        return report
    if "failed" in outcomes:
        recorder.results[_name(item)] = ("failed", ": the test failed")
    elif outcomes == {"passed"}:
        try:
            recorder.save(_name(item), item.stash[_RECORDING])
        except (CassetteError, OSError) as error:
            recorder.results[_name(item)] = ("failed", f": {error}")
            report.outcome, report.longrepr = "failed", str(error)
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List the recorded scenarios, and the others with the reasons; or count the replays."""
    recorder = config.stash.get(_RECORDER, None)
    if recorder is None:
        _summarise_replays(terminalreporter)
        return
    terminalreporter.section(f"recorded into {recorder.folder}")
    for name, (status, reason) in recorder.results.items():
        terminalreporter.write_line(f"{status:13}{name}{reason}")


def _summarise_replays(reporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in reporter.stats.values() for report in reports]
    # One test may have several reports; the last property is that of the test.
    statuses = {
        report.nodeid: value
        for report in reports
        for key, value in getattr(report, "user_properties", ())
        if key == _STATUS
    }
    if statuses:
        counts = Counter(statuses.values())
        parts = [f"{counts[status]} {status}" for status in ("replayed", *STATUSES)]
        reporter.write_line(f"recorded sessions: {', '.join(parts)}")


def _root(config: pytest.Config) -> Path:
    return config.rootpath / str(config.getini("slipstream_cassettes"))


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def _name(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    parameters = callspec.id if callspec else ""
    if "origin" in _parameters(item):
        parameters = parameters.replace(_parameters(item)["origin"] or "none", "", 1).strip("-")
    function = getattr(item, "originalname", None) or item.name
    return scenario_name(item.path.stem, function, parameters)
