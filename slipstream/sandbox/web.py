"""Reading a request of a JSON service, in both families."""

from __future__ import annotations

import zlib
from typing import Any

from flask import request
from werkzeug.datastructures import CombinedMultiDict, MultiDict

from slipstream.sandbox.server import LARGEST_BODY

FORM = "application/x-www-form-urlencoded"
WORLD_KEY = "slipstream.sandbox.world"


def current_world() -> Any:
    """The world that a request is for: one application serves the worlds of all sandboxes."""
    return request.environ[WORLD_KEY]


def base_url() -> str:
    """Tell the address of the server as the client sees it."""
    headers = request.headers
    host = headers.get("X-Forwarded-Host") or request.host
    if "X-Forwarded-Host" in headers and "X-Forwarded-Port" in headers:
        host = f"{host}:{headers['X-Forwarded-Port']}"
    return f"{headers.get('X-Forwarded-Proto') or request.scheme}://{host}"


def query_fields(form: MultiDict[str, str] | None) -> dict[str, list[str]]:
    """Collect the parameters of the address and of a form, if the body is one."""
    return dict(CombinedMultiDict([request.args, form or MultiDict()]).lists())


def unpacked(content: bytes) -> bytes:
    """Unpack a body that was packed by gzip; an OSError if it is not, or is too large."""
    reader = zlib.decompressobj(wbits=31)
    try:
        body = reader.decompress(content, LARGEST_BODY)
    except zlib.error as error:
        raise OSError("The body is not packed by gzip.") from error
    if not reader.eof:
        raise OSError("The body is too large, or not whole.")
    return body
