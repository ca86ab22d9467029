"""
Drive Nuvla's own client, one JSON command a line.

It runs in the interpreter of the client's environment, reads commands from its standard input and
writes one answer for each to its standard output. The client's files stay as they were published.
"""

from __future__ import annotations

import inspect
import itertools
import json
import pkgutil
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from nuvla.api import Api, models, resources  # type: ignore[import-not-found]
from requests import Response

# The client prints what it could not do; the responses are written elsewhere.
_RESPONSES, sys.stdout = sys.stdout, sys.stderr
# It pauses for real while a log is fetched, and the sandbox's clock does not move by itself.
time.sleep = lambda _: None
_HELD: dict[str, Any] = {}
_NAMES = itertools.count()


def _classes() -> Iterator[type]:
    for info in pkgutil.iter_modules(resources.__path__):
        module = import_module(f"{resources.__name__}.{info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__ and not issubclass(cls, Exception):
                yield cls


_KINDS = {cls.__name__: cls for cls in _classes()}


def _hold(value: Any) -> str:
    name = f"held-{next(_NAMES)}"
    _HELD[name] = value
    return name


def _plain(value: Any) -> Any:
    """Turn a result into what JSON can say, with tags where a type would be lost."""
    if isinstance(value, models.CloudEntryPoint):
        return {"base-uri": value.base_uri, "collections": value.collections}
    if isinstance(value, models.CimiResponse):
        return {"$resource": value.data}
    if isinstance(value, (Api, *_KINDS.values())):
        return {"$api": _hold(value)}
    if isinstance(value, Response):
        return {"status": value.status_code, "headers": dict(value.headers), "json": value.json()}
    if isinstance(value, bytes):
        return {"$bytes": value.decode()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _restored(value: dict[str, Any]) -> Any:
    if "$api" in value:
        return _HELD[value["$api"]]
    return models.CimiResource(value["$resource"]) if "$resource" in value else value


def _call(command: dict[str, Any]) -> Any:
    attribute = getattr(_HELD[command["api"]], command["name"])
    return attribute(*command["args"], **command["kwargs"]) if callable(attribute) else attribute


def _make(command: dict[str, Any]) -> None:
    _HELD[command["api"]] = _KINDS[command["kind"]](*command["args"], **command["kwargs"])


def _open(command: dict[str, Any]) -> None:
    _HELD[command["api"]] = Api(**command["kwargs"])


_COMMANDS: dict[str, Any] = {
    "open": _open,
    "make": _make,
    "call": _call,
}


def _failure(error: Exception) -> dict[str, Any]:
    response = getattr(error, "response", None)
    status = None if response is None else response.status_code
    return {"error": type(error).__name__, "message": str(error), "status": status}


def _respond(line: str) -> dict[str, Any]:
    command = json.loads(line, object_hook=_restored)
    try:
        return {"result": _plain(_COMMANDS[command["do"]](command))}
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the answer
        return _failure(error)


for _line in sys.stdin:
    print(json.dumps(_respond(_line)), file=_RESPONSES, flush=True)
