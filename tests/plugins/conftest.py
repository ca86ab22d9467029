"""Plugins installed as wheels, and distributions with one plugin written for a test."""

from __future__ import annotations

import fcntl
import importlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from plugin_objects import AddPlugin, Connect, Driver

from slipstream.plugins import default_plugins
from slipstream.plugins.loading import ALLOW_VARIABLE, DISABLE_VARIABLE
from slipstream.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"


@pytest.fixture(autouse=True)
def _own_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the plugins of the environment before, and the modules of the test after."""
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    default_plugins.cache_clear()
    modules = set(sys.modules)
    yield
    default_plugins.cache_clear()
    for name in set(sys.modules) - modules:
        if not name.startswith("slipstream"):
            del sys.modules[name]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the example distributions, built and installed once for all workers."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    target = root / "site"
    examples = [str(path.parent) for path in sorted(EXAMPLES.glob("*/pyproject.toml"))]
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    with (root / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target)]
            subprocess.run([*command, *examples], check=True)
    return target


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example distributions, installed."""
    monkeypatch.syspath_prepend(str(site))
    return site


@pytest.fixture
def minicloud(installed: Path) -> Iterator[Any]:
    """The service of the example backend, with its address as ``url``."""
    service = importlib.import_module("minicloud_service")
    with service.running({"ada": "lovelace"}) as (server, url):
        server.url = url
        yield server


@pytest.fixture
def add_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddPlugin:
    """
    Install a distribution with one plugin: ``add_plugin(name, source, ...)``.

    The name is the entry point's; the name of the module is returned.
    """

    def install(
        name: str,
        source: str | None,
        *,
        distribution: str = "",
        version: str = "1.0",
        value: str = "",
    ) -> str:
        distribution = distribution or f"dist-of-{name}"
        folder = tmp_path / distribution
        metadata = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        about = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (metadata / "METADATA").write_text(about)
        module = f"{name.replace('-', '_')}_of_{distribution.replace('-', '_')}"
        (metadata / "entry_points.txt").write_text(f"[slipstream]\n{name} = {value or module}\n")
        if source is not None:
            (folder / f"{module}.py").write_text(PREAMBLE + textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()
        return module

    return install


PREAMBLE = """\
from __future__ import annotations
from slipstream import *
from slipstream import hookimpl
from slipstream.backends import SlipStream3
from slipstream.errors import *

"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A server of one family: what plugins do is the same on each."""
    with Sandbox(speed=0) as sandbox:
        yield sandbox


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    """Make a driver on the sandbox: ``connect(**arguments)``."""
    with ExitStack() as drivers:

        def connect(key: Any = None, secret: Any = None, **arguments: Any) -> Driver:
            options = {"ex_endpoint": sandbox.url, "retry_delay": 0.001, **arguments}
            return drivers.enter_context(Driver(key, secret, **options))

        yield connect


@pytest.fixture
def as_alice(sandbox: Sandbox, connect: Connect) -> Connect:
    """Make a driver of the sandbox's main user: ``as_alice(**arguments)``."""
    return lambda **arguments: connect(sandbox.username, sandbox.password, **arguments)
