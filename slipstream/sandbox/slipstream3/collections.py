"""Which JSON collections there are, and what can be done in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from slipstream.sandbox.slipstream3.access import acl, role
from slipstream.sandbox.slipstream3.version import Version

_SIXSQ = "http://sixsq.com/slipstream/1/"
_ADMIN_ONLY = acl(role("ADMIN", "MODIFY"))
_USERS_VIEW = acl(role("ADMIN", "MODIFY"), role("USER", "VIEW"))
_USERS_ADD = acl(role("ADMIN", "MODIFY"), role("USER", "MODIFY"))
_EVERYONE_VIEWS = acl(role("ADMIN", "MODIFY"), role("ANON", "VIEW"), role("USER", "VIEW"))
_EVERYONE_ADDS = acl(role("ADMIN", "MODIFY"), role("USER", "MODIFY"), role("ANON", "MODIFY"))


@attrs.frozen(kw_only=True)
class Collection:
    """
    A JSON collection.

    :param name: Its address, such as ``service-offer``.
    :param key: Its name in the entry point, and of the list inside its envelope.
    :param uri: What its documents call their ``resourceURI``.
    :param acl: Who may list it, and who may add to it.
    :param editable: Whether its documents can be edited.
    """

    name: str
    key: str
    uri: str
    acl: dict[str, Any]
    editable: bool = True

    @property
    def envelope_uri(self) -> str:
        """The ``resourceURI`` of its envelope."""
        return f"{self.uri}Collection"


def _collection(
    name: str, key: str, rights: dict[str, Any], *, uri: str = "", editable: bool = True
) -> Collection:
    words = "".join(word.capitalize() for word in name.split("-"))
    return Collection(name=name, key=key, uri=uri or _SIXSQ + words, acl=rights, editable=editable)


_ALWAYS = (
    _collection("configuration", "configurations", _ADMIN_ONLY),
    _collection("configuration-template", "configurationTemplates", _ADMIN_ONLY),
    _collection("connector-template", "connectorTemplates", _ADMIN_ONLY),
    _collection("credential-template", "credentialTemplates", _EVERYONE_VIEWS, editable=False),
    _collection("event", "events", _EVERYONE_ADDS, uri="http://schemas.dmtf.org/cimi/2/Event"),
    _collection("job", "jobs", _USERS_VIEW),
    _collection("quota", "quotas", _USERS_VIEW),
    _collection("service-attribute", "serviceAttributes", _USERS_VIEW),
    _collection("service-attribute-namespace", "serviceAttributeNamespaces", _USERS_VIEW),
    _collection("service-benchmark", "serviceBenchmarks", _USERS_ADD),
    _collection("service-offer", "serviceOffers", _USERS_ADD),
    _collection("session", "sessions", _EVERYONE_ADDS, editable=False),
    _collection("session-template", "sessionTemplates", _EVERYONE_VIEWS),
    _collection("user", "users", _EVERYONE_ADDS),
    _collection("user-template", "userTemplates", _EVERYONE_VIEWS, editable=False),
    _collection("virtual-machine", "virtualMachines", _USERS_VIEW),
)
_OLD = (
    _collection("metering", "metering", _USERS_VIEW),
    _collection("usage", "usages", _USERS_VIEW),
    _collection("usage-event", "usage-events", _USERS_VIEW),
    _collection("usage-record", "usage-records", _USERS_VIEW),
)
_USER_PARAMETERS = (
    _collection("user-param", "userParam", _USERS_ADD),
    _collection("user-param-template", "userParamTemplates", _EVERYONE_VIEWS, editable=False),
)
_LATE = (
    _collection("callback", "callbacks", _ADMIN_ONLY),
    _collection("deployment", "deployments", _USERS_ADD),
    _collection("deployment-parameter", "deploymentParameters", _USERS_ADD),
    _collection("deployment-template", "deploymentTemplates", _USERS_ADD),
    _collection("email", "emails", _USERS_ADD),
    _collection("evidence-record", "evidenceRecords", _USERS_VIEW),
    _collection("external-object", "externalObjects", _USERS_ADD),
    _collection("external-object-template", "externalObjectTemplates", _EVERYONE_VIEWS),
    _collection("metering", "meterings", _USERS_VIEW),
    _collection("module", "modules", _USERS_ADD),
    _collection("module-application", "moduleApplications", _ADMIN_ONLY),
    _collection("module-component", "moduleComponents", _ADMIN_ONLY),
    _collection("module-image", "moduleImages", _ADMIN_ONLY),
    _collection("notification", "notifications", _USERS_VIEW),
    _collection("resource-metadata", "resourceMetadatas", _EVERYONE_VIEWS),
    _collection("storage-bucket", "storageBuckets", _USERS_VIEW),
    _collection("user-identifier", "userIdentifiers", _USERS_VIEW),
    _collection("virtual-machine-mapping", "virtualMachineMappings", _ADMIN_ONLY),
)


def collections(version: Version) -> Mapping[str, Collection]:
    """
    List the collections of a server.

    :param version: The server's version.
    :returns: The collections, by name.
    """
    found = list(_ALWAYS)
    found.append(
        _collection("connector", "connectors", _USERS_VIEW if version.since(49) else _ADMIN_ONLY)
    )
    # Editing came with the last releases; which one is not known to matter to any client.
    found.append(_collection("credential", "credentials", _USERS_ADD, editable=version.since(42)))
    if version.since(42):
        found += _USER_PARAMETERS
    else:
        found += _OLD
    if version.since(56):
        found += _LATE
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}
