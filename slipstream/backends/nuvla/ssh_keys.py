"""
SSH keys: credentials of subtype ``ssh-key``, one document each.

Only public halves are sent and read: the server would store and show a private one.
Source: nuvla/api-server, server/resources/credential_ssh_key.clj.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat

import attrs

from slipstream.backends import documents
from slipstream.backends.cimi import (
    CimiBackend,
    either,
    existing_key,
    key_missing,
    read_key,
    search,
)
from slipstream.backends.nuvla.resources import change, check_label, reference, resource_id
from slipstream.errors import KeyPairConflict, RequestFailed
from slipstream.filters import Filter
from slipstream.session import RENEW_BEFORE, Session
from slipstream.values.ssh_key import SSHKey

_SELECT = "id,name,description,public-key,created"
_SSH_KEYS = either("subtype", "ssh-key")
_TEMPLATE = "credential-template/generate-ssh-key"


def list_ssh_keys(backend: CimiBackend) -> Iterator[SSHKey]:
    """List the SSH keys; credentials whose text is no key are left out."""
    return _keys(backend.session, _SSH_KEYS)


def add_ssh_key(backend: CimiBackend, key: SSHKey) -> SSHKey:
    """Create a credential, unless the name is taken; the server accepts two of one name."""
    check_label("name of the key pair", key.name)
    with backend.key_lock:
        return _add(backend.session, key)


def delete_ssh_key(backend: CimiBackend, key: SSHKey) -> bool:
    """Delete a key by its id, or by its text where the id is not known."""
    session, name = backend.session, key.id
    doing = f"delete the SSH key {key.name!r}"
    if name is None:
        ids = [other.id for other in _keys(session, _SSH_KEYS) if other == key]
        if len(ids) > 1:
            raise KeyPairConflict(
                f"There are {len(ids)} SSH keys like {key.name!r}.",
                name=key.name,
                hint="Delete an object from list_key_pairs(), which has its id.",
            )
        name = ids[0] if ids else None
    if name is None:
        raise key_missing(key)
    name = resource_id(name, "credential", "key pair")
    response = change(session, "DELETE", name, doing=doing, allow={404})
    if response.status == 404 and not response.is_repeat:
        raise key_missing(key)
    return True


def _add(session: Session, key: SSHKey) -> SSHKey:
    namesakes = _keys(session, _SSH_KEYS & either("name", key.name))
    if existing := existing_key(namesakes, key):
        return existing
    document = {"name": key.name, "template": {"href": _TEMPLATE, "public-key": key.line}}
    doing = f"add the SSH key {key.name!r}"
    for is_repeat in chain([False], repeat(True)):
        login = session.login
        try:
            response = change(session, "POST", "credential", document, doing=doing, success=201)
            break
        except RequestFailed as error:
            # Whose session has ended sees no template; the server says 400 of it, not 403.
            is_new = is_repeat and login.age < RENEW_BEFORE
            if error.http_code != 400 or is_new or session.backend.accepts_session(session):
                raise
            session.renew(login)
    return attrs.evolve(key, id=reference(response, "resource-id", "credential", doing))


def _keys(session: Session, where: Filter) -> Iterator[SSHKey]:
    doing = "list SSH keys"
    for entry in search(session, "credential", doing=doing, select=_SELECT, where=where):
        key = read_key(documents.text(entry, "public-key") or "", entry["id"])
        if key is not None:
            name = documents.text(entry, "name") or key.comment
            yield attrs.evolve(key, comment=name, id=entry["id"])
