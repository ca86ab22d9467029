"""
The documents that are called by what is in them, not by a UUID.

Source: SlipStreamServer, cimi-resources and cimi, ``new-identifier`` of each resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import Any

from slipstream.sandbox.store import Store

_ATTRIBUTES = {
    "connector": "instanceName",
    "service-attribute-namespace": "prefix",
    "user": "username",
}
_DIGESTS = {"email": "address", "user-identifier": "identifier"}


def identifier(kind: str, fields: Mapping[str, Any]) -> str | None:
    """
    Find the id that a new document must have.

    :param kind: The collection's name.
    :param fields: The document.
    :returns: The id; None where the server draws one.
    """
    if kind == "virtual-machine-mapping" and {"cloud", "instanceID"} <= set(fields):
        return f"{kind}/{fields['cloud']}-{fields['instanceID']}"
    name = fields.get(_ATTRIBUTES.get(kind, ""))
    if name is not None:
        return f"{kind}/{name}"
    text = fields.get(_DIGESTS.get(kind, ""))
    if text is None:
        return None
    return f"{kind}/{md5(str(text).encode(), usedforsecurity=False).hexdigest()}"


def taken(store: Store, wanted: str, fields: Mapping[str, Any]) -> str | None:
    """
    Find what stands in the way of a new document.

    :param store: Where documents are kept.
    :param wanted: The id of the new one.
    :param fields: The new one; a namespace is also the only one with its URI.
    :returns: The id of the document in the way, or None.
    """
    if wanted in store:
        return wanted
    if wanted.startswith("service-attribute-namespace/"):
        for one in store.collection("service-attribute-namespace"):
            if one.get("uri") == fields.get("uri"):
                return str(one["id"])
    return None
