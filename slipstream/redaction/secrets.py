"""Known secrets, forms of secrets, and their replacements."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

import attrs

from slipstream.values.plain import announces_secret

MASK: Final = "***"
"""The replacement of a secret, of one length, which a shell leaves alone in quotes."""

_NEVER = re.compile(r"(?!)")


def _no_exception(_name: str, _members: Mapping[str, Any]) -> str | None:
    return None


@attrs.frozen(kw_only=True)
class Policy:
    """How secrets are replaced.

    :param replace: Gives what stands in the place of a secret text.
    :param placeholder: Matches what an earlier replacement has left, which is no secret.
    :param shapes: Texts that are replaced by their looks beside secrets, and by what.
    :param keep_form: Whether a document without secrets stays as it is written, and a list or an
        object that is a secret keeps its structure.
    :param exception: Gives what stands for a member of an object or a field of a form, whatever
        the rules say, from its name and all members; ``None`` leaves it to the rules.
    """

    replace: Callable[[str], str]
    placeholder: re.Pattern[str] = _NEVER
    shapes: tuple[tuple[re.Pattern[str], str], ...] = ()
    keep_form: bool = False
    exception: Callable[[str, Mapping[str, Any]], str | None] = _no_exception

    def announces(self, name: str) -> bool:
        """Whether a name announces a secret and is no placeholder."""
        return announces_secret(name) and not self.placeholder.fullmatch(name)


MASKING: Final = Policy(replace=lambda secret: MASK if secret else secret)
"""For logs and errors: a mask shows neither the length nor the structure of a secret."""


SHORTEST: Final = 4
"""Characters below which a value is too common to be looked for as a secret."""

_REMEMBERED = 32
_BLANK = r"(?: |\+|%20)"

SHAPES: Final = (
    # A private key.
    re.compile(
        rf"-----BEGIN(?:{_BLANK}[A-Z0-9]+)*{_BLANK}PRIVATE{_BLANK}KEY-----.*?"
        rf"(?:-----END(?:{_BLANK}[A-Z0-9]+)*{_BLANK}PRIVATE{_BLANK}KEY-----|\Z)",
        re.DOTALL,
    ),
    # A JSON web token. It may follow a character that is percent-encoded, as in a form.
    re.compile(r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2}))eyJ[\w-]{6,}+\.[\w-]++(?:\.[\w-]*+)?"),
    # An API key's secret, five groups of six from an alphabet without look-alikes:
    # SlipStreamServer and the Nuvla api-server, credential/key_utils.clj.
    re.compile(
        r"(?<![\w.])[2-9A-HJ-NP-Za-km-z]{6}(?:\.[2-9A-HJ-NP-Za-km-z]{6}){4}(?![\w.])",
    ),
    # An AWS access key, and a GitHub token.
    re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
)
"""Secrets that are recognised by their form, in any text."""

AUTHORIZATION: Final = re.compile(r"(?i)\b(basic|bearer) +[\w.~+/=-]{8,}")
"""A login as in a header; the scheme is no secret."""


def notations(value: str) -> Iterator[str]:
    """The notations of a value in a text, URL, form, JSON, XML or message, and in base64."""
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
    yield base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@attrs.frozen
class _Secret:
    """A known value in all its notations, what replaces it, and whether it is a whole word."""

    forms: frozenset[str] = attrs.field(repr=False)
    replacement: str
    word: bool


@attrs.define(repr=False)
class KnownSecrets:
    """The secrets of a session. Threads may share it.

    Those that it logs in with are kept; of others only the latest few are, as a program may make
    any number of them.
    """

    _kept: dict[str, _Secret] = attrs.field(factory=dict, init=False)
    _met: dict[str, _Secret] = attrs.field(factory=dict, init=False)
    _written: tuple[tuple[str, _Secret], ...] = attrs.field(default=(), init=False)
    # One for each process: a forked child must not wait for a thread of its parent.
    _locks: dict[int, threading.Lock] = attrs.field(factory=dict, init=False)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def keep(
        self,
        *values: object,
        lasting: bool = True,
        replacement: str = MASK,
        word: bool = False,
    ) -> None:
        """Add secrets: for good, or else until many others were added."""
        secrets = self._kept if lasting else self._met
        texts = [str(value) for value in values if value is not None]
        if all(text in secrets for text in texts):
            return
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            shortest = 1 if word else SHORTEST
            for text in (text for text in texts if len(text.strip()) >= shortest):
                forms = frozenset({*notations(text), *notations(text.strip())})
                secret = secrets.pop(text, None)
                secrets[text] = secret or _Secret(forms, replacement, word)
            for text in list(self._met)[:-_REMEMBERED]:
                del self._met[text]
            everything = (*self._met.values(), *self._kept.values())
            written = {form: secret for secret in everything for form in secret.forms}
            # What is part of another one must not leave the rest of it behind.
            self._written = tuple(sorted(written.items(), key=lambda item: -len(item[0])))

    def mask(self, text: str) -> str:
        """Replace every known secret."""
        for form, secret in self._written:
            if form not in text:
                continue
            if secret.word:
                text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", secret.replacement, text)
            else:
                text = text.replace(form, secret.replacement)
        return text
