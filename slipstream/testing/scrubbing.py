"""Take secrets and random values out of recorded HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse
from urllib3.exceptions import DecodeError

from slipstream.redaction import SHORTEST, KnownSecrets, Policy, Redactor
from slipstream.values import parse_timestamp
from slipstream.values.endpoint import DEFAULT_PORTS, join_address
from slipstream.values.plain import squeezed

REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
"""The headers of a request that stay in a cassette."""

RESPONSE_HEADERS: Final = frozenset(
    {"allow", "content-type", "location", "retry-after", "set-cookie"}
)
"""The headers of a response that stay: those a client acts upon."""

# A client may recognise an API key by its form.
_KEY = "00000000-0000-4000-8000-000000000000"
CREDENTIALS: Final = {
    "username": "recorded-user",
    "password": "recorded-password",
    "key": f"credential/{_KEY}",
    "secret": "recorded-secret",
    "token": "recorded-token",
    "other_username": "recorded-other-user",
    "other_password": "recorded-other-password",
    "two_factor_username": "recorded-two-factor-user",
    "two_factor_password": "recorded-two-factor-password",
    "two_factor_seed": "recorded-two-factor-seed",
}
"""The placeholder of each credential."""

_SCRUBBED = "SCRUBBED"  # the placeholder of a secret that is never sent again
_FORGOTTEN = "INVALID"  # how the servers end a session: com/sixsq/slipstream/auth/cookies.clj
_EMAIL, _CLIENT_ADDRESS, _HOST = "someone@example.com", "192.0.2.1", "server.example"
_PUBLIC_HOSTS = frozenset({"nuv.la", "nuvla.io"})
"""Public services, whose names a client may know and act upon: these stay."""

_NEVER = "Thu, 31 Dec 2099 23:59:59"
_NEVER_ISO = "2099-12-31T23:59:59.000Z"
_LONG_AGO = "Thu, 01 Jan 1970 00:00:00"
_COOKIE_DOMAIN = re.compile(r"; *domain=[^;]*", re.IGNORECASE)
_COOKIE_END = re.compile(r"(expires=)([^;]*)", re.IGNORECASE)
_ZONE = re.compile(r"(?:GMT|UTC|[+-]\d{4})\s*$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T")
_PLACEHOLDER = re.compile(rf"SCRUBBED|(?:credential/)?(?:recorded-[a-z0-9-]+|{_KEY})")
_CREDENTIAL_ID = re.compile(r"credential/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Outside the domains reserved for examples (RFC 2606).
_EMAIL_ADDRESS = re.compile(
    r"(?<![\w.+-])[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)(?:[\w-]+\.)+[A-Za-z]{2,}\b"
)
_SHORTEST_NAME = 3
_PROTOCOL_WORDS = frozenset(
    {"admin", "alive", "api", "auth", "cloud", "cookie", "count", "credential", "default"}
    | {"deployment", "digest", "false", "href", "http", "https", "image", "internal", "json"}
    | {"login", "message", "method", "module", "name", "node", "null", "nuvla", "operations"}
    | {"parameter", "password", "private", "property", "public", "resource", "role", "secret"}
    | {"server", "service", "session", "slipstream", "state", "status", "template", "text"}
    | {"token", "true", "type", "user", "username", "value", "version"}
)

Headers = Mapping[str, Iterable[str]]


def _postponed(timestamp: str, date: str | None = None) -> str:
    """Move the end of a session to the far future, in the same notation."""
    if _ISO.match(timestamp):
        return _NEVER_ISO
    zone, end = _ZONE.search(timestamp), parse_timestamp(timestamp)
    expired = end is not None and end <= (parse_timestamp(date) or datetime.fromtimestamp(0, UTC))
    return f"{_LONG_AGO if expired else _NEVER} {zone[0].strip() if zone else 'GMT'}"


def public_endpoint(endpoint: str) -> str:
    """The address that replaces that of the server in a cassette."""
    parts = urlsplit(endpoint)
    host = parts.hostname if parts.hostname in _PUBLIC_HOSTS else _HOST
    return f"https://{host}{parts.path.rstrip('/')}"


def moved(source: str, target: str) -> Callable[[str], str]:
    """Build a function that moves addresses in a text from one server to another."""
    old, new = urlsplit(source), urlsplit(target)
    if (old.scheme, old.netloc) == (new.scheme, new.netloc):
        return lambda text: text
    host, port = old.hostname or "", old.port or DEFAULT_PORTS[old.scheme]
    # A loopback address without its port may be that of a machine or a client.
    optional = "" if host in {"localhost", "::1"} or host.startswith("127.") else "?"
    pattern = re.compile(
        r"(?:(?P<scheme>https?)(?P<slashes>:(?:\\?/){2}|%3[Aa]%2[Ff]%2[Ff])|(?<![\w.-]))"
        rf"{re.escape(join_address(host))}"
        rf"(?:(?::|%3[Aa]){port}){optional}(?![\w-]|\.\w)"
    )

    def replace(match: re.Match[str]) -> str:
        return f"{new.scheme}{match['slashes']}{new.netloc}" if match["scheme"] else new.netloc

    return lambda text: pattern.sub(replace, text)


def is_placeholder(value: str) -> bool:
    """Whether a value is a placeholder of the scrubber."""
    return bool(_PLACEHOLDER.fullmatch(value))


def _scrubbed(value: str) -> str:
    """Replace a secret, unless it is empty, a placeholder, or the public half of an API key."""
    if not value.strip() or value == _FORGOTTEN or is_placeholder(value):
        return value
    # Later requests name the credential again.
    return value if _CREDENTIAL_ID.fullmatch(value) else _SCRUBBED


def _exception(name: str, members: Mapping[str, Any]) -> str | None:
    value, name = members[name], squeezed(name)
    if not isinstance(value, str):
        return None
    if name == "key" and "secret" in members:
        return _scrubbed(value)
    if name == "clientip":
        return _CLIENT_ADDRESS
    if name == "expiry" and str(members.get("id")).startswith("session/"):
        return _postponed(value)
    return None


PLACEHOLDERS: Final = Policy(
    replace=_scrubbed,
    placeholder=_PLACEHOLDER,
    shapes=((_EMAIL_ADDRESS, _EMAIL),),
    keep_form=True,
    exception=_exception,
)
"""For cassettes: replacements have the structure of the original, and stay when repeated."""


def _known_secrets(secrets: Mapping[str, str], names: Mapping[str, str]) -> KnownSecrets:
    collection = KnownSecrets()
    for value, placeholder in names.items():
        _check(value, placeholder, _SHORTEST_NAME)
        collection.keep(value, replacement=placeholder, word=True)
    for value, placeholder in secrets.items():
        _check(value, placeholder, SHORTEST)
        collection.keep(value, replacement=placeholder)
        # As HTTP Basic writes a login.
        logins = (f"{name}:{value}" for name in (*names, *secrets))
        collection.keep(*logins, replacement=_SCRUBBED)
    return collection


def _check(value: str, placeholder: str, shortest: int) -> None:
    if not is_placeholder(placeholder):
        raise ValueError(f"{placeholder!r} is not a placeholder: write 'recorded-' and a word")
    own_words = (placeholder, *CREDENTIALS.values(), _SCRUBBED, _EMAIL)
    common = value in _PROTOCOL_WORDS or any(value in word for word in own_words)
    if len(value) < shortest or common:
        raise ValueError(
            f"the value that {placeholder!r} shall stand for is too short, or a word of the "
            "protocol: record with an account whose name and password are neither"
        )


class Scrubber:
    """Takes the secrets out of a recording.

    Most secrets are recognised by the structure alone, so that a scrubber without any value
    takes out what servers send. Scrubbing a second time changes nothing.

    :param secrets: Secret values and the placeholder of each, replaced wherever they occur.
    :param names: Names of users and keys and the placeholder of each, replaced as whole words.
    :param moved: Replaces the addresses of the recorded server.
    """

    def __init__(
        self,
        *,
        secrets: Mapping[str, str] = MappingProxyType({}),
        names: Mapping[str, str] = MappingProxyType({}),
        moved: Callable[[str], str] = str,
    ) -> None:
        self.secrets, self._moved = secrets, moved
        self._redactor = Redactor(_known_secrets(secrets, names), PLACEHOLDERS)

    def text(self, source: str) -> str:
        """Scrub a text of any format."""
        return self._redactor.text(self._plain(source))

    def url(self, source: str) -> str:
        """Scrub a URL, absolute or not."""
        return self._redactor.url(self._plain(source))

    def body(self, source: bytes, headers: Headers, *, url: str = "") -> bytes:
        """Scrub the body of a request or a response, or the plain value that is at a URL."""
        named = url.partition("?")[0].rpartition("/")[2]
        plain = _decompressed(source, _first(headers, "content-encoding"))
        content_type = _first(headers, "content-type")
        try:
            encoding, decoded = "utf-8", plain.decode()
        except UnicodeDecodeError:
            encoding, decoded = "latin-1", plain.decode("latin-1")  # which loses nothing
        text = self._plain(decoded)
        if PLACEHOLDERS.announces(named) and content_type.startswith("text/plain"):
            clean = _scrubbed(text)
        elif "x-www-form-urlencoded" in content_type:
            clean = self._redactor.form(text)
        else:
            clean = _indented(self._redactor.text(text))
        return clean.encode(encoding, "backslashreplace")

    def request_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Scrub the headers of a request, and drop those that do not decide on the response."""
        return self._headers(headers, REQUEST_HEADERS)

    def response_headers(self, headers: Headers) -> dict[str, list[str]]:
        """Scrub the headers of a response, and drop those that no client acts upon."""
        scrubbed = self._headers(headers, RESPONSE_HEADERS - {"set-cookie"})
        date = _first(headers, "date") or None
        cookies = [self._cookie(cookie, date) for cookie in _all(headers, "set-cookie")]
        return {**scrubbed, "set-cookie": cookies} if cookies else scrubbed

    def _cookie(self, header: str, date: str | None) -> str:
        # Name and attributes stay, because a client acts on them. A cookie that had expired when
        # it was recorded stays expired, another one never expires.
        cookie = self._redactor.header("set-cookie", _COOKIE_DOMAIN.sub("", header))
        return _COOKIE_END.sub(lambda hit: hit[1] + _postponed(hit[2], date), cookie)

    def _headers(self, headers: Headers, allowed: frozenset[str]) -> dict[str, list[str]]:
        pairs = ((name, [self.url(v) for v in _all(headers, name)]) for name in sorted(allowed))
        return {name: values for name, values in pairs if values}

    def _plain(self, source: str) -> str:
        return self._moved(self._redactor.secrets.mask(source))


def _indented(text: str) -> str:
    """Break JSON into lines, so that a change in a cassette can be read."""
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return text


def _all(headers: Headers, name: str) -> list[str]:
    values = CaseInsensitiveDict(headers).get(name, ())
    return [values] if isinstance(values, str) else list(values)


def _first(headers: Headers, name: str) -> str:
    return next(iter(_all(headers, name)), "")


def _decompressed(body: bytes, compression: str) -> bytes:
    if compression.lower() not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise ValueError(f"cannot scrub a body compressed as {compression!r}: record without it")
    # An HTTP library may have unpacked the body already and left the header as it was.
    with suppress(DecodeError):
        return HTTPResponse(BytesIO(body), {"content-encoding": compression}).data
    return body
