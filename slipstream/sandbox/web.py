"""Reading a request of a JSON service, in both families."""

from __future__ import annotations

import gzip
import io
from typing import Any

from flask import json, request

from slipstream.sandbox.problems import MalformedJson
from slipstream.sandbox.server import LARGEST_BODY

FORM = "application/x-www-form-urlencoded"
METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]


def base_url() -> str:
    """Tell the address of the server as the client sees it."""
    headers = request.headers
    host = headers.get("X-Forwarded-Host") or request.host
    if "X-Forwarded-Host" in headers and "X-Forwarded-Port" in headers:
        host = f"{host}:{headers['X-Forwarded-Port']}"
    return f"{headers.get('X-Forwarded-Proto') or request.scheme}://{host}"


def query_fields() -> dict[str, list[str]]:
    """Collect the parameters of the address and of a form body."""
    fields = {name: request.args.getlist(name) for name in request.args}
    if request.headers.get("Content-Type") == FORM:
        for name in request.form:
            fields[name] = [*fields.get(name, []), *request.form.getlist(name)]
    return fields


def unpacked(content: bytes) -> bytes:
    """
    Unpack a body that was packed by gzip.

    :param content: The body.
    :returns: What was packed.
    :raises OSError: If it is not packed, or more than a body may be.
    """
    with gzip.open(io.BytesIO(content)) as packed:
        body = packed.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise OSError("The body is too large.")
    return body


def json_body(content: bytes | None = None) -> Any:
    """
    Read the JSON that was sent.

    :param content: The body, if it is not the request's as it came.
    :returns: The document; an empty one if nothing was sent.
    :raises MalformedJson: If it is no JSON.
    """
    content = request.data if content is None else content
    if not content:
        return {}
    try:
        return json.loads(content)
    except ValueError:
        raise MalformedJson from None
