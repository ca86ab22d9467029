"""
Drive a server's own client, SlipStream's or Nuvla's, one JSON command a line.

It runs in the interpreter of the client's environment, reads commands from its standard input and
writes one response for each to its standard output. The client's files stay as they were
published; what SlipStream's misses on a modern Python is put back before it is loaded.
"""

from __future__ import annotations

import itertools
import json
import pkgutil
import sys
import time
import types
import uuid
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from requests import Response

# The client prints what it could not do; the responses are written elsewhere.
_RESPONSES, sys.stdout = sys.stdout, sys.stderr
# It pauses for real while a log is fetched, and the sandbox's clock does not move by itself.
time.sleep = lambda _: None
if find_spec("nuvla"):
    api = import_module("nuvla.api")
else:
    # The C elements cannot be given a method; without them the ones written in Python are used.
    sys.modules["_elementtree"] = None  # type: ignore[assignment]
    from xml.etree import ElementTree as ET

    # Dropped from Python 3.9, and looked up by the client before it chooses "iter".
    ET.Element.getiterator = ET.Element.iter  # type: ignore[attr-defined]
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    api = import_module("slipstream.api")

_HELD: dict[str, Any] = {}
_NAMES = itertools.count()
_TAGS: tuple[tuple[type, str, Any], ...] = (
    (bytes, "$bytes", bytes.decode),
    (uuid.UUID, "$uuid", str),
    (set, "$set", sorted),
)


def _hold(value: Any) -> str:
    name = f"held-{next(_NAMES)}"
    _HELD[name] = value
    return name


def _plain(value: Any) -> Any:
    """Turn a result into what JSON can say, with tags where a type would be lost."""
    if hasattr(value, "resources_list"):
        return {"json": value.json, "resources": [item.json for item in value.resources_list]}
    if isinstance(value, api.models.CimiResponse):
        is_nuvla = hasattr(value, "data")
        return {"$resource": value.data} if is_nuvla else {"json": value.json}
    if isinstance(value, Response):
        headers = {name.lower(): text for name, text in value.headers.items()}
        return {"status": value.status_code, "headers": headers, "json": value.json()}
    for kind, tag, write in _TAGS:
        if isinstance(value, kind):
            return {tag: write(value)}
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, list | tuple | types.GeneratorType):
        return [_plain(item) for item in value]
    return {"$api": _hold(value)} if type(value).__module__.startswith("nuvla.") else value


def _restored(value: dict[str, Any]) -> Any:
    if "$api" in value:
        return _HELD[value["$api"]]
    return api.models.CimiResource(value["$resource"]) if "$resource" in value else value


def _view(name: str) -> Any:
    """Find the client's view on one type of resource."""
    views = import_module("nuvla.api.resources")
    for info in pkgutil.iter_modules(views.__path__, f"{views.__name__}."):
        if view := getattr(import_module(info.name), name, None):
            return view
    raise LookupError(name)


def _carry_out(command: dict[str, Any]) -> Any:
    args, kwargs, name = command.get("args", []), command["kwargs"], command["api"]
    if command["do"] == "call":
        attribute = getattr(_HELD[name], command["name"])
        return _plain(attribute(*args, **kwargs) if callable(attribute) else attribute)
    make = api.Api if command["do"] == "open" else _view(command["kind"])
    _HELD[name] = make(*args, **kwargs)
    return None


def _respond(line: str) -> dict[str, Any]:
    try:
        return {"result": _carry_out(json.loads(line, object_hook=_restored))}
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the response
        status = getattr(getattr(error, "response", None), "status_code", None)
        return {"error": type(error).__name__, "message": str(error), "status": status}


for _line in sys.stdin:
    print(json.dumps(_respond(_line)), file=_RESPONSES, flush=True)
