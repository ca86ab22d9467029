"""Write a request as a command for curl, and its response, without secrets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs
import requests
from requests.structures import CaseInsensitiveDict

from slipstream.redaction import Redactor
from slipstream.transport.calls import label

LONGEST_RESPONSE = 8_000
"""Characters of a response's body that are shown."""

LONGEST_REQUEST = 20_000
"""Characters of a request's body that are shown; without the rest it cannot be sent again."""

# What curl sees to by itself, as --compressed and by the length of what it sends.
_OF_CURL = {"accept-encoding", "connection", "content-length"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PATTERNS = re.compile(r"[\[\]{}]")


@attrs.define(repr=False)
class Exchange:
    """
    One attempt to send a request, and its outcome.

    :param request: The request.
    :param redactor: What takes secrets out of it.
    :param fields: The headers of the response, each by itself.
    :param content: The body of the response, ``None`` if none came whole.
    :param failure: What went wrong, as a sentence.
    :param verify: Whether the certificate was checked, or the file or directory of the
        authorities trusted.
    :param cert: The file of the client's certificate, or those of certificate and key.
    """

    request: requests.PreparedRequest
    redactor: Redactor
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
        text = "\n".join(f"{label()} {line}".rstrip() for line in [self.curl(), *lines])
        text = _CONTROL.sub(lambda hit: f"\\x{ord(hit[0]):02x}", text)
        return text.encode("utf-8", "backslashreplace").decode()

    def curl(self) -> str:
        """The request as a command for a shell, its secrets masked."""
        request, body = self.request, self.request.body
        words = ["curl", "-i", *self._options(), self.redactor.url(str(request.url))]
        for name, value in request.headers.items():
            if name.lower() not in _OF_CURL or (name, value) == ("Content-Length", "0"):
                words += ["-H", f"{name}: {self.redactor.header(name, value)}"]
        if body:
            kind = _kind(request.headers)
            words += [] if kind else ["-H", "Content-Type:"]
            raw = body.encode() if isinstance(body, str) else body
            masked = self.redactor.body(raw, kind, named=self._last_name)
            words += ["--data-raw", _cut(masked, LONGEST_REQUEST)]
        return shlex.join(words)

    def _options(self) -> Iterator[str]:
        method, url = str(self.request.method), str(self.request.url)
        yield from ("--head",) if method == "HEAD" else ("-X", method)
        yield "--compressed"
        if _PATTERNS.search(url):
            yield "--globoff"
        if self.proxy:
            yield from ("--proxy", self.redactor.url(self.proxy))
        if not url.startswith("https:"):
            return
        if self.verify is False:
            yield "-k"
        elif isinstance(self.verify, str):
            yield from ("--capath" if Path(self.verify).is_dir() else "--cacert", self.verify)
        files = (self.cert,) if isinstance(self.cert, str) else self.cert or ()
        for option, file in zip(("--cert", "--key"), files, strict=False):
            yield from (option, file)

    @property
    def _last_name(self) -> str:
        """The name of the parameter whose value is the whole body."""
        return unquote(urlsplit(str(self.request.url)).path.rpartition("/")[2])

    def _response_lines(self, *, pretty: bool) -> Iterator[str]:
        if self.status is not None:
            length = "" if self.content is None else f", {len(self.content)} bytes"
            yield f"HTTP {self.status} after {self.seconds:.3f} s{length}"
            for name, value in self.fields:
                yield f"{name}: {self.redactor.header(name, value)}"
        if self.content:
            kind = _kind(CaseInsensitiveDict(self.fields))
            body = self.redactor.body(self.content, kind, named=self._last_name, pretty=pretty)
            yield from ("", _cut(body, LONGEST_RESPONSE))
        if self.failure is not None:
            yield f"failed after {self.seconds:.3f} s: {self.redactor.message(self.failure)}"


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip()


def _cut(text: str, limit: int) -> str:
    rest = len(text) - limit
    return f"{text[:limit]}... ({rest} more characters)" if rest > 0 else text
