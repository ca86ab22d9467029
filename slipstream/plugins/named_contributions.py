"""Who contributes what: records by name, and the errors when a name is missing or disputed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

import attrs

from slipstream.errors import PluginFailed, UnknownName
from slipstream.plugins.contributions import EndpointKind, LoginMethod
from slipstream.plugins.loading import DISABLE_VARIABLE, PluginInfo

C = TypeVar("C", LoginMethod, EndpointKind)


@attrs.frozen
class Claim(Generic[C]):
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
    :param claims: The records and who contributed them.
    :param broken: The plugins that might have contributed more.
    """

    def __init__(
        self, what: str, claims: Iterable[Claim[C]], broken: Iterable[PluginInfo]
    ) -> None:
        self._what = what
        self._broken = tuple(broken)
        self._claims: dict[str, list[Claim[C]]] = {}
        for claim in claims:
            self._claims.setdefault(claim.record.name, []).append(claim)

    def __iter__(self) -> Iterator[C]:
        return (self.get(name) for name in self.names)

    @property
    def names(self) -> list[str]:
        """Every name, sorted."""
        return sorted(self._claims)

    def __contains__(self, name: object) -> bool:
        return name in self._claims

    def get(self, name: str) -> C:
        """
        The record of a name.

        :param name: The name.
        :returns: The record.
        :raises UnknownName: If no plugin contributes it.
        :raises PluginFailed: If several do, or if the plugin of that name is broken.
        """
        claims = self._claims.get(name, [])
        if not claims:
            self.raise_if_broken(name)
            raise self._unknown(name)
        return self.only(claims, f"the {self._what} {name!r}").record

    def matching(self, claims: Iterable[Claim[C]], what: str) -> C | None:
        """
        The one record that some records leave: a plugin's goes before a built-in one.

        :param claims: Those that claim the same thing.
        :param what: The thing they claim.
        :returns: The record, ``None`` if there is none.
        :raises PluginFailed: If two plugins claim it.
        """
        claims = list(claims)
        foreign = [claim for claim in claims if not claim.plugin.built_in]
        chosen = foreign or claims
        return self.only(chosen, what).record if chosen else None

    def recognising(self, subject: Any) -> list[Claim[C]]:
        """
        The records that recognise something; one that fails to look at it is passed over.

        :param subject: What a record's ``recognises`` takes.
        :returns: Their claims, sorted by name.
        """
        return [claim for claim in self.claims() if _recognises(claim, subject)]

    def claims(self) -> Iterator[Claim[C]]:
        """Every record with its plugin, sorted by name."""
        return (claim for name in self.names for claim in self._claims[name])

    def only(self, claims: list[Claim[C]], what: str) -> Claim[C]:
        """
        The only claim to a thing.

        :param claims: The claims to it.
        :param what: The thing.
        :raises PluginFailed: If there are several.
        """
        if len(claims) > 1:
            sources = " and ".join(sorted(claim.plugin.source for claim in claims))
            raise PluginFailed(
                f"{sources} both contribute {what}.",
                hint=f"Switch one of them off with ex_disable_plugins or {DISABLE_VARIABLE}.",
            )
        return claims[0]

    def _unknown(self, name: str) -> UnknownName:
        error = UnknownName(self._what, name, self._claims)
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


def _recognises(claim: Claim[C], subject: Any) -> bool:
    try:
        return bool(claim.record.recognises(subject))
    except Exception as error:
        if claim.plugin.built_in:
            raise
        claim.plugin.broken(f"asking {claim.record.name!r} what it recognises", error).warn()
        return False
