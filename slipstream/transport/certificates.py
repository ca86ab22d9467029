"""Check the certificate files that a user names, before anything is sent."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from slipstream.errors import BadInput
from slipstream.values.paths import file_error, shown_path, user_path

Certificate = str | tuple[str, str]
"""The file of a certificate and its key, or the two files."""

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


class _Encrypted(Exception):
    """A key asks for its passphrase."""


def authorities(path: object, name: str) -> str:
    """
    The path of authorities to trust: a PEM file, or a directory of such files under the names
    that ``openssl rehash`` gives them.
    """
    file = user_path(name, path)
    try:
        if file.is_dir():
            if not any(_HASHED.fullmatch(entry.name) for entry in file.iterdir()):
                raise BadInput(
                    f"{name}: the directory {file} holds no certificate under its hash.",
                    hint=f"Run 'openssl rehash {file}', or name one file.",
                )
        else:
            _context().load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise BadInput(
            f"{name}: {file} holds no certificate in PEM format.",
            hint="It begins with a line '-----BEGIN CERTIFICATE-----'.",
        ) from None
    except OSError as error:
        _unreadable(name, file, error)
    return str(file)


def client_certificate(value: object, name: str) -> Certificate:
    """The path of a client's certificate with its key, or the paths of the two."""
    files = [user_path(name, path) for path in _both(value, name)]
    try:
        for file in files:
            file.open("rb").close()
        _context().load_cert_chain(files[0], files[-1], password=_ask)
    except _Encrypted:
        raise BadInput(
            f"{name}: the key in {files[-1]} is encrypted.",
            hint="Write it without one: openssl pkey -in encrypted.pem -out key.pem.",
        ) from None
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        raise BadInput(
            f"{name}: the key in {files[-1]} belongs to another certificate."
            if mismatch
            else f"{name}: {' and '.join(map(str, files))} hold no certificate with its key in"
            " PEM format.",
            hint=None if mismatch else "Give one file with both, or (certificate, key).",
        ) from None
    except OSError as error:
        _unreadable(name, Path(error.filename or files[0]), error)
    first, *rest = map(str, files)
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


def _unreadable(name: str, file: Path, error: OSError) -> NoReturn:
    raise file_error(
        f"{name}: {shown_path(file)} cannot be read",
        file,
        error,
        hint="Give the path of a PEM file that this program may read.",
    ) from None
