"""
Drive SlipStream's own client, one JSON command a line.

It runs in the interpreter of the client's environment, reads commands from its standard input and
writes one answer for each to its standard output. The client's files stay as they were published;
what it misses on a modern Python is put back before it is loaded.
"""

from __future__ import annotations

import json
import sys
import types
import uuid
import warnings
from typing import Any

# The C elements cannot be given a method; without them the ones written in Python are used.
sys.modules["_elementtree"] = None  # type: ignore[assignment]
from xml.etree import ElementTree as ET  # noqa: E402

# Dropped from Python 3.9, and looked up by the client before it chooses "iter".
ET.Element.getiterator = ET.Element.iter  # type: ignore[attr-defined]
warnings.filterwarnings("ignore", message="pkg_resources is deprecated")

from requests import Response  # noqa: E402
from slipstream.api import Api, models  # type: ignore[import-not-found]  # noqa: E402

_APIS: dict[str, Any] = {}


def _plain(value: Any) -> Any:
    """Turn a result into what JSON can say, with tags where a type would be lost."""
    if isinstance(value, models.CimiCollection):
        resources = [resource.json for resource in value.resources_list]
        return {"json": value.json, "resources": resources}
    if isinstance(value, models.CimiResponse):
        return {"json": value.json}
    if isinstance(value, Response):
        headers = {name.lower(): text for name, text in value.headers.items()}
        return {"status": value.status_code, "headers": headers, "json": value.json()}
    for kind, tag, write in _TAGS:
        if isinstance(value, kind):
            return {tag: write(value)}
    return _contained(value)


_TAGS: tuple[tuple[type, str, Any], ...] = (
    (bytes, "$bytes", bytes.decode),
    (uuid.UUID, "$uuid", str),
    (set, "$set", sorted),
)


def _contained(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, (list, types.GeneratorType)):
        return [_plain(item) for item in value]
    return value


def _failure(error: Exception) -> dict[str, Any]:
    response = getattr(error, "response", None)
    status = None if response is None else response.status_code
    return {"error": type(error).__name__, "message": str(error), "status": status}


def _carry_out(command: dict[str, Any]) -> Any:
    args, kwargs = command.get("args", []), command.get("kwargs", {})
    if command["do"] == "open":
        _APIS[command["api"]] = Api(**kwargs)
        return None
    attribute = getattr(_APIS[command["api"]], command["name"])
    return _plain(attribute(*args, **kwargs) if callable(attribute) else attribute)


def _respond(line: str) -> dict[str, Any]:
    try:
        return {"result": _carry_out(json.loads(line))}
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the answer
        return _failure(error)


for _line in sys.stdin:
    print(json.dumps(_respond(_line)), flush=True)
