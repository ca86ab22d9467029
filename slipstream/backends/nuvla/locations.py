"""
Where applications run: infrastructure services, and the credentials to use them.

A deployment names a credential; a location is the service that the credential belongs to.
Source: nuvla/api-server, server/resources/infrastructure_service*.clj, credential*.clj.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.resources import read_resource
from slipstream.backends.nuvla.search import search
from slipstream.backends.query_filters import either
from slipstream.errors import BadInput, UnknownName, shorten
from slipstream.filters import Filter
from slipstream.session import Session
from slipstream.values import Connector

SERVICE, CREDENTIAL = "infrastructure-service", "credential"
_SUBTYPES = ("swarm", "kubernetes")
_SERVICE_SELECT = (
    "id,name,description,created,parent,subtype,endpoint,state,online,swarm-enabled,capabilities"
)
_CREDENTIAL_SELECT = "id,name,description,created,parent,subtype,status,last-check"
_USABLE = either("subtype", *(f"{SERVICE}-{subtype}" for subtype in _SUBTYPES))
"""Credentials to run applications with; their secrets are in attributes never selected."""


def list_connectors(session: Session) -> Iterator[Connector]:
    """
    The services that the user has a credential for, by name: two searches.

    They are held all at once, since they come sorted by name and each with its credentials: one
    or two for each place that the user can run something at, and a few attributes each.
    """
    by_parent: dict[str | None, list[dict[str, Any]]] = {}
    for credential in _credentials(session, _USABLE):
        by_parent.setdefault(documents.text(credential, "parent"), []).append(credential)
    usable = (service for service in _services(session) if service["id"] in by_parent)
    for service in sorted(usable, key=_name):
        yield _location(service, by_parent[service["id"]])


def credential_for(
    session: Session, place: str | None, subtype: str, listed: Iterable[Mapping[str, Any]] = ()
) -> str:
    """
    The credential that a deployment on a location uses.

    :param session: The logged-in session.
    :param place: The id of a credential or of a service, or a service's name; ``None`` for the
        only location that there is.
    :param subtype: What kind of service the application runs on.
    :param listed: Locations that were listed before, which need not be read again.
    :returns: The credential's id. One that the user names by its id is not looked at.
    :raises BadInput: If there is none, if the user must choose one of several, or if the
        application cannot run there.
    """
    if place is not None and place.startswith(f"{CREDENTIAL}/"):
        return resource_id(place, CREDENTIAL, "credential")
    if place is None:
        location = _only_location(session, subtype)
        place, credentials = location.name, location.raw["credentials"]
    else:
        values = (
            document.get("credentials") for document in listed if document.get("id") == place
        )
        credentials = next((value for value in values if _are_credentials(value)), None)
        if credentials is None:
            credentials = credentials_of(session, service_id(session, place))
    usable = [c for c in credentials if documents.text(c, "subtype") == f"{SERVICE}-{subtype}"]
    if credentials and not usable:
        raise BadInput(
            f"The application runs on {subtype} services, and {shorten(place)} is none.",
            hint="list_locations() tells the kind of each in extra['subtype'].",
        )
    if len(usable) == 1:
        return str(usable[0]["id"])
    if not usable:
        raise BadInput(
            f"You have no credential for the location {shorten(place)}.",
            hint="list_locations() lists those that you have one for.",
        )
    names = ", ".join(f"{_name(credential)} ({credential['id']})" for credential in usable)
    raise BadInput(
        f"You have {len(usable)} credentials for the location {shorten(place)}.",
        hint=f"Choose one and give its id as ex_cloud: {names}.",
    )


def _only_location(session: Session, subtype: str) -> Connector:
    locations = [
        location
        for location in list_connectors(session)
        if documents.text(dict(location.raw), "subtype") == subtype
    ]
    if len(locations) == 1:
        return locations[0]
    if not locations:
        raise BadInput(
            f"The application runs on {subtype} services, and you have a credential for none.",
            hint="list_locations() lists what you can use.",
        )
    names = ", ".join(location.name for location in locations)
    raise BadInput(
        f"create_node needs a location here: {len(locations)} can run the application.",
        hint=f"Give one of these as location, or as region of the driver: {names}.",
    )


def service_subtype(session: Session, place: str) -> str | None:
    """The kind of service that a location is."""
    service = service_id(session, place)
    document = read_resource(session, service, "id,subtype", doing=f"read {service}")
    return documents.text(document, "subtype")


def service_id(session: Session, place: str) -> str:
    """The id of the service that a location's id or name means."""
    service = place if place.startswith(f"{SERVICE}/") else _service_named(session, place)
    return resource_id(service, SERVICE, "location")


def credentials_of(session: Session, service: str) -> list[dict[str, Any]]:
    """The credentials that the user has for a service, by name."""
    return sorted(_credentials(session, _USABLE & either("parent", service)), key=_name)


def _are_credentials(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(document, dict) and isinstance(document.get("id"), str) for document in value
    )


def _service_named(session: Session, name: str) -> str:
    services = list(_services(session))
    ids = [str(service["id"]) for service in services if _name(service) == name]
    if not ids:
        raise UnknownName("location", name, map(_name, services))
    if len(ids) > 1:
        raise BadInput(
            f"{len(ids)} locations are named {shorten(name)!r}.",
            hint=f"Give the id of one: {', '.join(ids)}.",
        )
    return ids[0]


def _services(session: Session) -> Iterator[dict[str, Any]]:
    return search(
        session,
        SERVICE,
        doing="list infrastructure services",
        select=_SERVICE_SELECT,
        where=either("subtype", *_SUBTYPES),
    )


def _credentials(session: Session, where: Filter) -> Iterator[dict[str, Any]]:
    return search(
        session,
        CREDENTIAL,
        doing="list credentials",
        select=_CREDENTIAL_SELECT,
        where=where,
    )


def _location(service: dict[str, Any], credentials: list[dict[str, Any]]) -> Connector:
    return Connector(
        id=service["id"],
        name=_name(service),
        raw={
            **service,
            "credentials": [
                {name: credential.get(name) for name in ("id", "name", "subtype", "status")}
                for credential in sorted(credentials, key=_name)
            ],
        },
    )


def _name(document: dict[str, Any]) -> str:
    return documents.text(document, "name") or str(document["id"])
