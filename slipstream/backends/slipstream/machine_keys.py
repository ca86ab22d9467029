"""
Keys that machines are to be given.

A server gives every key of the profile to every machine, and reads them when the machines start:
a key must be there before a deployment is asked for, and stay. Source: SlipStreamServer,
jar-connector, the connectors' code that starts machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import attrs

from slipstream.backends.slipstream.ssh_keys import Lines, change, keys_of
from slipstream.errors import CannotConnect, DriverError, RequestFailed, ServiceUnavailable
from slipstream.session import Session
from slipstream.transport.logs import get_logger
from slipstream.values.ssh_key import SSHKey

log = get_logger(__name__)


@attrs.define
class _Use:
    """How many deployments of a session count on a key, and whether one of them added it."""

    count: int = 0
    added: bool = False


_uses: WeakKeyDictionary[Session, dict[str, _Use]] = WeakKeyDictionary()


@contextmanager
def given(session: Session, key: SSHKey) -> Iterator[None]:
    """
    Have a key in the profile while a deployment is asked for, and from then on.

    It is taken out again when the deployment was certainly refused, unless it was there before or
    another deployment counts on it.

    :param session: The logged-in session.
    :param key: The key.
    """
    use = _begin(session, key)
    try:
        yield
    except DriverError as error:
        if _is_certain(error):
            _take_back(session, key, use, error)
        raise


def _begin(session: Session, key: SSHKey) -> _Use:
    def add(lines: Lines) -> Lines:
        known = any(other.blob == key.blob for other in keys_of(lines))
        return lines if known else [*lines, key.line]

    with session.key_lock:
        use = _uses.setdefault(session, {}).setdefault(key.blob, _Use())
        use.count += 1
    try:
        use.added |= change(session, add, doing=f"add the SSH key {key.name!r}")
    except BaseException:
        use.count -= 1
        raise
    return use


def _is_certain(error: DriverError) -> bool:
    """Whether nothing can have been deployed."""
    if isinstance(error, RequestFailed):
        return error.code < 500 and not isinstance(error, ServiceUnavailable)
    return isinstance(error, CannotConnect)


def _take_back(session: Session, key: SSHKey, use: _Use, error: DriverError) -> None:
    """Undo what was added; the first error is what the user is told."""

    def remove(lines: Lines) -> Lines:
        # Another deployment may have begun to count on it in the meantime.
        return lines if use.count else [line for line in lines if line != key.line]

    with session.key_lock:
        use.count -= 1
    if not use.added:
        return
    try:
        change(session, remove, doing=f"take back the SSH key {key.name!r}")
        use.added = use.count > 0
    except DriverError as second:
        log.warning("the SSH key %s was added and cannot be taken back: %s", key.name, second)
        left = f"The SSH key {key.name!r} was added to the account and could not be taken back."
        error.hint = f"{error.hint} {left}" if error.hint else left
