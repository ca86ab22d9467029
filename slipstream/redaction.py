"""
Take secrets out of addresses, headers, bodies and prose: for logs, errors and cassettes.

They are found by the names they stand under (:mod:`slipstream.values.plain`), by their looks, and
because the session knows their very text. What can be parsed is parsed. Of what cannot, all that
may belong to a secret goes: rather too much is replaced than too little.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError, indent, tostring

import attrs
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from slipstream.errors import DriverError
from slipstream.values.plain import NAMING, VALUE_NAMES, announces_secret, authenticates, squeezed

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

    _lasting: dict[str, _Secret] = attrs.field(factory=dict, init=False)
    _recent: dict[str, _Secret] = attrs.field(factory=dict, init=False)
    _forms: tuple[tuple[str, _Secret], ...] = attrs.field(default=(), init=False)
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
        secrets = self._lasting if lasting else self._recent
        texts = [str(value) for value in values if value is not None]
        if all(text in secrets for text in texts):
            return
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            shortest = 1 if word else SHORTEST
            for text in (text for text in texts if len(text.strip()) >= shortest):
                forms = frozenset({*notations(text), *notations(text.strip())})
                secret = secrets.pop(text, None)
                secrets[text] = secret or _Secret(forms, replacement, word)
            for text in list(self._recent)[:-_REMEMBERED]:
                del self._recent[text]
            everything = (*self._recent.values(), *self._lasting.values())
            written = {form: secret for secret in everything for form in secret.forms}
            # What is part of another one must not leave the rest of it behind.
            self._forms = tuple(sorted(written.items(), key=lambda item: -len(item[0])))

    def mask(self, text: str) -> str:
        """Replace every known secret."""
        for form, secret in self._forms:
            if form not in text:
                continue
            if secret.word:
                text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", secret.replacement, text)
            else:
                text = text.replace(form, secret.replacement)
        return text


_USER = re.compile(r"(?<=://)([^\s/?#\"'<>]*)@")

# The quantifiers are possessive: a response of megabytes has to be read in one go.
_NAME = re.compile(
    r"(?<![\w.\-])(?P<name>[\w.\-]++)"
    r"(?:\\*+[\"']?+[ \t]*+(?:=>|[=:])[ \t]*+\\*+|(?P<apart>[ \t]++))"
)
_QUOTED = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+')(?=[\s,;&)}\]>]|\Z)",
    re.DOTALL,
)
_LINE = re.compile(r"[^\r\n]*+")
_GOES_ON = re.compile(r"[|>][\d+\-]*|[\"'\[{(].*|")
_ITS_NAME = re.compile(r"[\"']?(?P<name>[\w.\-]+)")
_WORD = re.compile(r"[\w.\-]+")
_TAG = re.compile(r"<[^<>]*>?(?:\s*+[\w.\-:]++\s*+(?=<|\Z))?+")


def _secret_after(hit: re.Match[str], policy: Policy) -> tuple[int, int] | None:
    """The start and end of the secret after a name, if there is one."""
    text, name, end = hit.string, hit["name"], hit.end()
    if not hit["apart"] and squeezed(name) in NAMING:
        named = _ITS_NAME.match(text, end)
        if named and policy.announces(named["name"]):
            return named.end(), len(text)
    # Options of a command, and the keywords that servers written in Clojure quote.
    apart_counts = name.startswith("--") or text.endswith(":", 0, hit.start())
    if not policy.announces(name) or (hit["apart"] and not apart_counts):
        return None
    if placeholder := policy.placeholder.match(text, end + (text[end : end + 1] in {'"', "'"})):
        return placeholder.span()
    return end, _end_of_value(text, end)


def _end_of_value(text: str, start: int) -> int:
    if quoted := _QUOTED.match(text, start):
        return quoted.end()
    line = _LINE.match(text, start)
    if line is None or _GOES_ON.fullmatch(line[0].strip()):
        return len(text)
    return line.end()


def _is_password(kind: object) -> bool:
    return isinstance(kind, str) and kind.lower() == "password"


def _encoded(before: str, plain: str) -> str:
    return before if unquote_plus(before) == plain else quote_plus(plain, safe="*")


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]


LARGEST = 2 * 1024 * 1024
"""Bytes beyond which a body is not searched for secrets, and so not shown."""

_PAGE = re.compile(r"\s*<(?:!doctype\s+)?html\b", re.IGNORECASE)
# Comments, processing instructions and declarations, which a parser leaves out.
_UNPARSED = re.compile(r"<!(?!\[CDATA\[)|<\?(?!xml\s)")
_COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite"}
_COOKIE_FLAGS = {"secure", "httponly", "partitioned"}


@attrs.frozen(repr=False)
class Redactor:
    """Takes the secrets of one session out of text.

    :param secrets: The secrets whose text the session knows.
    :param policy: How they are replaced, by default by the mask.
    """

    secrets: KnownSecrets
    policy: Policy = MASKING

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def message(self, text: str) -> str:
        """Redact a sentence; words that only announce a secret stay."""
        text = self.secrets.mask(text)
        # Private keys, web tokens, and what else is a secret by its looks.
        for pattern in SHAPES:
            text = pattern.sub(lambda hit: self.policy.replace(hit[0]), text)
        text = AUTHORIZATION.sub(lambda hit: f"{hit[1]} {self.policy.replace(hit[0])}", text)
        for pattern, replacement in self.policy.shapes:
            text = pattern.sub(replacement, text)
        return text

    def mask_error(self, error: DriverError) -> None:
        """Take the secrets out of what an exception says."""
        error.args = (self.message(error.summary), *error.args[1:])
        error.hint = error.hint and self.message(error.hint)

    def quotes_secret(self, error: BaseException) -> bool:
        """Whether the traceback of an exception, with its causes, holds a secret."""
        try:
            text = "".join(traceback.format_exception(error))
        except Exception:  # noqa: BLE001 - a plugin's exception may not even be printed
            return True
        return self.message(text) != text

    def text(self, source: str) -> str:
        """Redact any piece of text: a document, or prose."""
        document = self.document(source)
        return self.secrets.mask(self.prose(source) if document is None else document)

    def url(self, source: str) -> str:
        """Redact a URL, absolute or not."""
        try:
            parts = urlsplit(source)
        except ValueError:
            return self.policy.replace(source)
        user, at, host = parts.netloc.rpartition("@")
        netloc = f"{self.policy.replace(user)}{at}{host}"
        path = self.message(parts.path)
        query, fragment = self.form(parts.query), self.form(parts.fragment)
        # Nothing is put together anew that has not changed: parsing forgets an empty query.
        if (netloc, path, query, fragment) != parts[1:]:
            source = urlunsplit((parts.scheme, netloc, path, query, fragment))
        return self.secrets.mask(source)

    def form(self, source: str) -> str:
        """Redact a form, or the query of a URL."""
        fields = [field.partition("=") for field in source.split("&")]
        pairs = [(unquote_plus(name), unquote_plus(value)) for name, _, value in fields]
        paired, members = self._any_announces(pairs), dict(pairs)

        def redact(name: str, equals: str, value: str) -> str:
            plain = unquote_plus(name)
            redacted = self.policy.exception(plain, members)
            if redacted is None and (
                self.policy.announces(plain) or (paired and squeezed(plain) in VALUE_NAMES)
            ):
                redacted = self.policy.replace(unquote_plus(value))
            if redacted is None:
                redacted = self.text(unquote_plus(value))
            return f"{_encoded(name, self.text(plain))}{equals}{_encoded(value, redacted)}"

        return "&".join(redact(*field) for field in fields)

    def header(self, name: str, value: str) -> str:
        """Redact the value of a header."""
        if name.lower() == "cookie":
            return "; ".join(self._cookie(cookie) for cookie in value.split(";"))
        if name.lower() == "set-cookie":
            cookie, *attributes = value.split(";")
            return "; ".join([self._cookie(cookie), *map(self._attribute, attributes)])
        if authenticates(name):
            return self.policy.replace(value)
        return self.url(value) if name.lower() == "location" else self.text(value)

    def body(self, body: bytes, kind: str, *, named: str = "", pretty: bool = False) -> str:
        """Redact the body of a request or a response for logs."""
        if len(body) > LARGEST:
            return f"({len(body)} bytes, too many to be searched for secrets)"
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return f"({len(body)} bytes that are no text)"
        if not text.strip():
            return text
        redacted = self._whole(text, kind.lower(), named, pretty)
        if redacted is None:
            return f"({len(text)} characters that cannot be searched for secrets)"
        return self.secrets.mask(redacted)

    def _whole(self, text: str, kind: str, named: str, pretty: bool) -> str | None:
        bare = announces_secret(named)
        if bare and "json" not in kind and "xml" not in kind:
            return self.policy.replace(text)
        document = self.document(text, pretty=pretty)
        if document is not None or bare:
            return document or self.policy.replace(text)
        if "x-www-form-urlencoded" in kind:
            return self.form(text)
        start = text.lstrip()[:1]
        if start in {"{", "["} or (start == "<" and not _PAGE.match(text)):
            return None
        return self.prose(text)

    def document(self, text: str, *, pretty: bool = False) -> str | None:
        """Redact a whole JSON or XML document."""
        start = text.lstrip("\ufeff \t\r\n")[:1]
        try:
            if start in {"{", "["}:
                parsed = json.loads(text, object_pairs_hook=_unique)
                cleaned = self._json(parsed)
                if self.policy.keep_form and cleaned == parsed:
                    return text
                return json.dumps(cleaned, ensure_ascii=False, indent=2 if pretty else None)
            if start == "<":
                return self._xml(text, pretty=pretty)
        except (ParseError, DefusedXmlException, ValueError, RecursionError):
            return None
        return None

    def _xml(self, text: str, *, pretty: bool) -> str:
        root = fromstring(text)
        before = tostring(root)
        self._redact_xml(root)
        if pretty:
            indent(root)
        elif self.policy.keep_form and tostring(root) == before and not _UNPARSED.search(text):
            return text
        return tostring(root, encoding="unicode")

    def prose(self, source: str) -> str:
        """
        Redact a text that no parser reads: users in addresses, and what follows a name that
        announces a secret.

        That ends with the quote that began it, or else with the line. Where it goes on below, and
        where the name is itself a value that another one belongs to, the rest of the text goes.
        Of markup that is not well formed nothing stays if one of its tags announces a secret.
        """
        text, policy = self.message(source), self.policy
        words = (word for tag in _TAG.finditer(text) for word in _WORD.findall(tag[0]))
        if any(map(policy.announces, words)):
            return policy.replace(text)
        text = _USER.sub(lambda hit: f"{policy.replace(hit[1])}@", text)
        parts, position = [], 0
        for hit in _NAME.finditer(text):
            if hit.start() >= position and (secret := _secret_after(hit, policy)):
                start, end = secret
                parts += [text[position:start], policy.replace(text[start:end])]
                position = end
        return "".join([*parts, text[position:]])

    def _cookie(self, cookie: str) -> str:
        name, equals, value = cookie.strip().partition("=")
        replaced = self.policy.replace(value if equals else name)
        return f"{self.message(name)}={replaced}" if equals else replaced

    def _attribute(self, text: str) -> str:
        name, equals, _ = text.strip().partition("=")
        is_harmless = name.lower() in (_COOKIE_ATTRIBUTES if equals else _COOKIE_FLAGS)
        return text.strip() if is_harmless else self.policy.replace(text)

    def _json(self, value: Any) -> Any:
        """Redact a JSON document."""
        if isinstance(value, dict):
            return {self.text(name): self._member(name, value) for name in value}
        if isinstance(value, list):
            return [self._json(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A code of digits may have become a number on its way.
            redacted = self.text(str(value))
            return value if redacted == str(value) else redacted
        return self.text(value) if isinstance(value, str) else value

    def _member(self, name: str, members: Mapping[str, Any]) -> Any:
        exception = self.policy.exception(name, members)
        if exception is not None:
            return exception
        announced = self.policy.announces(name) or (
            squeezed(name) in VALUE_NAMES
            and (_is_password(members.get("type")) or self._any_announces(members.items()))
        )
        return self._hidden(members[name]) if announced else self._json(members[name])

    def _hidden(self, value: Any) -> Any:
        """Whether there is something may show; what it is may not."""
        if value is None or isinstance(value, bool) or value in ("", [], {}):
            return value
        if isinstance(value, str) or not self.policy.keep_form:
            return self.policy.replace(str(value))
        if isinstance(value, dict):
            return {name: self._hidden(item) for name, item in value.items()}
        return [self._hidden(item) for item in value] if isinstance(value, list) else 0

    def _any_announces(self, members: Iterable[tuple[str, object]]) -> bool:
        return any(
            isinstance(value, str)
            and squeezed(_local(name)) in NAMING
            and self.policy.announces(value)
            for name, value in members
        )

    def _redact_xml(self, element: Element, *, secret: bool = False) -> None:
        """Redact an XML document in place."""
        secret = secret or self.policy.announces(_local(element.tag))
        named = secret or self._is_for_a_secret(element)
        for name, value in element.attrib.items():
            hidden = secret or self.policy.announces(_local(name))
            hidden = hidden or (named and squeezed(_local(name)) in VALUE_NAMES)
            element.set(name, self._content(value, secret=hidden))
        element.text = self._content(element.text, secret=named)
        # A map is written as entries of a name and what stands under it. The first is the name:
        # the secret itself may hold a word such as "password".
        naming = next((child for child in element if self._names_a_secret(child)), None)
        for child in element:
            left = naming is not None and child is not naming and not self._is_for_a_secret(child)
            self._redact_xml(child, secret=named or left)
            child.tail = self._content(child.tail, secret=named or naming is not None)

    def _is_for_a_secret(self, element: Element) -> bool:
        return _is_password(element.get("type")) or self._any_announces(element.items())

    def _names_a_secret(self, element: Element) -> bool:
        names = len(element) == 0 and squeezed(_local(element.tag)) in NAMING | {"string"}
        return names and self.policy.announces(element.text or "")

    def _content(self, value: str | None, *, secret: bool) -> str:
        if not value or not value.strip():
            return value or ""
        return self.policy.replace(value) if secret else self.text(value)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one with a name twice has members that only some readers see."""
    pairs = list(pairs)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members
