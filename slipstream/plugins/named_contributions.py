"""Who contributes what: records by name, and the errors when a name is missing or disputed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import attrs

from slipstream.errors import MalformedAnswer, PluginFailed, UnknownName
from slipstream.hookspecs import EndpointKind, LoginMethod
from slipstream.plugins.loading import DISABLE_VARIABLE, PluginInfo

C = TypeVar("C", LoginMethod, EndpointKind)


@attrs.frozen
class Contribution(Generic[C]):
    """
    A record and the plugin that contributed it.

    :param plugin: The plugin.
    :param record: The record.
    """

    plugin: PluginInfo
    record: C


class Contributions(Generic[C]):
    """
    All records of one sort, by name.

    :param what: What they are, for messages.
    :param contributions: The records and who contributed them.
    :param broken: The plugins that might have contributed more.
    """

    def __init__(
        self, what: str, contributions: Iterable[Contribution[C]], broken: Iterable[PluginInfo]
    ) -> None:
        self._what = what
        self._broken = tuple(broken)
        self._contributions: dict[str, list[Contribution[C]]] = {}
        for contribution in contributions:
            self._contributions.setdefault(contribution.record.name, []).append(contribution)

    def __iter__(self) -> Iterator[C]:
        return (self.get(name) for name in self.names)

    @property
    def names(self) -> list[str]:
        """Every name, sorted."""
        return sorted(self._contributions)

    def __contains__(self, name: object) -> bool:
        return name in self._contributions

    def get(self, name: str) -> C:
        """
        The record of a name.

        :param name: The name.
        :returns: The record.
        :raises UnknownName: If no plugin contributes it.
        :raises PluginFailed: If several do, or if the plugin of that name is broken.
        """
        contributions = self._contributions.get(name, [])
        if not contributions:
            self.raise_if_broken(name)
            raise self._unknown(name)
        return self.only(contributions, f"the {self._what} {name!r}").record

    def matching(self, contributions: Iterable[Contribution[C]], what: str) -> C | None:
        """
        The one record that some records leave: a plugin's goes before a built-in one.

        :param contributions: Those that contribution the same thing.
        :param what: The thing they contribution.
        :returns: The record, ``None`` if there is none.
        :raises PluginFailed: If two plugins contribution it.
        """
        contributions = list(contributions)
        foreign = [
            contribution for contribution in contributions if not contribution.plugin.built_in
        ]
        chosen = foreign or contributions
        return self.only(chosen, what).record if chosen else None

    def recognising(self, subject: Any) -> list[Contribution[C]]:
        """
        The records that recognise something; one that fails to look at it is passed over.

        :param subject: What a record's ``recognises`` takes.
        :returns: Their contributions, sorted by name.
        """
        return [
            contribution
            for contribution in self.contributions()
            if recognises(contribution, contribution.record.recognises, subject)
        ]

    def contributions(self) -> Iterator[Contribution[C]]:
        """Every record with its plugin, sorted by name."""
        return (contribution for name in self.names for contribution in self._contributions[name])

    def only(self, contributions: list[Contribution[C]], what: str) -> Contribution[C]:
        """
        The only contribution to a thing.

        :param contributions: The contributions to it.
        :param what: The thing.
        :raises PluginFailed: If there are several.
        """
        if len(contributions) > 1:
            sources = " and ".join(
                sorted(contribution.plugin.source for contribution in contributions)
            )
            raise PluginFailed(
                f"{sources} both contribute {what}.",
                hint=f"Switch one of them off with ex_disable_plugins or {DISABLE_VARIABLE}.",
            )
        return contributions[0]

    def _unknown(self, name: str) -> UnknownName:
        error = UnknownName(self._what, name, self._contributions)
        if self._broken:
            suspects = ", ".join(f"{plugin.name!r} of {plugin.source}" for plugin in self._broken)
            error.hint = f"Broken plugins that may have had it: {suspects}."
        return error

    def raise_if_broken(self, name: str) -> None:
        """
        Tell why a name is missing when the plugin of that name is broken.

        :param name: The name that was asked for.
        :raises PluginFailed: With the plugin's own failure as its cause.
        """
        for plugin in self._broken:
            if name in {plugin.name, plugin.distribution}:
                raise PluginFailed(
                    f"The {self._what} {name!r} is not available:"
                    f" its plugin of {plugin.source} is broken, {plugin.reason}."
                ) from plugin.cause


def recognises(
    contribution: Contribution[C], predicate: Callable[[Any], bool], subject: Any
) -> bool:
    """
    Call a predicate of a plugin; one that fails is warned about and does not recognise.

    :param contribution: The record and its plugin.
    :param predicate: The predicate.
    :param subject: Its argument.
    """
    try:
        return bool(predicate(subject))
    except MalformedAnswer:  # it read a response of another server
        return False
    except Exception as error:
        if contribution.plugin.built_in:
            raise
        contribution.plugin.broken(
            f"asking {contribution.record.name!r} what it recognises", error
        ).warn()
        return False
