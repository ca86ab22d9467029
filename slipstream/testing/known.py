"""Replacing values that are known to be secret, however they are written."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping

from slipstream.redaction.values import SHORTEST, written
from slipstream.testing.names import (
    CLIENT_ADDRESS,
    EMAIL,
    KEY,
    PASSWORD,
    SCRUBBED,
    SECRET,
    USERNAME,
    is_placeholder,
)

_PROTOCOL_WORDS = frozenset(
    {"admin", "alive", "api", "auth", "cloud", "cookie", "count", "credential", "default"}
    | {"deployment", "digest", "false", "href", "http", "https", "image", "internal", "json"}
    | {"login", "message", "method", "module", "name", "node", "null", "nuvla", "operations"}
    | {"parameter", "password", "private", "property", "public", "resource", "role", "secret"}
    | {"server", "service", "session", "slipstream", "state", "status", "template", "text"}
    | {"token", "true", "type", "user", "username", "value", "version"}
)
_OWN_WORDS = (USERNAME, PASSWORD, KEY, SECRET, SCRUBBED, EMAIL, CLIENT_ADDRESS)


def replacer(secrets: Mapping[str, str], names: Mapping[str, str]) -> Callable[[str], str]:
    """Build a function that takes known values out of a text.

    :param secrets: each secret and its placeholder, replaced wherever it occurs, as it is or
        written for a URL, a form, JSON, XML or HTTP Basic.
    :param names: each name and its placeholder, replaced where it stands as a whole word.
    :returns: the function, from a text to the text without them.
    :raises ValueError: if a value could not be told apart from the protocol's own words; the
        message does not contain it.
    """
    table = _table(secrets, names)
    if not table:
        return lambda text: text
    whole = {form for name in names for form in written(name)} - set(secrets)
    parts = [
        rf"(?<!\w){re.escape(form)}(?!\w)" if form in whole else re.escape(form)
        for form in sorted(table, key=_longest_first)
    ]
    placeholders = "|".join(map(re.escape, sorted(set(table.values()), key=_longest_first)))
    pattern = re.compile(f"{placeholders}|{'|'.join(parts)}")
    return lambda text: pattern.sub(lambda hit: table.get(hit[0], hit[0]), text)


def _longest_first(text: str) -> tuple[int, str]:
    return -len(text), text


def _table(secrets: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    table: dict[str, str] = {}
    for value, placeholder in {**names, **secrets}.items():
        _check(value, placeholder)
        table.update(dict.fromkeys(written(value), placeholder))
    for secret in secrets:
        logins = (f"{name}:{secret}" for name in [*names, *secrets])
        for login in [secret, *logins]:
            table[base64.b64encode(login.encode()).decode().rstrip("=")] = SCRUBBED
    return table


def _check(value: str, placeholder: str) -> None:
    if not is_placeholder(placeholder):
        raise ValueError(f"{placeholder!r} is no placeholder: write 'recorded-' and a word")
    common = value in _PROTOCOL_WORDS or any(value in text for text in (placeholder, *_OWN_WORDS))
    if len(value) < SHORTEST or common:
        raise ValueError(
            f"the value that {placeholder!r} shall stand for is too short, or a word of the "
            "protocol: record with an account whose name and password are neither",
        )
