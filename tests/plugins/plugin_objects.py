"""Plugins that a test makes as objects, drivers that need no server, and types of fixtures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from slipstream import Answered, Backend, EndpointKind, LoginMethod, errors, hookimpl
from slipstream.backends import SlipStream3
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

Driver = SlipStreamNodeDriver
AddPlugin = Callable[..., str]
Connect = Callable[..., Driver]
LoadPlugin = Callable[..., object]

NOWHERE = "http://127.0.0.1:9"
FREE = LoginMethod(name="free", authenticate=lambda attempt, _: attempt.finish(data="d"))
"""A login method that sends nothing."""
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "-W", "error")
LOGIN = """
@hookimpl
def slipstream_login_methods():
    return [LoginMethod(name="{}", authenticate=print)]
"""
"""The source of a plugin with one login method."""


def plugin(
    kinds: Iterable[EndpointKind] = (), methods: Iterable[LoginMethod] = (), **hooks: Any
) -> SimpleNamespace:
    return SimpleNamespace(
        slipstream_endpoints=hookimpl(lambda: list(kinds)),
        slipstream_login_methods=hookimpl(lambda: list(methods)),
        **hooks,
    )


def wrapper(body: str, arguments: str = "", **names: Any) -> Any:
    """A wrapper of these arguments and this body, which may use the exceptions, and the names."""
    namespace = {**vars(errors), "Answered": Answered, **names}
    exec(f"def wrap({arguments}):\n    {body}", namespace)
    return hookimpl(wrapper=True)(namespace["wrap"])


def kind(name: str = "lab", backend: type = SlipStream3, **options: Any) -> EndpointKind:
    return EndpointKind(name=name, backend=backend, **options)


def connected(
    load_plugin: LoadPlugin,
    backend: type[Backend] = Backend,
    method: LoginMethod = FREE,
    *,
    group: str | None = None,
    **hooks: Any,
) -> Driver:
    """A driver of an endpoint that needs no server, with the hooks of a plugin."""
    load_plugin(plugin([kind("faulty", backend, login_methods=method.name)], [method], **hooks))
    options: dict[str, Any] = {"ex_endpoint_kind": "faulty", "ex_endpoint": NOWHERE}
    return Driver("ada", "secret-of-ada", retry_delay=0.001, ex_group=group, **options)


def run_module(*arguments: str, cwd: Path | None = None, path: str = "") -> None:
    """Run a module in a process that imports what is at a path: ``run_module(name, ...)``."""
    command, environment = [sys.executable, "-m", *arguments], {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
