"""Secrets whose very text is known, however it is written, and those known by their looks."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from slipstream.forking import PerProcess

MASK: Final = "***"
"""Stands where a secret stood; it gives away no length, and a shell leaves it alone in quotes."""

SHORTEST: Final = 4
"""Characters below which a value is no secret that could be told from other text."""

_REMEMBERED = 32
_BLANK = r"(?: |\+|%20)"

SHAPES: Final[dict[str, re.Pattern[str]]] = {
    "a private key": re.compile(
        rf"-----BEGIN(?:{_BLANK}[A-Z0-9]+)*{_BLANK}PRIVATE{_BLANK}KEY-----.*?"
        rf"(?:-----END(?:{_BLANK}[A-Z0-9]+)*{_BLANK}PRIVATE{_BLANK}KEY-----|\Z)",
        re.DOTALL,
    ),
    # It may follow a character that is percent-encoded, as the sign before it in a form is.
    "a JSON web token": re.compile(
        r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2}))eyJ[\w-]{6,}+\.[\w-]++(?:\.[\w-]*+)?"
    ),
    # Five groups of six from an alphabet without look-alikes: SlipStreamServer and the Nuvla
    # api-server, credential/key_utils.clj.
    "an API key's secret": re.compile(
        r"(?<![\w.])[2-9A-HJ-NP-Za-km-z]{6}(?:\.[2-9A-HJ-NP-Za-km-z]{6}){4}(?![\w.])",
    ),
    "an AWS access key": re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
}
"""What each kind of secret is called, and how it is recognised wherever it stands."""

_SCHEME = re.compile(r"(?i)\b(basic|bearer) +[\w.~+/=-]{8,}")


def written(value: str) -> Iterator[str]:
    """
    The ways in which a value is written in a text, a URL, a form, JSON, XML or a message.

    :param value: The value.
    :returns: Each way, some of them several times.
    """
    yield value
    yield repr(value)[1:-1]
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)
    for ascii_only in (True, False):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
    for quotes in (True, False):
        yield html.escape(value, quote=quotes)
    yield html.escape(value).replace("&#x27;", "&apos;")
    yield html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


def mask_shapes(text: str) -> str:
    """
    Mask private keys, web tokens, and what else is a secret by its looks.

    :param text: Any text that is not itself JSON or XML, where a key that is cut off would take
        the closing quotes along.
    :returns: The text without them.
    """
    for pattern in SHAPES.values():
        text = pattern.sub(MASK, text)
    return _SCHEME.sub(rf"\1 {MASK}", text)


class KnownSecrets:
    """
    The secrets that a conversation was given, made or has met. Safe to be shared by threads.

    Those that it logs in with are kept; of others only the latest few are, as a program may make
    any number of them.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, ...]] = {}
        self._met: dict[str, tuple[str, ...]] = {}
        self._lock = PerProcess(threading.Lock)
        self._written: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def keep(self, *values: object) -> None:
        """
        Remember secrets for good.

        :param values: The secrets; what is empty or very short is left out.
        """
        self._remember(self._kept, values)

    def meet(self, *values: object) -> None:
        """
        Remember secrets until many others have been met.

        :param values: The secrets; what is empty or very short is left out.
        """
        self._remember(self._met, values)

    def mask(self, text: str) -> str:
        """
        Mask every known secret.

        :param text: Any text.
        :returns: The text without them, in whatever way they were written.
        """
        for secret in self._written:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def _remember(self, place: dict[str, tuple[str, ...]], values: tuple[object, ...]) -> None:
        texts = [str(value) for value in values if value is not None]
        with self._lock.get():
            for text in (text for text in texts if len(text.strip()) >= SHORTEST):
                place[text] = place.pop(text, ()) or _forms(text)
            for text in list(self._met)[:-_REMEMBERED]:
                del self._met[text]
            forms = {form for known in (self._kept, self._met) for form in _all(known)}
            # What is part of another one must not leave the rest of it behind.
            self._written = tuple(sorted(forms, key=len, reverse=True))


def _all(known: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for forms in known.values():
        yield from forms


def _forms(value: str) -> tuple[str, ...]:
    forms = {form for text in (value, value.strip()) for form in written(text)}
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    return (*forms, encoded)
