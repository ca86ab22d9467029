"""Write a request as a command for curl, and its response, without secrets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from slipstream.redaction import Redactor
from slipstream.transport.call_context import label

LONGEST_RESPONSE = 8_000
"""Characters of a response's body that are shown."""

LONGEST_REQUEST = 20_000
"""Characters of a request's body that are shown; without the rest it cannot be sent again."""

# What curl sees to by itself, as --compressed and by the length of what it sends.
_OF_CURL = {"accept-encoding", "connection", "content-length"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PATTERNS = re.compile(r"[\[\]{}]")


@attrs.define(kw_only=True, repr=False)
class Exchange:
    """
    One attempt to send a request, and its outcome.

    :param redactor: What takes secrets out of it.
    :param fields: The headers of the response, each by itself.
    :param content: The body of the response, ``None`` if none came whole.
    :param failure: What went wrong, as a sentence.
    :param verify: Whether the certificate was checked, or the file or directory of the
        authorities trusted.
    :param cert: The file of the client's certificate, or those of certificate and key.
    """

    method: str
    url: str
    redactor: Redactor
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | str | None = None
    status: int | None = None
    fields: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None
    failure: str | None = None
    seconds: float = 0.0
    proxy: str | None = None
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None

    def text(self, *, pretty: bool = False) -> str:
        """The exchange as lines, each with the call's id."""
        lines = "\n".join(self._response_lines(pretty=pretty)).replace("\r\n", "\n").split("\n")
        shown = "\n".join(f"{label()} {line}".rstrip() for line in [self.curl(), *lines])
        shown = _CONTROL.sub(lambda hit: f"\\x{ord(hit[0]):02x}", shown)
        return shown.encode("utf-8", "backslashreplace").decode()

    def curl(self) -> str:
        """The request as a command for a shell, its secrets masked."""
        url = self.redactor.url(self.url)
        return shlex.join(["curl", "-i", *self._options(), url, *self._headers(), *self._data()])

    def _options(self) -> Iterator[str]:
        yield from ("--head",) if self.method == "HEAD" else ("-X", self.method)
        yield "--compressed"
        if _PATTERNS.search(self.url):
            yield "--globoff"
        if self.proxy:
            yield from ("--proxy", self.redactor.url(self.proxy))
        if self.url.startswith("https:"):
            yield from self._trust()

    def _trust(self) -> Iterator[str]:
        if self.verify is False:
            yield "-k"
        elif isinstance(self.verify, str):
            yield from ("--capath" if Path(self.verify).is_dir() else "--cacert", self.verify)
        cert, *key = [self.cert] if isinstance(self.cert, str) else self.cert or [None]
        if cert:
            yield from ("--cert", cert)
        for file in key:
            yield from ("--key", str(file))

    def _headers(self) -> Iterator[str]:
        for name, value in self.headers.items():
            if name.lower() not in _OF_CURL or (name, value) == ("Content-Length", "0"):
                yield from ("-H", f"{name}: {self.redactor.header(name, str(value))}")
        if self.body and not _kind(self.headers):
            yield from ("-H", "Content-Type:")

    def _data(self) -> Iterator[str]:
        if self.body:
            body = self.body.encode() if isinstance(self.body, str) else self.body
            shown = self.redactor.body(body, _kind(self.headers), named=self._last_name)
            yield from ("--data-raw", _cut(shown, LONGEST_REQUEST))

    @property
    def _last_name(self) -> str:
        """The name of the parameter whose value is the whole body."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    def _response_lines(self, *, pretty: bool) -> Iterator[str]:
        if self.status is not None:
            length = "" if self.content is None else f", {len(self.content)} bytes"
            yield f"HTTP {self.status} after {self.seconds:.3f} s{length}"
            for name, value in self.fields:
                yield f"{name}: {self.redactor.header(name, value)}"
        if self.content:
            kind = _kind(dict(self.fields))
            body = self.redactor.body(self.content, kind, named=self._last_name, pretty=pretty)
            yield from ("", _cut(body, LONGEST_RESPONSE))
        if self.failure is not None:
            yield f"failed after {self.seconds:.3f} s: {self.redactor.said(self.failure)}"


def _kind(headers: Mapping[str, Any]) -> str:
    kinds = (str(value) for name, value in headers.items() if name.lower() == "content-type")
    return next(kinds, "").partition(";")[0].strip()


def _cut(text: str, limit: int) -> str:
    rest = len(text) - limit
    return f"{text[:limit]}... ({rest} more characters)" if rest > 0 else text
