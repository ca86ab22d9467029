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
from importlib.metadata import version
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
        resources = [one.json for one in value.resources_list]
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
        return {name: _plain(one) for name, one in value._asdict().items()}
    if isinstance(value, (list, types.GeneratorType)):
        return [_plain(one) for one in value]
    return value


def _told(error: Exception) -> dict[str, Any]:
    response = getattr(error, "response", None)
    status = None if response is None else response.status_code
    return {"error": type(error).__name__, "message": str(error), "status": status}


def _public() -> list[str]:
    constants = {name for name in dir(Api) if name.isupper()}
    return [name for name in dir(Api) if not name.startswith("_") and name not in constants]


def _carry_out(command: dict[str, Any]) -> Any:
    if command["do"] == "public":
        return _public()
    if command["do"] == "version":
        return version("slipstream-api")
    args, kwargs = command.get("args", []), command.get("kwargs", {})
    if command["do"] == "open":
        _APIS[command["api"]] = Api(**kwargs)
        return None
    found = getattr(_APIS[command["api"]], command["name"])
    return _plain(found(*args, **kwargs) if callable(found) else found)


def _answer(line: str) -> dict[str, Any]:
    try:
        return {"result": _carry_out(json.loads(line))}
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the answer
        return _told(error)


for _line in sys.stdin:
    print(json.dumps(_answer(_line)), flush=True)
