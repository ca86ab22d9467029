"""The plugins in use, their contributions, and the operations of a session."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

import attrs
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
    find_plugins,
    load,
    unmet_requirements,
)
from slipstream.plugins.operations import Operations, operation_hooks, specify
from slipstream.session import Session
from slipstream.transport.calls import stacklevel

__all__ = ["PluginInfo", "PluginWarning", "Plugins", "default_plugins"]


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
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(hookspecs)
        specify(manager)
        selection = Selection(disabled, allowed)
        self._plugins: dict[str, PluginInfo] = {}
        contributions: list[Contribution[Any]] = []
        for info, find in find_plugins():
            reason = selection.refuses(info)
            if reason:
                self._plugins[info.key] = attrs.evolve(info, status="disabled", reason=reason)
            else:
                self._plugins[info.key], contributed = load(manager, info, find)
                contributions += contributed
        left_out = [info for info in self._plugins.values() if info.status != "active"]
        for info in left_out:
            if info.status == "broken":
                info.warn()
        methods = [c for c in contributions if isinstance(c.record, LoginMethod)]
        kinds = [c for c in contributions if isinstance(c.record, EndpointKind)]
        self.login_methods = Contributions[LoginMethod]("login method", methods, left_out)
        self.endpoint_kinds = Contributions[EndpointKind]("kind of endpoint", kinds, left_out)
        self.problems = (
            *selection.unmatched(self._plugins.values()),
            *unmet_requirements(self._plugins.values()),
            *_disputed_hosts(self.endpoint_kinds),
        )
        for problem in self.problems:
            warnings.warn(problem, PluginWarning, stacklevel=stacklevel())
        self._manager = manager
        self._hooks, self._hooks_of_dry_runs = (
            operation_hooks(manager, self._plugins, dry_run=dry_run) for dry_run in (False, True)
        )

    def list_plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was found, in use or not."""
        return tuple(self._plugins.values())

    def wrappers(self, hook: str) -> list[PluginInfo]:
        """
        The plugins that wrap a hook, the outermost first.

        :param hook: The hook's name.
        """
        # pluggy calls the last one first.
        implementations = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return [self._plugins[implementation.plugin_name] for implementation in implementations]

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
        backend = session.kind.backend
        providers = [c.plugin for c in self.endpoint_kinds if c.record.backend is backend]
        # The kind of a plugin may have the backend of another one.
        provider = next((plugin for plugin in providers if plugin.built_in), providers[0])
        hooks = self._hooks if refusals is None else self._hooks_of_dry_runs
        return cast(Backend, Operations(session, provider, hooks, refusals))


@cache
def default_plugins() -> Plugins:
    """The plugins of the environment, loaded on the first call and cached."""
    return Plugins()


def _disputed_hosts(kinds: Contributions[EndpointKind]) -> Iterator[str]:
    for host in sorted({host for contribution in kinds for host in contribution.record.hosts}):
        try:
            kinds.choose(lambda c: host in c.record.hosts, f"the host {host}")  # noqa: B023
        except PluginFailed as error:
            yield error.summary
