"""
The user's SSH keys: lines of one parameter of the profile.

The server has no partial update and no version check, so every change is read, compare, write,
read again. What another writer changes between is kept; when that cannot be made sure, the
change is refused rather than forced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from slipstream.backends.slipstream.profile import Profile
from slipstream.errors import BadInput, DriverError, KeyPairConflict, KeyPairMissing
from slipstream.session import Session
from slipstream.transport.forking import PerProcess
from slipstream.transport.logs import get_logger
from slipstream.values.ssh_key import SSHKey

log = get_logger(__name__)

TRIES = 5
Lines = list[str]
Lock = PerProcess[threading.Lock]


def list_ssh_keys(session: Session) -> Iterator[SSHKey]:
    """The keys of the profile; lines that are no keys are left alone and not shown."""
    return keys_of(Profile.read(session, doing="list SSH keys").ssh_lines)


def add_ssh_key(session: Session, lock: Lock, key: SSHKey) -> SSHKey:
    """Add a line; a key that is there already under that name is left as it is."""

    def add(lines: Lines) -> Lines:
        same = [other for other in keys_of(lines) if other.name == key.name]
        if any(other.blob == key.blob for other in same):
            return lines
        if same:
            raise KeyPairConflict(
                f"There is another SSH key named {key.name!r} on {session.endpoint}.",
                name=key.name,
                endpoint=session.endpoint.url,
                hint="Delete it first, or choose another name.",
            )
        return [*lines, key.line]

    change(session, lock, add, doing=f"add the SSH key {key.name!r}")
    return key


def delete_ssh_key(session: Session, lock: Lock, key: SSHKey) -> bool:
    """Remove the lines of this very key and comment; every other line stays."""

    def remove(lines: Lines) -> Lines:
        rest = [line for line in lines if _read(line) != key]
        if len(rest) == len(lines):
            raise KeyPairMissing(
                f"There is no SSH key {key.name!r} ({key.fingerprint_sha256}) on"
                f" {session.endpoint}.",
                name=key.name,
                endpoint=session.endpoint.url,
            )
        return rest

    change(session, lock, remove, doing=f"delete the SSH key {key.name!r}")
    return True


def ensure_key(session: Session, lock: Lock, key: SSHKey) -> None:
    """
    Add a key unless it is there, under whatever name; it stays.

    The server gives every key of the profile to every machine, and reads them when the machines
    start (SlipStreamServer, jar-connector): it must be there before a deployment is asked for.

    :param session: The logged-in session.
    :param lock: Held meanwhile by the threads of one session.
    :param key: The key.
    """

    def add(lines: Lines) -> Lines:
        is_there = any(other.blob == key.blob for other in keys_of(lines))
        return lines if is_there else [*lines, key.line]

    change(session, lock, add, doing=f"add the SSH key {key.name!r}")


def change(
    session: Session,
    lock: Lock,
    edit: Callable[[Lines], Lines],
    *,
    doing: str,
) -> bool:
    """
    Change the lines, and make sure that nobody's change is lost by it.

    :param session: The logged-in session.
    :param lock: Held meanwhile by the threads of one session.
    :param edit: Gives the lines wanted instead of those that are there; called several times.
    :param doing: What it is done for, in words that go after "Cannot".
    :returns: Whether there was anything to change.
    :raises KeyPairConflict: If somebody else goes on changing them meanwhile.
    """
    with lock.get():
        before = Profile.read(session, doing=doing).ssh_lines
        if edit(before) == before:
            return False
        for _ in range(TRIES):
            profile = Profile.read(session, doing=doing)
            if profile.ssh_lines != before:
                before = profile.ssh_lines
                continue
            edited = edit(before)
            if edited == before:
                return False
            profile.write_ssh_lines(session, edited, doing=doing)
            try:
                after = Profile.read(session, doing=doing).ssh_lines
            except DriverError as error:
                error.may_have_happened = True  # it was written
                raise
            if after == edited or _has_been_made(edit, after):
                return True
            before = after
    raise KeyPairConflict(
        f"Cannot {doing}: somebody else is changing the SSH keys of this account on"
        f" {session.endpoint} at the same time.",
        endpoint=session.endpoint.url,
        hint="Look at list_key_pairs(), then try again.",
    )


def _has_been_made(edit: Callable[[Lines], Lines], lines: Lines) -> bool:
    try:
        return edit(lines) == lines
    except KeyPairMissing:
        return True


def keys_of(lines: Lines) -> Iterator[SSHKey]:
    """
    The keys among the lines.

    :param lines: The lines of the profile's parameter.
    """
    return (key for key in map(_read, lines) if key is not None)


def _read(line: str) -> SSHKey | None:
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    try:
        return SSHKey.parse(line)
    except BadInput:
        log.warning("the profile has a line among its SSH keys that is none; it is left alone")
        return None
