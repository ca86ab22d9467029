"""What a user logs in with, kept out of every repr."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from slipstream.values.paths import user_path


def _frozen(mapping: object) -> Mapping[str, object]:
    if not isinstance(mapping, Mapping) or not all(isinstance(name, str) for name in mapping):
        raise TypeError("ex_login_parameters must be a dict whose names are strings.")
    return MappingProxyType(dict(mapping))


def _check_text(_: object, field: Any, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{field.name} must be a string, not {type(value).__name__}.")


def _cookie_file(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else user_path("ex_cookie_file", path)


@attrs.frozen(kw_only=True)
class Credentials:
    """
    Everything that a login method may need. Secrets do not show in its repr.

    :param key: User name, or the id of an API key (``credential/<uuid>``).
    :param secret: Password, or the secret of the API key.
    :param parameters: Further fields of the server's session template.
    :param cookie_file: A cookie file in Netscape format that holds a session.
    :param method: The name of the login method that the user chose; ``None`` lets the
        look of the key decide.
    :param group: A group of the user to act for.
    """

    key: str | None = attrs.field(default=None, validator=_check_text)
    secret: str | None = attrs.field(default=None, repr=False, validator=_check_text)
    parameters: Mapping[str, object] = attrs.field(factory=dict, converter=_frozen, repr=False)
    cookie_file: Path | None = attrs.field(default=None, converter=_cookie_file)
    method: str | None = attrs.field(default=None, validator=_check_text)
    group: str | None = attrs.field(default=None, validator=_check_text)
