"""The plugins in use, their contributions, and the operations of a session."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TypeVar, cast

import pluggy

from slipstream import hookspecs
from slipstream.errors import DriverError, PluginFailed
from slipstream.hookspecs import PROJECT, Backend, EndpointKind, LoginMethod
from slipstream.plugins.loading import (
    Contribution,
    Contributions,
    PluginInfo,
    PluginWarning,
    Selection,
    load_all,
    plain,
    unmet_requirements,
)
from slipstream.plugins.operations import WRAPPABLE, Operations, specifications
from slipstream.session import Session
from slipstream.transport.call_context import stacklevel
from slipstream.values.plain import declare_secret_names

C = TypeVar("C", LoginMethod, EndpointKind)
MOST_CONTRIBUTIONS = 1_000
"""Records of one sort that a plugin may contribute."""


class Plugins:
    """
    The plugins in use and their contributions; immutable.

    ``problems`` are sentences on what is wrong although no plugin is broken: a name to leave out
    that no plugin has, a requirement that is not met, a host that two kinds claim. Each is given
    as a :class:`~slipstream.plugins.PluginWarning` too.

    :param disabled: Names of third-party plugins or distributions to leave out; ``None``
        leaves it to the environment variable ``SLIPSTREAM_DISABLE_PLUGINS``.
    :param allowed: The only third-party plugins to load; ``None`` leaves it to
        ``SLIPSTREAM_LOAD_PLUGINS``.
    """

    def __init__(
        self, *, disabled: Iterable[str] | None = None, allowed: Iterable[str] | None = None
    ) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._manager.add_hookspecs(specifications())
        selection = Selection(disabled, allowed)
        infos = load_all(self._manager, selection)
        self._plugins = {info.key: info for info in infos}
        hook = self._manager.hook
        methods = list(self._collect(hook.slipstream_login_methods, LoginMethod))
        kinds = list(self._collect(hook.slipstream_endpoints, EndpointKind))
        for method in methods:
            declare_secret_names(method.record.secret_fields)
        for kind in kinds:
            declare_secret_names(kind.record.secret_fields)
        broken = [info for info in self._plugins.values() if info.status == "broken"]
        for info in broken:
            info.warn()
        left_out = [info for info in self._plugins.values() if info.status != "active"]
        self.login_methods = Contributions("login method", self._in_use(methods), left_out)
        self.endpoint_kinds = Contributions("kind of endpoint", self._in_use(kinds), left_out)
        self.problems = (
            *selection.unmatched(infos),
            *unmet_requirements(infos),
            *_disputed_hosts(self.endpoint_kinds),
        )
        for problem in self.problems:
            warnings.warn(problem, PluginWarning, stacklevel=stacklevel())
        built_in_last = sorted(kinds, key=lambda kind: kind.plugin.built_in)
        self._providers = {kind.record.backend: kind.plugin for kind in built_in_last}

    def list_plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was found, in use or not."""
        return tuple(self._plugins.values())

    def wrappers(self, hook: str) -> list[PluginInfo]:
        """
        The plugins that wrap a hook, the outermost first.

        :param hook: The hook's name.
        """
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return [self._plugins[i.plugin_name] for i in reversed(implementations)]

    def address_of(self, kind: str) -> str | None:
        """
        The default address of a kind of endpoint.

        :param kind: The name of the kind.
        :returns: The URL, ``None`` if it brings none.
        :raises UnknownName: If there is no such kind.
        """
        endpoint = self.endpoint_kinds.get(kind).endpoint
        return None if endpoint is None else endpoint.url

    def operations(self, session: Session, refusals: list[DriverError] | None = None) -> Backend:
        """Make the operations of a session: its backend, wrapped by plugins."""
        wrappers = [
            (self._plugins[implementation.plugin_name], implementation, name)
            for name in sorted(WRAPPABLE)
            for implementation in getattr(self._manager.hook, name).get_hookimpls()
        ]
        provider = self._providers[cast(type[Backend], session.kind.backend)]
        return cast(Backend, Operations(session, provider, wrappers, refusals))

    def _in_use(self, contributions: Iterable[Contribution[C]]) -> list[Contribution[C]]:
        return [c for c in contributions if self._plugins[c.plugin.key].status == "active"]

    def _collect(self, hook: pluggy.HookCaller, record_type: type[C]) -> Iterator[Contribution[C]]:
        for implementation in hook.get_hookimpls():
            info = self._plugins[implementation.plugin_name]
            try:
                for record in _checked(implementation.function, record_type):
                    yield Contribution(info, record)
            except BaseException as error:
                if info.built_in or isinstance(error, KeyboardInterrupt):
                    raise
                self._plugins[info.key] = info.broken(f"calling its {hook.name}", error)
                self._manager.unregister(implementation.plugin)


@cache
def default_plugins() -> Plugins:
    """The plugins of the environment, loaded on the first call and cached."""
    return Plugins()


def _disputed_hosts(kinds: Contributions[EndpointKind]) -> Iterator[str]:
    claims: dict[str, list[Contribution[EndpointKind]]] = {}
    for kind in kinds:
        for host in kind.record.hosts:
            claims.setdefault(host, []).append(kind)
    for host, claiming in sorted(claims.items()):
        foreign = [kind.plugin.source for kind in claiming if not kind.plugin.built_in]
        if len(foreign) > 1:
            yield f"{' and '.join(sorted(foreign))} both claim the host {host}."


def _checked(contribute: Callable[[], Any], record_type: type[C]) -> Iterator[C]:
    for number, record in enumerate(contribute()):
        if number >= MOST_CONTRIBUTIONS:
            raise PluginFailed(f"it contributes more than {MOST_CONTRIBUTIONS} records")
        if not isinstance(record, record_type):
            what = type(record).__name__
            raise PluginFailed(f"it contributed a {what}, which is no {record_type.__name__}")
        yield plain(record_type, record)
