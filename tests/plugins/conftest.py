"""Plugins installed as wheels, and distributions with one plugin written for a test."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.plugins import registry as plugins_module
from slipstream.plugins.loading import ALLOW_VARIABLE, DISABLE_VARIABLE
from slipstream.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"


@pytest.fixture(autouse=True)
def _as_found(monkeypatch):
    """Forget the plugins of the environment before, and the modules of the test after."""
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    plugins_module.default_plugins.cache_clear()
    modules = set(sys.modules)
    yield
    plugins_module.default_plugins.cache_clear()
    for name in set(sys.modules) - modules:
        if not name.startswith("slipstream"):
            del sys.modules[name]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder that the example distributions are built for and installed in, together."""
    target = tmp_path_factory.mktemp("site")
    examples = [str(path.parent) for path in sorted(EXAMPLES.glob("*/pyproject.toml"))]
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *examples],
        check=True,
    )
    return target


@pytest.fixture
def installed(site, monkeypatch):
    """The example distributions, installed."""
    monkeypatch.syspath_prepend(str(site))
    return site


@pytest.fixture
def add_plugin(tmp_path, monkeypatch):
    """
    Install a distribution with one plugin: ``add_plugin(name, source, ...)``.

    The name is the entry point's; the name of the module is returned.
    """

    def install(name, source, *, distribution=None, version="1.0", value=None):
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
def sandbox():
    """A server of one family: what plugins do is the same on each."""
    with Sandbox(speed=0) as sandbox:
        yield sandbox


@pytest.fixture
def connect(sandbox):
    """Make a driver on the sandbox: ``connect(**arguments)``."""
    made = []

    def make(key=None, secret=None, **arguments):
        arguments = {"ex_endpoint": sandbox.url, "retry_delay": 0.001, **arguments}
        made.append(SlipStreamNodeDriver(key, secret, **arguments))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def as_alice(sandbox, connect):
    """Make a driver of the sandbox's main user: ``as_alice(**arguments)``."""
    return lambda **arguments: connect(sandbox.username, sandbox.password, **arguments)
