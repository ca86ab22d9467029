"""Taking everything secret, and everything accidental, out of recorded HTTP."""

from __future__ import annotations

import ipaddress
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import Factory, field, frozen

from slipstream.redaction import KnownSecrets, Policy, Redactor
from slipstream.redaction.values import SHORTEST
from slipstream.values.secret_names import squeezed

NEVER: Final = "Thu, 31 Dec 2099 23:59:59"
NEVER_ISO: Final = "2099-12-31T23:59:59.000Z"
_LONG_AGO = "Thu, 01 Jan 1970 00:00:00"

_KEPT = frozenset({"path", "expires", "max-age", "secure", "httponly", "samesite"})
_ZONE = re.compile(r"(?:GMT|UTC|[+-]\d{4})\s*$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T")


def scrubbed_cookie(header: str, responded: str | None = None) -> str:
    """Take the token out of a ``Set-Cookie`` header.

    Name and attributes stay, because a client acts on them. A cookie that was valid when it was
    recorded is given an end far away, as it has to be valid whenever the recording is played; one
    that had expired stays expired.
    """
    cookie, *attributes = [part.strip() for part in header.split(";")]
    name, _, value = cookie.partition("=")
    attributes = [
        _attribute(part, responded) for part in attributes if _attribute_name(part) in _KEPT
    ]
    return "; ".join([f"{name.strip()}={_cookie_value(value)}", *attributes])


def _cookie_value(value: str) -> str:
    # INVALID is how the servers forget a session: com/sixsq/slipstream/auth/cookies.clj.
    return value if value in {"", "INVALID"} else "SCRUBBED"


def _attribute_name(part: str) -> str:
    return part.partition("=")[0].strip().lower()


def _attribute(part: str, responded: str | None) -> str:
    if _attribute_name(part) != "expires":
        return part
    name, _, timestamp = part.partition("=")
    return f"{name.strip()}={distant(timestamp, responded)}"


def distant(timestamp: str, responded: str | None = None) -> str:
    """Move the end of a session far away, written the way it was."""
    if _ISO.match(timestamp):
        return NEVER_ISO
    zone = _ZONE.search(timestamp)
    end = _read(timestamp)
    start = _read(responded) if responded else None
    expired = end is not None and (end <= start if start else end.timestamp() <= 0)
    return f"{_LONG_AGO if expired else NEVER} {zone[0].strip() if zone else 'GMT'}"


def _read(timestamp: str | None) -> datetime | None:
    try:
        read = parsedate_to_datetime((timestamp or "").strip().replace("UTC", "GMT"))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


PLACEHOLDER_HOST: Final = "server.example"

PUBLIC_HOSTS: Final = frozenset({"nuv.la", "nuvla.io"})
"""Public services, whose names a client may know and act upon: these stay."""

_PORTS = {"http": 80, "https": 443}


def kept_endpoint(endpoint: str) -> str:
    """Choose the address that a recording is kept under."""
    parts = urlsplit(endpoint)
    host = parts.hostname if parts.hostname in PUBLIC_HOSTS else PLACEHOLDER_HOST
    return f"https://{host}{parts.path.rstrip('/')}"


def moved(source: str, target: str) -> Callable[[str], str]:
    """Build a function that moves addresses in a text from one server to another."""
    old, new = urlsplit(source), urlsplit(target)
    if (old.scheme, old.netloc) == (new.scheme, new.netloc):
        return lambda text: text
    host, port = old.hostname or "", old.port or _PORTS[old.scheme]
    # A loopback address without its port may be anything's, a machine's or a client's.
    optional = "" if _is_loopback(host) else "?"
    pattern = re.compile(
        r"(?:(?P<scheme>https?)(?P<slashes>:(?:\\?/){2}|%3[Aa]%2[Ff]%2[Ff])|(?<![\w.-]))"
        rf"{re.escape(_written_host(host))}(?:(?::|%3[Aa]){port}){optional}(?![\w-]|\.\w)",
    )

    def replace(hit: re.Match[str]) -> str:
        return f"{new.scheme}{hit['slashes']}{new.netloc}" if hit["scheme"] else new.netloc

    return lambda text: pattern.sub(replace, text)


def _written_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SCRUBBED: Final = "SCRUBBED"
"""Stands where a secret stood that nobody has to send again."""

USERNAME: Final = "recorded-user"
PASSWORD: Final = "recorded-password"  # noqa: S105 - it stands in for one
# A client may recognise an API key by its form.
KEY: Final = "00000000-0000-4000-8000-000000000000"
SECRET: Final = "recorded-secret"  # noqa: S105 - it stands in for one
TOKEN: Final = "recorded-token"  # noqa: S105 - it stands in for one
OTHER_USERNAME: Final = "recorded-other-user"
OTHER_PASSWORD: Final = "recorded-other-password"  # noqa: S105 - it stands in for one
TWO_FACTOR_USERNAME: Final = "recorded-two-factor-user"
TWO_FACTOR_PASSWORD: Final = "recorded-two-factor-password"  # noqa: S105 - it stands in for one
TWO_FACTOR_SEED: Final = "recorded-two-factor-seed"

EMAIL: Final = "someone@example.com"
CLIENT_ADDRESS: Final = "192.0.2.1"

_SHORTEST_NAME = 3
_PLACEHOLDER = re.compile(rf"SCRUBBED|(?:credential/)?(?:recorded-[a-z0-9-]+|{KEY})")
_CREDENTIAL_ID = re.compile(r"credential/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Outside the domains kept for examples (RFC 2606).
_EMAIL_ADDRESS = re.compile(
    r"(?<![\w.+-])[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)(?:[\w-]+\.)+[A-Za-z]{2,}\b",
)
_PROTOCOL_WORDS = frozenset(
    {"admin", "alive", "api", "auth", "cloud", "cookie", "count", "credential", "default"}
    | {"deployment", "digest", "false", "href", "http", "https", "image", "internal", "json"}
    | {"login", "message", "method", "module", "name", "node", "null", "nuvla", "operations"}
    | {"parameter", "password", "private", "property", "public", "resource", "role", "secret"}
    | {"server", "service", "session", "slipstream", "state", "status", "template", "text"}
    | {"token", "true", "type", "user", "username", "value", "version"}
)
_OWN_WORDS = (
    *(USERNAME, PASSWORD, KEY, SECRET, TOKEN, OTHER_USERNAME, OTHER_PASSWORD, SCRUBBED, EMAIL),
    *(TWO_FACTOR_USERNAME, TWO_FACTOR_PASSWORD, TWO_FACTOR_SEED),
)


def is_placeholder(value: str) -> bool:
    """Tell whether a whole value is what the scrubber itself leaves behind."""
    return bool(_PLACEHOLDER.fullmatch(value))


def scrubbed(value: str) -> str:
    """Replace a secret, unless it is empty, a placeholder, or the public half of an API key."""
    # Later requests name the credential again.
    harmless = not value.strip() or is_placeholder(value) or _CREDENTIAL_ID.fullmatch(value)
    return value if harmless else SCRUBBED


def _exception(name: str, members: Mapping[str, Any]) -> str | None:
    value, name = members[name], squeezed(name)
    if not isinstance(value, str):
        return None
    if name == "key" and "secret" in members:
        return scrubbed(value)
    if name == "clientip":
        return CLIENT_ADDRESS
    if name == "expiry" and str(members.get("id")).startswith("session/"):
        return distant(value)
    return None


PLACEHOLDERS: Final = Policy(
    replace=scrubbed,
    placeholder=_PLACEHOLDER,
    shapes=((_EMAIL_ADDRESS, EMAIL),),
    keep_form=True,
    exception=_exception,
)
"""For cassettes: what is replaced keeps its structure, and replacing it again changes nothing."""


def known_secrets(secrets: Mapping[str, str], names: Mapping[str, str]) -> KnownSecrets:
    """Gather the values that are known to be secret."""
    known = KnownSecrets()
    for value, placeholder in names.items():
        _check(value, placeholder, _SHORTEST_NAME)
        known.keep(value, replacement=placeholder, word=True)
    for value, placeholder in secrets.items():
        _check(value, placeholder, SHORTEST)
        known.keep(value, replacement=placeholder)
        # As HTTP Basic writes a login.
        logins = (f"{name}:{value}" for name in (*names, *secrets))
        known.keep(*logins, replacement=SCRUBBED)
    return known


def _check(value: str, placeholder: str, shortest: int) -> None:
    if not is_placeholder(placeholder):
        raise ValueError(f"{placeholder!r} is no placeholder: write 'recorded-' and a word")
    common = value in _PROTOCOL_WORDS or any(value in text for text in (placeholder, *_OWN_WORDS))
    if len(value) < shortest or common:
        raise ValueError(
            f"the value that {placeholder!r} shall stand for is too short, or a word of the "
            "protocol: record with an account whose name and password are neither",
        )


REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
"""The headers of a request that are kept."""

RESPONSE_HEADERS: Final = frozenset(
    {"allow", "content-type", "location", "retry-after", "set-cookie"},
)
"""The headers of a response that are kept: those a client acts upon."""

Headers = Mapping[str, Iterable[str]]

_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
_GZIP_MAGIC = b"\x1f\x8b"
_WIDTH = 96
_ANY_WINDOW = 47  # zlib's way to say: gzip or deflate, find out


@frozen(kw_only=True)
class Scrubber:
    """Rules that make a recording fit to be published.

    Structure alone finds most secrets, so that a scrubber without any known value takes out what
    servers send. Scrubbing what is scrubbed changes nothing.

    :param known: Secret values and the placeholder of each, replaced wherever they occur.
    :param names: Names of users and of their keys, and the placeholder of each, replaced where
        they stand as a word.
    :param moved: What moves addresses of the recorded server to the one they are kept under.
    """

    known: Mapping[str, str] = field(factory=dict, repr=False)
    names: Mapping[str, str] = field(factory=dict, repr=False)
    moved: Callable[[str], str] = field(default=str, repr=False)
    _redactor: Redactor = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(
            lambda self: Redactor(known_secrets(self.known, self.names), PLACEHOLDERS),
            takes_self=True,
        ),
    )

    def text(self, source: str) -> str:
        """Scrub a piece of text, whatever is written in it."""
        return self._redactor.text(self._plain(source))

    def url(self, source: str) -> str:
        """Scrub a URL, absolute or not."""
        return self._redactor.url(self._plain(source))

    def body(self, source: bytes, headers: Headers, *, named: str = "") -> bytes:
        """Scrub the body of a request or a response."""
        plain = _decompressed(source, _first(headers, "content-encoding"))
        content_type = _first(headers, "content-type")
        encoding = encoding_of(content_type, plain)
        text = self._plain(plain.decode(encoding))
        if PLACEHOLDERS.announces(named) and content_type.startswith("text/plain"):
            clean = scrubbed(text)
        elif "x-www-form-urlencoded" in content_type:
            clean = self._redactor.form(text)
        else:
            clean = _indented(self._redactor.text(text))
        return clean.encode(encoding, "backslashreplace")

    def request_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Keep the headers of a request that decide on the response."""
        return self._headers(headers, REQUEST_HEADERS)

    def response_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Keep the headers of a response that a client acts upon."""
        kept = self._headers(headers, RESPONSE_HEADERS - {"set-cookie"})
        date = _first(headers, "date") or None
        cookies = [scrubbed_cookie(each, date) for each in _all(headers, "set-cookie")]
        return {**kept, "set-cookie": cookies} if cookies else kept

    def _headers(self, headers: Headers, allowed: frozenset[str]) -> dict[str, list[str]]:
        kept = ((name, [self.url(v) for v in _all(headers, name)]) for name in sorted(allowed))
        return {name: values for name, values in kept if values}

    def _plain(self, source: str) -> str:
        return self.moved(self._redactor.known.mask(source))


def _indented(text: str) -> str:
    try:
        return pretty(json.loads(text)) if text.lstrip()[:1] in {"{", "["} else text
    except (ValueError, RecursionError):
        return text


def pretty(value: Any, depth: int = 0) -> str:
    """Write JSON with one line for each part that fits into one, so that a change is readable."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + depth <= _WIDTH or not isinstance(value, dict | list) or not value:
        return short
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {pretty(item, depth + 1)}"
            for key, item in value.items()
        ]
    else:
        parts = [pretty(item, depth + 1) for item in value]
    indent = " " * (depth + 1)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{indent}" + f",\n{indent}".join(parts) + f"\n{indent[1:]}{closing}"


def _all(headers: Headers, name: str) -> list[str]:
    return [
        value
        for each, values in headers.items()
        if each.lower() == name
        for value in ([values] if isinstance(values, str) else values)
    ]


def _first(headers: Headers, name: str) -> str:
    return next(iter(_all(headers, name)), "")


def encoding_of(content_type: str, body: bytes) -> str:
    """Tell a body's encoding, so that decoding and encoding give it back."""
    declared = _CHARSET.search(content_type)
    for encoding in [declared[1], "utf-8"] if declared else ["utf-8"]:
        try:
            if body.decode(encoding).encode(encoding) == body:
                return encoding
        except (LookupError, UnicodeError):
            continue
    return "latin-1"


def _decompressed(body: bytes, compression: str) -> bytes:
    if compression.lower() in {"", "identity"} or not body:
        return body
    if compression.lower() not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError(f"cannot scrub a body compressed as {compression!r}: record without it")
    # An HTTP library may have unpacked the body already and left the header as it was.
    if "gzip" in compression.lower() and not body.startswith(_GZIP_MAGIC):
        return body
    try:
        return zlib.decompress(body, _ANY_WINDOW)
    except zlib.error:
        return _inflated(body)


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompress(body, -zlib.MAX_WBITS)
    except zlib.error:
        return body
