"""
Find, check and register plugins one at a time, so that a broken one stops no other.

A plugin is a module or an object named by an entry point of the group ``slipstream``. The
environment variables ``SLIPSTREAM_DISABLE_PLUGINS`` (names or distributions to leave alone) and
``SLIPSTREAM_LOAD_PLUGINS`` (the only ones to load; empty for none) take comma-separated lists,
and what they leave out is not even imported. What plugins contribute is kept by
name, with the plugin that it comes from.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import metadata
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs
import pluggy

from slipstream import hookspecs
from slipstream.errors import BadInput, MalformedAnswer, PluginFailed, UnknownName, nearest
from slipstream.hookspecs import PROJECT, EndpointKind, LoginMethod
from slipstream.transport.call_context import stacklevel
from slipstream.values import safe_text
from slipstream.version import VERSION

if TYPE_CHECKING:
    from packaging.requirements import Requirement

CONTRIBUTIONS = ("slipstream_login_methods", "slipstream_endpoints")
"""The hooks that plugins answer; all others are wrapped."""

BUILT_IN = (
    "slipstream.backends.logins",
    "slipstream.backends.slipstream",
    "slipstream.backends.nuvla",
)
DISABLE_VARIABLE = "SLIPSTREAM_DISABLE_PLUGINS"
ALLOW_VARIABLE = "SLIPSTREAM_LOAD_PLUGINS"
NOT_INSTALLED: list[tuple[str, object]] = []
"""Plugins, by name, that are loaded without being installed; for tests of plugins."""

OWN_DISTRIBUTION = "slipstream-libcloud-driver"
NO_DISTRIBUTION = "no distribution"


class PluginWarning(RuntimeWarning):
    """A plugin is broken and left out, or another problem of one."""


@attrs.frozen(kw_only=True)
class PluginInfo:
    """
    One plugin and its status.

    :param name: Its entry point's name.
    :param distribution: The distribution that brings it.
    :param version: That distribution's version.
    :param status: ``active``, ``disabled`` or ``broken``.
    :param reason: Why it is not active.
    :param cause: The exception that broke it.
    :param hooks: The hooks that it implements.
    :param built_in: Whether it comes with this package.
    """

    name: str
    distribution: str
    version: str
    status: str = "active"
    reason: str = ""
    cause: BaseException | None = attrs.field(default=None, eq=False, repr=False)
    hooks: tuple[str, ...] = ()
    built_in: bool = False

    @property
    def key(self) -> str:
        """The unique name to register it by."""
        return f"{self.distribution}:{self.name}"

    @property
    def source(self) -> str:
        """The distribution and its version, for messages."""
        return f"{self.distribution} {self.version}".strip()

    def broken(self, doing: str, cause: BaseException) -> PluginInfo:
        """A copy with the status ``broken``."""
        try:
            text = f": {safe_text(str(cause)).removesuffix('.')}" if str(cause) else ""
        except BaseException:  # noqa: BLE001 - a foreign __str__ may raise any
            text = " (it cannot be printed)"
        reason = f"{doing} failed: {type(cause).__name__}{text}"
        return attrs.evolve(self, status="broken", reason=reason, cause=cause, hooks=())

    def warn(self) -> None:
        """Warn that the plugin is left out, why, and how to switch it off."""
        warnings.warn(
            f"The plugin {self.name!r} of {self.source} is left out: {self.reason}."
            f" Set {DISABLE_VARIABLE}={self.name} to switch it off.",
            PluginWarning,
            stacklevel=stacklevel(),
        )


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _names(names: Iterable[str]) -> frozenset[str]:
    """Normalise names as those of distributions; one text may list several."""
    listed = names.split(",") if isinstance(names, str) else list(names)
    if not all(isinstance(name, str) for name in listed):
        raise TypeError("The plugins to leave out are a list of strings.")
    return frozenset(_canonical(name) for name in listed if name.strip())


class Selection:
    """Which third-party plugins may be loaded; ``None`` leaves it to the environment."""

    def __init__(
        self, disabled: Iterable[str] | None = None, allowed: Iterable[str] | None = None
    ) -> None:
        if disabled is None:
            disabled = os.environ.get(DISABLE_VARIABLE, "")
        if allowed is None:
            allowed = os.environ.get(ALLOW_VARIABLE)
        self.disabled = _names(disabled)
        self.allowed = None if allowed is None else _names(allowed)

    def refuses(self, plugin: PluginInfo) -> str | None:
        """The reason why a plugin is left out; ``None`` if it may be loaded."""
        names = _names([plugin.name, plugin.distribution])
        if names & self.disabled:
            return "switched off"
        if self.allowed is not None and not names & self.allowed:
            return "not among the plugins to load"
        return None

    def unmatched(self, plugins: Iterable[PluginInfo]) -> Iterator[str]:
        """Describe the names to leave out that no plugin has."""
        canonical = {
            name: _canonical(name) for info in plugins for name in (info.name, info.distribution)
        }
        for name in sorted(self.disabled - set(canonical.values())):
            near = nearest(name, canonical)
            yield (
                f"There is no plugin {name!r} to leave out"
                f"{f'; did you mean {near!r}?' if near else '.'}"
            )


def load_all(manager: pluggy.PluginManager, selection: Selection) -> list[PluginInfo]:
    """Register the built-in plugins and those of other distributions that may be loaded."""
    plugins = []
    for module in BUILT_IN:
        info = PluginInfo(
            name=module, distribution=OWN_DISTRIBUTION, version=VERSION, built_in=True
        )
        plugins.append(register(manager, info, importlib.import_module(module)))
    for info, load in _third_party():
        reason = selection.refuses(info)
        if reason:
            manager.set_blocked(info.key)
            plugins.append(attrs.evolve(info, status="disabled", reason=reason))
        else:
            plugins.append(_load(manager, info, load))
    return plugins


def _third_party() -> Iterator[tuple[PluginInfo, Callable[[], object]]]:
    plugins: dict[str, tuple[PluginInfo, Callable[[], object]]] = {}
    for entry_point in metadata.entry_points(group=PROJECT):
        # What is left of a removed distribution may have neither name nor version.
        about: Any = entry_point.dist.metadata if entry_point.dist else {}
        info = PluginInfo(
            name=entry_point.name,
            distribution=about.get("Name") or "an unknown distribution",
            version=about.get("Version") or "",
        )
        plugins[info.key] = (info, entry_point.load)
    yield from (plugins[key] for key in sorted(plugins))
    for name, plugin in NOT_INSTALLED:
        info = PluginInfo(name=name, distribution=NO_DISTRIBUTION, version="")
        yield info, partial(lambda plugin: plugin, plugin)


def _load(
    manager: pluggy.PluginManager, info: PluginInfo, load: Callable[[], object]
) -> PluginInfo:
    doing = "importing it"
    try:
        plugin = load()
        under_test = [other for _, other in NOT_INSTALLED]
        if info.distribution != NO_DISTRIBUTION and any(plugin is other for other in under_test):
            return attrs.evolve(info, status="disabled", reason="a test loads it itself")
        doing = "registering it"
        return register(manager, info, plugin)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a foreign module may raise any
        return info.broken(doing, error)


def register(manager: pluggy.PluginManager, info: PluginInfo, plugin: object) -> PluginInfo:
    """Register one plugin after checking it."""
    _check_shape(plugin)
    other = manager.get_name(plugin)
    if other is not None:
        raise PluginFailed(f"it is what the plugin {other} has registered already")
    try:
        manager.register(plugin, name=info.key)
        callers = manager.get_hookcallers(plugin) or []
        manager.check_pending()
        for caller in callers:
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin:
                    _check_implementation(caller.name, implementation)
        if not callers:
            raise PluginFailed("it has no hooks; mark its functions with @hookimpl")
    except (pluggy.PluginValidationError, PluginFailed) as error:
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        if isinstance(error, PluginFailed):
            raise
        raise PluginFailed(_misfit(manager, plugin) or str(error)) from None
    return attrs.evolve(info, hooks=tuple(sorted(caller.name for caller in callers)))


def _misfit(manager: pluggy.PluginManager, plugin: object) -> str | None:
    """Describe the hook of a plugin that does not exist, or has a wrong argument."""
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            continue
        hook = getattr(manager.hook, options.get("specname") or name, None)
        if hook is None or hook.spec is None:
            hooks = [*CONTRIBUTIONS, *(f"{PROJECT}_{name}" for name in hookspecs.OPERATIONS)]
            near = nearest(name, hooks)
            return f"there is no hook {name}{f'; did you mean {near}?' if near else ''}"
        function = getattr(plugin, name)
        for argument in inspect.signature(function).parameters:
            if argument not in hook.spec.argnames:
                takes = ", ".join(hook.spec.argnames) or "none"
                return f"{name} has no argument {argument!r}; the arguments are: {takes}"
        if options["wrapper"] and not inspect.isgeneratorfunction(function):
            return f"{name} does not yield, as a wrapper must"
    return None


def _check_shape(plugin: object) -> None:
    if inspect.isclass(plugin):
        raise PluginFailed("it is a class; let the entry point name a module or an instance")
    if type(plugin).__module__ == "builtins" and not inspect.ismodule(plugin):
        raise PluginFailed(
            f"it is an {type(plugin).__name__}, not a module or an object with hooks"
        )
    for name in dir(plugin):
        if name.startswith(f"{PROJECT}_"):
            function = inspect.getattr_static(plugin, name)
            function = getattr(function, "__func__", function)
            if inspect.isroutine(function) and not hasattr(function, f"{PROJECT}_impl"):
                raise PluginFailed(f"its function {name} is not marked with @hookimpl")


def _check_implementation(name: str, implementation: pluggy.HookImpl) -> None:
    if implementation.kwargnames:
        names = ", ".join(implementation.kwargnames)
        raise PluginFailed(f"{name} gives default values to {names}")
    if implementation.hookwrapper:
        raise PluginFailed(f"{name} needs wrapper=True, not hookwrapper=True")
    if name not in CONTRIBUTIONS and not implementation.wrapper:
        raise PluginFailed(
            f"{name} is answered by backends alone; wrap it with @hookimpl(wrapper=True)"
        )


def requirements(info: PluginInfo) -> Iterator[tuple[Requirement, bool]]:
    """The requirements of a plugin on this package, and whether each is met."""
    from packaging.requirements import (  # noqa: PLC0415 - slow to import
        InvalidRequirement,
        Requirement,
    )

    try:
        lines = () if info.built_in else metadata.requires(info.distribution) or ()
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # pip says so
        is_extra = requirement.marker and not requirement.marker.evaluate({"extra": ""})
        if _canonical(requirement.name) == OWN_DISTRIBUTION and not is_extra:
            yield requirement, requirement.specifier.contains(VERSION, prereleases=True)


def unmet_requirements(plugins: Iterable[PluginInfo]) -> Iterator[str]:
    """Describe the plugins that need another version of this package."""
    for info in plugins:
        for requirement, met in requirements(info):
            if not met:
                yield (
                    f"The plugin {info.name!r} of {info.source} needs {requirement}, and"
                    f" {VERSION} is installed."
                )


C = TypeVar("C", LoginMethod, EndpointKind)


def plain(cls: type[Any], record: Any) -> Any:
    """Copy a record of a derived class, which may compute its fields, into one of ours."""
    if type(record) is cls:
        return record
    return cls(**{field.name: getattr(record, field.name) for field in attrs.fields(cls)})


@attrs.frozen
class Contribution(Generic[C]):
    """A record and the plugin that contributed it."""

    plugin: PluginInfo
    record: C

    def recognises(self, subject: Any, predicate: Callable[[Any], bool] | None = None) -> bool:
        """Call a predicate of the record; a failure is a warning and ``False``."""
        try:
            return bool((predicate or self.record.recognises)(subject))
        except MalformedAnswer:  # it read a response of another server
            return False
        except BaseException as error:
            if self.plugin.built_in or isinstance(error, KeyboardInterrupt):
                raise
            # Its text is not quoted: what it was asked about may be credentials.
            what = f"asking {self.record.name!r} what it recognises failed"
            reason = f"{what}: {type(error).__name__}"
            attrs.evolve(self.plugin, reason=reason).warn()
            return False


class Contributions(Generic[C]):
    """All records of one sort by name, and the plugins that were left out."""

    def __init__(
        self, what: str, contributions: Iterable[Contribution[C]], left_out: Iterable[PluginInfo]
    ) -> None:
        self._what = what
        self._left_out = tuple(left_out)
        self._by_name: dict[str, list[Contribution[C]]] = {}
        for contribution in sorted(contributions, key=lambda c: c.record.name):
            self._by_name.setdefault(contribution.record.name, []).append(contribution)

    @property
    def names(self) -> list[str]:
        """Every name, sorted."""
        return list(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Contribution[C]]:
        """Every record with its plugin, sorted by name."""
        return chain.from_iterable(self._by_name.values())

    def get(self, name: str) -> C:
        """The record of a name."""
        if name in self._by_name:
            return _only(self._by_name[name], f"the {self._what} {name!r}")
        self.raise_if_left_out(name)
        error = UnknownName(self._what, name, self._by_name)
        broken = [plugin for plugin in self._left_out if plugin.status == "broken"]
        if broken:
            suspects = ", ".join(f"{plugin.name!r} of {plugin.source}" for plugin in broken)
            error.hint = f"Broken plugins that may have had it: {suspects}."
        raise error

    def choose(self, predicate: Callable[[Contribution[C]], bool], what: str) -> C | None:
        """The only record that matches; a plugin's wins over a built-in one."""
        matches = [contribution for contribution in self if predicate(contribution)]
        foreign = [match for match in matches if not match.plugin.built_in]
        return _only(foreign or matches, what) if matches else None

    def raise_if_left_out(self, name: str) -> None:
        """Raise why a name is missing, if the plugin of that name is broken or disabled."""
        for plugin in self._left_out:
            if name in {plugin.name, plugin.distribution}:
                if plugin.status == "disabled":
                    raise BadInput(
                        f"The {self._what} {name!r} is not available: the plugin {plugin.name!r}"
                        f" of {plugin.source} is disabled ({plugin.reason})."
                    )
                raise PluginFailed(
                    f"The {self._what} {name!r} is not available:"
                    f" its plugin of {plugin.source} is broken, {plugin.reason}."
                ) from plugin.cause


def _only(contributions: list[Contribution[C]], what: str) -> C:
    if len(contributions) > 1:
        sources = " and ".join(sorted(c.plugin.source for c in contributions))
        raise PluginFailed(
            f"{sources} both contribute {what}.",
            hint=f"Switch one of them off with ex_disable_plugins or {DISABLE_VARIABLE}.",
        )
    return contributions[0].record
