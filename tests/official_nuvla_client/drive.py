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
from importlib.metadata import version
from typing import Any

from nuvla.api import Api, models, resources  # type: ignore[import-not-found]
from requests import Response

# The client prints what it could not do; the answers are written elsewhere.
_ANSWERS, sys.stdout = sys.stdout, sys.stderr
# It pauses for real while a log is fetched, and the sandbox's clock does not move by itself.
time.sleep = lambda _: None
_HELD: dict[str, Any] = {}
_NAMES = itertools.count()


def _classes() -> Iterator[type]:
    for found in pkgutil.iter_modules(resources.__path__):
        module = import_module(f"{resources.__name__}.{found.name}")
        for _, one in inspect.getmembers(module, inspect.isclass):
            if one.__module__ == module.__name__ and not issubclass(one, Exception):
                yield one


_KINDS = {one.__name__: one for one in _classes()}
# The builders add to lists that all of them share: each begins with them as they were.
_SHARED = {
    (kind, name): tuple(value)
    for kind in _KINDS.values()
    for name, value in vars(kind).items()
    if isinstance(value, list)
}


def _kept(one: Any) -> str:
    name = f"kept-{next(_NAMES)}"
    _HELD[name] = one
    return name


def _plain(value: Any) -> Any:
    """Turn a result into what JSON can say, with tags where a type would be lost."""
    if isinstance(value, models.CloudEntryPoint):
        return {"base-uri": value.base_uri, "collections": value.collections}
    if isinstance(value, models.CimiResponse):
        return {"$resource": value.data}
    if isinstance(value, (Api, *_KINDS.values())):
        return {"$api": _kept(value)}
    if isinstance(value, Response):
        return {"status": value.status_code, "headers": dict(value.headers), "json": value.json()}
    if isinstance(value, bytes):
        return {"$bytes": value.decode()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _restored(value: dict[str, Any]) -> Any:
    if "$api" in value:
        return _HELD[value["$api"]]
    return models.CimiResource(value["$resource"]) if "$resource" in value else value


def _public(kind: type) -> Iterator[tuple[str, str]]:
    for name, one in inspect.getmembers(kind):
        found = one.fget if isinstance(one, property) else one
        if not name.startswith("_") and hasattr(found, "__qualname__"):
            yield name, found.__qualname__.removeprefix("Api.")


def _every_call() -> list[str]:
    return sorted({name for kind in (Api, *_KINDS.values()) for _, name in _public(kind)})


def _call(command: dict[str, Any]) -> Any:
    found = getattr(_HELD[command["api"]], command["name"])
    return found(*command["args"], **command["kwargs"]) if callable(found) else found


def _make(command: dict[str, Any]) -> None:
    for (kind, name), value in _SHARED.items():
        setattr(kind, name, list(value))
    made = _KINDS[command["kind"]](*command["args"], **command["kwargs"])
    _HELD[command["api"]] = made


def _open(command: dict[str, Any]) -> None:
    _HELD[command["api"]] = Api(**command["kwargs"])


_COMMANDS: dict[str, Any] = {
    "public": lambda _: _every_call(),
    "version": lambda _: version("nuvla-api"),
    "open": _open,
    "make": _make,
    "call": _call,
}


def _called(command: dict[str, Any]) -> str | None:
    """Name what was called by the class that defines it."""
    if command["do"] != "call":
        return None
    return dict(_public(type(_HELD[command["api"]])))[command["name"]]


def _told(error: Exception) -> dict[str, Any]:
    response = getattr(error, "response", None)
    status = None if response is None else response.status_code
    return {"error": type(error).__name__, "message": str(error), "status": status}


def _answer(line: str) -> dict[str, Any]:
    command = json.loads(line, object_hook=_restored)
    try:
        return {"result": _plain(_COMMANDS[command["do"]](command)), "called": _called(command)}
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the answer
        return _told(error)


for _line in sys.stdin:
    print(json.dumps(_answer(_line)), file=_ANSWERS, flush=True)
