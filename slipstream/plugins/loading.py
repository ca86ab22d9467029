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
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs
import pluggy

from slipstream import hookspecs
from slipstream.errors import BadInput, MalformedAnswer, PluginFailed, UnknownName, nearest
from slipstream.hookspecs import OPERATIONS, PROJECT, Backend, EndpointKind, LoginMethod
from slipstream.transport.calls import stacklevel
from slipstream.values import safe_text
from slipstream.values.plain import declare_secret_names
from slipstream.version import VERSION

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PREFIX = f"{PROJECT}_"
CONTRIBUTIONS: dict[str, type[LoginMethod | EndpointKind]] = {
    "slipstream_login_methods": LoginMethod,
    "slipstream_endpoints": EndpointKind,
}
"""The hooks that plugins answer, and what they contribute; all others are wrapped."""

EVERY = f"{PREFIX}operation"
CONTEXT = ("session", "backend", "dry_run")
"""The arguments of the hook of an operation beside those of the operation."""


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


ARGUMENTS = {name: _arguments(getattr(hookspecs, name)) for name in (*CONTRIBUTIONS, EVERY)} | {
    PREFIX + name: (*CONTEXT, *_arguments(getattr(Backend, name))[1:]) for name in OPERATIONS
}
"""The arguments that the functions of a hook may take, by the hook's name."""

MOST_CONTRIBUTIONS = 1_000
"""Records of one sort that a plugin may contribute."""

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


C = TypeVar("C", bound=LoginMethod | EndpointKind)
R = TypeVar("R", bound=attrs.AttrsInstance)


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

    def __init__(self, disabled: Iterable[str] | None, allowed: Iterable[str] | None) -> None:
        if disabled is None:
            disabled = os.environ.get(DISABLE_VARIABLE, "")
        if allowed is None:
            allowed = os.environ.get(ALLOW_VARIABLE)
        self.disabled = _names(disabled)
        self.allowed = None if allowed is None else _names(allowed)

    def refuses(self, plugin: PluginInfo) -> str | None:
        """The reason why a plugin is left out; ``None`` if it may be loaded."""
        names = _names([plugin.name, plugin.distribution])
        if plugin.built_in:
            return None
        if names & self.disabled:
            return "switched off"
        if self.allowed is not None and not names & self.allowed:
            return "not among the plugins to load"
        return None

    def unmatched(self, plugins: Iterable[PluginInfo]) -> Iterator[str]:
        """Describe the names to leave out that no plugin has."""
        names = {name for info in plugins for name in _names([info.name, info.distribution])}
        for name in sorted(self.disabled - names):
            near = nearest(name, names)
            hint = f"; did you mean {near!r}?" if near else "."
            yield f"There is no plugin {name!r} to leave out{hint}"


def find_plugins() -> Iterator[tuple[PluginInfo, Callable[[], object]]]:
    """The built-in plugins, and those of other distributions, each with what imports it."""
    for module in BUILT_IN:
        info = PluginInfo(
            name=module, distribution=OWN_DISTRIBUTION, version=VERSION, built_in=True
        )
        yield info, partial(importlib.import_module, module)
    installed = []
    for entry_point in metadata.entry_points(group=PROJECT):
        # What is left of a removed distribution may have neither name nor version.
        about: Any = entry_point.dist.metadata if entry_point.dist else {}
        info = PluginInfo(
            name=entry_point.name,
            distribution=about.get("Name") or "an unknown distribution",
            version=about.get("Version") or "",
        )
        installed.append((info, entry_point.load))
    yield from sorted(installed, key=lambda plugin: plugin[0].key)
    for name, plugin in NOT_INSTALLED:
        info = PluginInfo(name=name, distribution=NO_DISTRIBUTION, version="")
        yield info, partial(lambda plugin: plugin, plugin)


def load(
    manager: pluggy.PluginManager, info: PluginInfo, find: Callable[[], object]
) -> tuple[PluginInfo, list[Contribution[Any]]]:
    """
    Import a plugin, check it, read what it contributes, and register it.

    It is registered last, so that nothing of a broken one is in use.
    """
    doing, contributions = "importing it", []
    try:
        plugin = find()
        under_test = [other for _, other in NOT_INSTALLED]
        if info.distribution != NO_DISTRIBUTION and any(plugin is other for other in under_test):
            return attrs.evolve(info, status="disabled", reason="a test loads it itself"), []
        doing = "registering it"
        hooks = _read_hooks(manager, plugin)
        info = attrs.evolve(info, hooks=tuple(sorted(hooks)))
        for name, record_type in CONTRIBUTIONS.items():
            if name in hooks:
                doing = f"calling its {name}"
                records = _checked(hooks[name](), record_type)
                contributions += [Contribution(info, record) for record in records]
        manager.register(plugin, name=info.key)
    except BaseException as error:
        if info.built_in or isinstance(error, KeyboardInterrupt):
            raise
        return info.broken(doing, error), []
    return info, contributions


def _read_hooks(manager: pluggy.PluginManager, plugin: object) -> dict[str, Callable[..., Any]]:
    """The hooks that a plugin implements, checked: pluggy's errors do not name what is right."""
    hooks = {}
    for name in () if inspect.isclass(plugin) else dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is not None:
            function = getattr(plugin, name)
            hook = options.get("specname") or name
            _check_hook(hook, function, options)
            hooks[hook] = function
        elif name.startswith(PREFIX) and inspect.isroutine(getattr(plugin, name)):
            raise PluginFailed(f"its function {name} is not marked with @hookimpl")
    if not hooks:
        raise PluginFailed(
            "it has no hooks; mark its functions with @hookimpl, and let the entry point name a"
            f" module or an instance, not this {type(plugin).__name__}"
        )
    other = manager.get_name(plugin)
    if other is not None:
        raise PluginFailed(f"it is what the plugin {other} has registered already")
    return hooks


def _check_hook(name: str, function: Callable[..., Any], options: pluggy.HookimplOpts) -> None:
    arguments = ARGUMENTS.get(name)
    if arguments is None:
        near = nearest(
            name.removeprefix(PREFIX), [hook.removeprefix(PREFIX) for hook in ARGUMENTS]
        )
        hint = f"; the nearest is {PREFIX}{near}" if near else ""
        raise PluginFailed(f"there is no hook {name}{hint}")
    for argument, parameter in inspect.signature(function).parameters.items():
        if argument not in arguments:
            takes = ", ".join(arguments) or "none"
            raise PluginFailed(f"{name} has no argument {argument!r}; the arguments are: {takes}")
        if parameter.default is not parameter.empty:
            raise PluginFailed(f"{name} gives a default value to {argument}")
    if name in CONTRIBUTIONS:
        return
    if options["hookwrapper"]:
        raise PluginFailed(f"{name} needs wrapper=True, not hookwrapper=True")
    if not options["wrapper"]:
        raise PluginFailed(
            f"{name} is implemented by backends alone; wrap it with @hookimpl(wrapper=True)"
        )
    if not inspect.isgeneratorfunction(function):
        raise PluginFailed(f"{name} does not yield, as a wrapper must")


def _checked(records: Iterable[object], record_type: type[C]) -> Iterator[C]:
    for number, record in enumerate(records):
        if number >= MOST_CONTRIBUTIONS:
            raise PluginFailed(f"it contributes more than {MOST_CONTRIBUTIONS} records")
        if not isinstance(record, record_type):
            what = type(record).__name__
            raise PluginFailed(f"it contributed a {what}, which is not a {record_type.__name__}")
        declare_secret_names(record.secret_fields)
        yield plain(record_type, record)


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


def plain(cls: type[R], record: Any) -> R:
    """Copy a record of a derived class, which may compute its fields, into one of ours."""
    if type(record) is cls:
        return record
    return cls(**{field.name: getattr(record, field.name) for field in attrs.fields(cls)})


@attrs.frozen
class Contribution(Generic[C]):
    """A record and the plugin that contributed it."""

    plugin: PluginInfo
    record: C

    def recognises(self, subject: Any, predicate: Callable[[Any], bool] | None) -> bool:
        """Call a predicate of the record; a failure is a warning and ``False``."""
        try:
            return predicate is not None and bool(predicate(subject))
        except MalformedAnswer:  # it read a response of another server
            return False
        except BaseException as error:
            if self.plugin.built_in or isinstance(error, KeyboardInterrupt):
                raise
            # Its text is not quoted: its argument may be credentials.
            what = f"calling recognises of {self.record.name!r} failed"
            reason = f"{what}: {type(error).__name__}"
            attrs.evolve(self.plugin, reason=reason).warn()
            return False


class Contributions(list[Contribution[C]]):
    """All records of one sort by name, and the plugins that were left out."""

    def __init__(
        self, what: str, contributions: Iterable[Contribution[C]], left_out: Iterable[PluginInfo]
    ) -> None:
        super().__init__(sorted(contributions, key=lambda c: c.record.name))
        self._what, self._left_out = what, tuple(left_out)

    @property
    def names(self) -> list[str]:
        """Every name, sorted."""
        return list(dict.fromkeys(contribution.record.name for contribution in self))

    def get(self, name: str) -> C:
        """The record of a name."""
        matches = [contribution for contribution in self if contribution.record.name == name]
        if matches:
            return self._only(matches, f"the {self._what} {name!r}")
        self.raise_if_left_out(name)
        error = UnknownName(self._what, name, self.names)
        broken = [plugin for plugin in self._left_out if plugin.status == "broken"]
        if broken:
            suspects = ", ".join(f"{plugin.name!r} of {plugin.source}" for plugin in broken)
            error.hint = f"Broken plugins that may have had it: {suspects}."
        raise error

    def choose(self, predicate: Callable[[Contribution[C]], bool], what: str) -> C | None:
        """The only record that matches; a plugin's wins over a built-in one."""
        matches = [contribution for contribution in self if predicate(contribution)]
        foreign = [match for match in matches if not match.plugin.built_in]
        return self._only(foreign or matches, what) if matches else None

    def raise_if_left_out(self, name: str) -> None:
        """Raise why a name is missing, if the plugin of that name is broken or disabled."""
        for plugin in self._left_out:
            if name in {plugin.name, plugin.distribution}:
                missing = f"The {self._what} {name!r} is not available"
                if plugin.status == "disabled":
                    raise BadInput(
                        f"{missing}: the plugin {plugin.name!r} of {plugin.source} is disabled"
                        f" ({plugin.reason})."
                    )
                raise PluginFailed(
                    f"{missing}: its plugin of {plugin.source} is broken, {plugin.reason}."
                ) from plugin.cause

    @staticmethod
    def _only(contributions: list[Contribution[C]], what: str) -> C:
        if len(contributions) > 1:
            sources = " and ".join(sorted(c.plugin.source for c in contributions))
            raise PluginFailed(
                f"{sources} both contribute {what}.",
                hint=f"Switch one of them off with ex_disable_plugins or {DISABLE_VARIABLE}.",
            )
        return contributions[0].record
