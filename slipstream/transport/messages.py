"""HTTP requests and answers as values."""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Mapping
from typing import Any

import attrs

from slipstream.errors import MalformedAnswer
from slipstream.transport import clock

_REQUEST_IDS = ("X-Request-Id", "X-Correlation-Id")
_PLAIN_ID = re.compile(r"[\w.:=+/-]{1,200}")


@attrs.frozen(kw_only=True)
class Request:
    """
    One request.

    :param method: The HTTP method.
    :param path: The path below the endpoint, percent-encoded, starting with a slash.
    :param query: Names and values of the query.
    :param headers: Headers beside those that every request has.
    :param body: The body.
    :param repeatable: Whether sending it twice does no more than sending it once.
    :param reads: Whether it changes nothing; what the method says, when left out.
    :param read_timeout: Seconds to wait for the answer, when not the usual ones.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | None = attrs.field(default=None, repr=False)
    repeatable: bool = False
    reads: bool = attrs.field()
    read_timeout: float | None = None

    @reads.default
    def _reads(self) -> bool:
        return self.method in {"GET", "HEAD", "OPTIONS"}


@attrs.frozen(kw_only=True)
class Response:
    """
    One answer.

    :param status: The HTTP status.
    :param headers: The headers, whatever their case.
    :param body: The body, decompressed.
    :param url: The address that answered, without its query.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    url: str

    @property
    def text(self) -> str:
        """The body as text; every server of the family writes UTF-8."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """
        The body as JSON.

        :raises MalformedAnswer: If it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise MalformedAnswer(
                f"The answer is not JSON as expected ({self.kind}, {len(self.body)} bytes).",
                endpoint=self.url,
            ) from None

    @property
    def kind(self) -> str:
        """The media type, for messages."""
        return self.headers.get("Content-Type", "no content type").split(";")[0]

    @property
    def request_id(self) -> str | None:
        """
        The name that the server, or a proxy before it, has given the request.

        Neither family gives one by itself; ``X-Request-Id`` is what the usual proxies add.
        """
        for header in _REQUEST_IDS:
            text = self.headers.get(header, "").strip()
            if _PLAIN_ID.fullmatch(text):
                return text
        return None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, ``None`` if it names none that makes sense."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        return max(0.0, moment.timestamp() - clock.now())
