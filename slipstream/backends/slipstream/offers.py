"""
Service offers, and the clouds that a user can deploy on.

Sources: SlipStreamServer, resources/service_offer.clj, resources/credential.clj,
persistence/User.java.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from slipstream.backends import documents
from slipstream.backends.query_filters import either
from slipstream.backends.slipstream import cimi
from slipstream.backends.slipstream.dialect import user_name
from slipstream.backends.slipstream.profile import Profile
from slipstream.errors import Forbidden
from slipstream.filters import Filter, attr
from slipstream.session import Session
from slipstream.values import Connector, ServiceOffer

PREFIX = "connector/"
_VM = attr("resource:type").eq("VM")


def list_service_offers(
    session: Session, connector: str | None, usable_only: bool
) -> Iterator[ServiceOffer]:
    """
    The offers of type VM; data offers and buckets are no sizes.

    What the user can use is told by the profile and the credentials: two requests before.
    """
    where: Filter = _VM
    if connector is not None:
        where &= _of(connector.removeprefix(PREFIX))
    elif usable_only:
        names = _usable(session, doing="list service offers")
        if not names:
            return iter(())
        where &= _of(*sorted(names))
    entries = cimi.search(
        session, "service-offer", "serviceOffers", doing="list service offers", where=where
    )
    return map(offer, entries)


def list_connectors(session: Session) -> Iterator[Connector]:
    """
    The connectors that the user's profile or cloud credentials are set up for, by name.

    One search of the offers tells the countries of all of them. Names alone are kept, and those
    of the user's clouds are few.
    """
    names = _usable(session, doing="list connectors")
    countries = _countries(session, names)
    for name in sorted(names):
        yield Connector(id=PREFIX + name, name=name, country=countries.get(name))


def offer(entry: dict[str, Any]) -> ServiceOffer:
    """
    A service offer, or the copy of one inside a virtual machine.

    :param entry: The document, ``id`` or ``href`` naming the offer.
    """
    label = documents.text(entry, "name") or documents.text(entry, "resource:instanceType")
    name = documents.text(entry, "id") or documents.text(entry, "href") or ""
    connector = documents.href(entry, "connector")
    return ServiceOffer(
        id=name,
        name=label or name,
        connectors=[connector.removeprefix(PREFIX)] if connector else [],
        cpu=documents.number(entry, "resource:vcpu"),
        ram=documents.number(entry, "resource:ram"),
        disk=documents.number(entry, "resource:disk"),
        price=documents.number(entry, "price:unitCost"),
        currency=documents.text(entry, "price:currency"),
        price_unit=documents.text(entry, "price:billingUnitCode"),
        country=documents.text(entry, "resource:country"),
        raw=entry,
    )


def _of(*connectors: str) -> Filter:
    """The bare name is the rule; since v3.63 the long form is valid too."""
    return either("connector/href", *connectors, *(PREFIX + name for name in connectors))


def _usable(session: Session, doing: str) -> set[str]:
    """The names of the connectors that the user's profile or credentials are set up for."""
    profile = Profile.read(session, doing=doing)
    return profile.connectors | _credentials(session, only_own=profile.privileged)


def _credentials(session: Session, *, only_own: bool) -> set[str]:
    """
    The connectors of the user's cloud credentials.

    They are what counts since v3.42, and the only trace of a privileged user's clouds since
    v3.48. Before, the credentials hold nothing of clouds, and some accounts may not list them.
    A privileged user sees everybody's, and can use those that name it.
    """
    where: Filter = attr("type").startswith("cloud-cred-")
    if only_own:
        where &= either("acl/rules/principal", user_name(session))
    entries = cimi.search(
        session,
        "credential",
        "credentials",
        doing="list cloud credentials",
        where=where,
        select="id,connector",
    )
    try:
        names = {documents.href(entry, "connector") for entry in entries}
    except Forbidden:
        return set()
    return {name.removeprefix(PREFIX) for name in names if name}


def _countries(session: Session, names: Set[str]) -> dict[str, str]:
    """The countries of some connectors, as far as an offer tells them."""
    countries: dict[str, str] = {}
    if not names:
        return countries
    entries = cimi.search(
        session,
        "service-offer",
        "serviceOffers",
        doing="read the countries of the connectors",
        where=_VM & attr("resource:country").is_present(),
        select="id,connector,resource:country",
    )
    for entry in map(offer, entries):
        if entry.country:
            countries.update(dict.fromkeys(names & {*entry.connectors}, entry.country))
            if len(countries) == len(names):
                break
    return countries
