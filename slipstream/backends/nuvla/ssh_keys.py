"""
SSH keys: credentials of subtype ``ssh-key``, one document each.

Only public halves are sent and asked for: the server would store and show a private one.
Source: nuvla/api-server, server/resources/credential_ssh_key.clj.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import attrs

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import delete, post
from slipstream.backends.nuvla.ids import resource_id
from slipstream.backends.nuvla.resources import change, reference
from slipstream.backends.nuvla.search import search
from slipstream.backends.query_filters import either
from slipstream.errors import BadInput, KeyPairConflict, KeyPairMissing
from slipstream.filters import Filter
from slipstream.session import Session
from slipstream.transport.forking import PerProcess
from slipstream.transport.logs import get_logger
from slipstream.values.ssh_key import SSHKey

log = get_logger(__name__)

_SELECT = "id,name,description,public-key,created"
_SSH_KEYS = either("subtype", "ssh-key")
_TEMPLATE = "credential-template/generate-ssh-key"


def list_ssh_keys(session: Session) -> Iterator[SSHKey]:
    """The keys; a credential whose text is no key is left alone and not shown."""
    return _keys(session, _SSH_KEYS)


def add_ssh_key(session: Session, lock: PerProcess[threading.Lock], key: SSHKey) -> SSHKey:
    """Add a key; the server does not mind two of one name, so that is looked at first."""
    with lock.get():
        return _add(session, key)


def delete_ssh_key(session: Session, key: SSHKey) -> bool:
    """Delete a key by its id, or by its text where the id is not known."""
    doing = f"delete the SSH key {key.name!r}"
    name = key.id
    if name is None:
        keys = [other for other in _keys(session, _SSH_KEYS) if other == key]
        if len(keys) > 1:
            raise KeyPairConflict(
                f"There are {len(keys)} SSH keys like {key.name!r} on {session.endpoint}.",
                name=key.name,
                endpoint=session.endpoint.url,
                hint="Delete one that list_key_pairs() gives: those carry their ids.",
            )
        name = keys[0].id if keys else None
    is_deleted = False
    if name is not None:
        request = delete(resource_id(name, "credential", "key pair"))
        response = change(session, request, doing=doing, success=200, allow={404})
        is_deleted = response.status != 404 or response.is_repeat
    if not is_deleted:
        raise KeyPairMissing(
            f"There is no SSH key {key.name!r} ({key.fingerprint_sha256}) on {session.endpoint}.",
            name=key.name,
            endpoint=session.endpoint.url,
        )
    return True


def _add(session: Session, key: SSHKey) -> SSHKey:
    same = list(_keys(session, _SSH_KEYS & either("name", key.name)))
    for other in same:
        if other.blob == key.blob:
            return other
    if same:
        raise KeyPairConflict(
            f"There is another SSH key named {key.name!r} on {session.endpoint}.",
            name=key.name,
            endpoint=session.endpoint.url,
            hint="Delete it first, or choose another name.",
        )
    document = {"name": key.name, "template": {"href": _TEMPLATE, "public-key": key.line}}
    doing = f"add the SSH key {key.name!r}"
    response = change(session, post("credential", document), doing=doing, success=201)
    name = reference(session, response, "resource-id", "credential", doing)
    return attrs.evolve(key, id=name)


def _keys(session: Session, where: Filter) -> Iterator[SSHKey]:
    entries = search(session, "credential", doing="list SSH keys", select=_SELECT, where=where)
    return (key for key in map(_key, entries) if key is not None)


def _key(entry: dict[str, Any]) -> SSHKey | None:
    try:
        key = SSHKey.parse(documents.text(entry, "public-key") or "")
    except BadInput:
        log.warning("%s is called an SSH key and is none; it is left alone", entry["id"])
        return None
    name = documents.text(entry, "name") or key.comment
    return attrs.evolve(key, comment=name, id=entry["id"])
