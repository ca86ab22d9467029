"""Certificate files that a user names, looked at before they are used."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from slipstream.errors import BadInput

Certificate = str | tuple[str, str]
"""The file of a certificate and its key, or the two files."""

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


class _Encrypted(Exception):
    """A key asks for its passphrase."""


def authorities(path: object, name: str) -> str:
    """
    Make sure that authorities to trust can be read.

    :param path: A file of certificates in PEM format, or a directory of such files under the
        names that ``openssl rehash`` gives them.
    :param name: The argument's name.
    :returns: The path.
    :raises BadInput: If there are none.
    """
    place = _place(path, name)
    try:
        if place.is_dir():
            if not any(_HASHED.fullmatch(entry.name) for entry in place.iterdir()):
                raise BadInput(
                    f"{name}: the directory {place} holds no certificate under its hash.",
                    hint=f"Run 'openssl rehash {place}', or name one file.",
                )
        else:
            _context().load_verify_locations(cafile=place)
    except ssl.SSLError:
        raise BadInput(
            f"{name}: {place} holds no certificate in PEM format.",
            hint="It begins with a line '-----BEGIN CERTIFICATE-----'.",
        ) from None
    except OSError as error:
        _unreadable(name, place, error)
    return str(place)


def client_certificate(value: object, name: str) -> Certificate:
    """
    Make sure that a certificate for the client can be read, and belongs to its key.

    :param value: One file in PEM format with the certificate and its key, or the two files.
    :param name: The argument's name.
    :returns: The path, or the two.
    :raises BadInput: If it cannot be used; a key that is encrypted cannot either.
    """
    places = [_place(path, name) for path in _both(value, name)]
    try:
        for place in places:
            place.open("rb").close()
        _context().load_cert_chain(places[0], places[-1], password=_ask)
    except _Encrypted:
        raise BadInput(
            f"{name}: the key in {places[-1]} is encrypted, and nobody is there to be asked for"
            " the passphrase.",
            hint="Write it without one: openssl pkey -in encrypted.pem -out key.pem.",
        ) from None
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        raise BadInput(
            f"{name}: the key in {places[-1]} belongs to another certificate."
            if mismatch
            else f"{name}: {' and '.join(map(str, places))} hold no certificate with its key in"
            " PEM format.",
            hint=None if mismatch else "Give one file with both, or (certificate, key).",
        ) from None
    except OSError as error:
        _unreadable(name, Path(error.filename or places[0]), error)
    first, *rest = map(str, places)
    return (first, rest[0]) if rest else first


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _ask() -> NoReturn:
    raise _Encrypted


def _both(value: object, name: str) -> Sequence[object]:
    if isinstance(value, str | os.PathLike):
        return [value]
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(
            f"{name} is the path of a file, or (certificate, key), not {type(value).__name__}."
        )
    return value


def _place(path: object, name: str) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name} is the path of a file, not {type(path).__name__}.")
    if not str(path) or "\0" in str(path):
        raise BadInput(f"{name} is {str(path)!r}: the path of a file is needed.")
    return Path(path).expanduser()


def _unreadable(name: str, place: Path, error: OSError) -> NoReturn:
    raise BadInput(
        f"{name}: {place} cannot be read: {error.strerror or type(error).__name__}.",
        hint="Give the path of a PEM file that this program may read.",
    ) from None
