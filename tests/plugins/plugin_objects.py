"""Plugins that a test makes as objects, and the types of the fixtures here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from slipstream import EndpointKind, LoginMethod, hookimpl
from slipstream.backends import SlipStream3
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

Driver = SlipStreamNodeDriver
AddPlugin = Callable[..., str]
Connect = Callable[..., Driver]
LoadPlugin = Callable[..., object]

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


def kind(name: str = "lab", backend: type = SlipStream3, **options: Any) -> EndpointKind:
    return EndpointKind(name=name, backend=backend, **options)
