"""Requests that a program sends itself, by libcloud's connection, and their responses."""

from __future__ import annotations

import json as json_format
import re
from collections.abc import Iterable, Iterator, Mapping
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from libcloud.common.base import Response as LibcloudResponse
from requests.structures import CaseInsensitiveDict

from slipstream.errors import BadInput, shorten
from slipstream.transport.messages import Request, Response
from slipstream.transport.settings import MAX_BYTES
from slipstream.values.fields import check_number

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]

_ACCEPT = "application/xml, application/json;q=0.9, */*;q=0.1"
_URL = re.compile(r"[A-Za-z][\w+.-]*://")
_METHOD = re.compile(r"[A-Z]{1,20}")
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff\t]*")
_OURS = {"host", "cookie", "content-length", "transfer-encoding", "connection", "user-agent"}
_IN_PATHS = "/%:@!$&'()*+,;=~"


def request_of(
    action: str,
    *,
    method: str,
    params: Params | None,
    data: str | bytes | Mapping[str, Any] | None,
    json: object,
    headers: Mapping[str, Any] | None,
    retry: bool | None,
) -> Request:
    """The request that the arguments of libcloud's ``Connection.request`` describe."""
    path, query = _target(action, params)
    body, kind = _body(data, json)
    verb = str(method).upper()
    if not _METHOD.fullmatch(verb):
        raise BadInput(f"{shorten(str(method))!r} is not an HTTP method.")
    merged = CaseInsensitiveDict({"Accept": _ACCEPT} | ({"Content-Type": kind} if kind else {}))
    for name, value in (headers or {}).items():
        if not _NAME.fullmatch(str(name)) or not _VALUE.fullmatch(str(value)):
            raise BadInput(f"The header {shorten(str(name))!r} cannot be sent.")
        if str(name).lower() in _OURS:
            raise BadInput(f"The header {name} is the driver's own and cannot be passed.")
        merged[str(name)] = str(value).strip()
    return Request(
        method=verb,
        path=path,
        query=query,
        headers=dict(merged.items()),
        body=body,
        repeatable=verb in {"GET", "HEAD", "OPTIONS"} if retry is None else bool(retry),
    )


class DirectResponse(LibcloudResponse):
    """
    A response as libcloud's programs read it: ``status``, ``headers`` with names in small
    letters, ``body`` as text, and ``object``, which is JSON or XML parsed and otherwise the text.

    :param response: The response.
    :param connection: The connection that it came by.
    :raises MalformedAnswer: If it says that it is JSON or XML, and is not.
    """

    def __init__(self, response: Response, connection: Any) -> None:
        self.connection = connection
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.error = responses.get(response.status, "")
        self.body = response.text.strip()
        self._content = response.body
        self.object: Any = self.body
        kind = response.kind.lower()
        if self.body and "json" in kind:
            self.object = response.json()
        elif self.body and "xml" in kind and "html" not in kind:
            self.object = response.xml()

    def parse_body(self) -> Any:
        """What ``object`` is."""
        return self.object

    def success(self) -> bool:
        """Whether the status is one from 200 to 299."""
        return 200 <= self.status < 300

    def iter_content(self, chunk_size: int = 1, decode_unicode: bool = False) -> Iterator[Any]:
        """
        The body in pieces; it has been read whole.

        :param chunk_size: The length of a piece, in bytes or characters.
        :param decode_unicode: Whether to yield text.
        :raises BadInput: If the length is no whole number above 0.
        """
        check_number("chunk_size", chunk_size, least=1, most=MAX_BYTES, whole=True)
        whole = self._content.decode("utf-8", "replace") if decode_unicode else self._content
        for start in range(0, len(whole), chunk_size):
            yield whole[start : start + chunk_size]


def _target(action: str, params: Params | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    if not isinstance(action, str):
        raise TypeError(f"action must be a path, not {type(action).__name__}.")
    path, _, inline = action.partition("?")
    if _URL.match(path):
        raise BadInput(
            f"{shorten(path)!r} is not a path below the endpoint.",
            hint="Leave scheme and host out; they are those of the driver.",
        )
    more = urlencode(params if isinstance(params, Mapping) else list(params or ()), doseq=True)
    query = parse_qsl("&".join(filter(None, [inline, more])), keep_blank_values=True)
    return "/" + quote(path.lstrip("/"), safe=_IN_PATHS), tuple(query)


def _body(data: Any, json: object) -> tuple[bytes | None, str | None]:
    if json is not None:
        if data is not None:
            raise BadInput("data and json are both the body: pass one of them.")
        return json_format.dumps(json).encode(), "application/json"
    if isinstance(data, Mapping):
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    if isinstance(data, str):
        return data.encode(), None
    if data is not None and not isinstance(data, bytes):
        raise TypeError(f"data must be text, bytes or a dict, not {type(data).__name__}.")
    return data, None
