"""Who contributes what: records by name, and the errors when a name is missing or disputed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import attrs

from slipstream.errors import BadInput, MalformedAnswer, PluginFailed, UnknownName
from slipstream.hookspecs import EndpointKind, LoginMethod
from slipstream.plugins.loading import DISABLE_VARIABLE, PluginInfo

C = TypeVar("C", LoginMethod, EndpointKind)


def plain(cls: type[Any], record: Any) -> Any:
    """Read the fields of a record, whose class may compute them, into one of our own class."""
    if type(record) is cls:
        return record
    return cls(**{field.name: getattr(record, field.name) for field in attrs.fields(cls)})


@attrs.frozen
class Contribution(Generic[C]):
    """A record and the plugin that contributed it."""

    plugin: PluginInfo
    record: C

    def recognises(self, subject: Any, predicate: Callable[[Any], bool] | None = None) -> bool:
        """Call a predicate of the record; one that fails is warned about, recognising nothing."""
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
    """All records of one sort by name, and the plugins left out that might have brought more."""

    def __init__(
        self, what: str, contributions: Iterable[Contribution[C]], left_out: Iterable[PluginInfo]
    ) -> None:
        self._what = what
        self._left_out = tuple(left_out)
        self._by_name: dict[str, list[Contribution[C]]] = {}
        for contribution in contributions:
            self._by_name.setdefault(contribution.record.name, []).append(contribution)

    @property
    def names(self) -> list[str]:
        """Every name, sorted."""
        return sorted(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Contribution[C]]:
        """Every record with its plugin, sorted by name."""
        return (contribution for name in self.names for contribution in self._by_name[name])

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
        """The one record that is left; a plugin's goes before a built-in one."""
        matches = [contribution for contribution in self if predicate(contribution)]
        foreign = [match for match in matches if not match.plugin.built_in]
        return _only(foreign or matches, what) if matches else None

    def raise_if_left_out(self, name: str) -> None:
        """Tell why a name is missing when the plugin of that name is broken or disabled."""
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
