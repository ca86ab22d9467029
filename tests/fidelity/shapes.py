"""What two responses have to have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

_PATTERNS = (
    (re.compile(r"https?://[\w.-]+:\d+"), "<base>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<ts>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "<jwt>"),
    (re.compile(r"\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC)"), "<date>"),
)
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*(?:"|$)|[{}\[\],]')
HEADERS = ("Content-Type", "Location", "Set-Cookie")
"""The headers that clients read."""


@attrs.frozen
class Response:
    """A response, recorded or the sandbox's; a recording may hold the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: str
    is_cut: bool = False


def normalise(text: str) -> str:
    """Put placeholders for ids, times, tokens and addresses."""
    for pattern, placeholder in _PATTERNS:
        text = pattern.sub(placeholder, text)
    return text


def closed(text: str) -> str:
    """Close the JSON text that was cut, after the last member that is whole."""
    stack: list[str] = []
    comma, closing = 0, ""
    for match in _TOKEN.finditer(text):
        if match[0] in "{[":
            stack.insert(0, "}" if match[0] == "{" else "]")
        elif match[0] in "}]":
            stack.pop(0)
        elif match[0] == "," and stack:
            comma, closing = match.start(), "".join(stack)
    return text[:comma] + closing if stack else text


def form(message: str) -> str:
    """The part of an error text that says what kind of error it is."""
    message = re.split(r", :index|\}\]", normalise(message))[0]
    message = message.partition(" (whose UTF8")[0].partition("Expected one of")[0]
    if "defined schema:\n" in message:
        # What follows names Clojure's own specifications.
        return message.partition("\n\n")[0]
    return message


def shape(value: Any, path: str = "$") -> Iterator[str]:
    """The keys of a document, with the types of their values."""
    if isinstance(value, Mapping) and (not value or any("/" in key for key in value)):
        # The keys are ids: how many there are is data.
        yield from shape(list(value.values()), path)
    elif isinstance(value, Mapping):
        yield f"{path}: object"
        for key, inner in value.items():
            yield from shape(inner, f"{path}.{key}")
        if set(value) == {"rel", "href"}:
            yield f"{path}: rel {value['rel']}"
        if "resource-type" in value or set(value) == {"id", "state"}:
            yield f"{path}: state {value.get('state')}"
    elif isinstance(value, list):
        yield f"{path}: list" if value else f"{path}: list, empty"
        for inner in value:
            yield from shape(inner, f"{path}[]")
    else:
        names = {bool: "boolean", int: "number", float: "number", str: "string"}
        yield f"{path}: {names.get(type(value), 'null')}"


def without_empty(these: set[str], others: set[str]) -> tuple[set[str], set[str]]:
    """Leave out what is in a list that is empty on one side: how much there is, is data."""
    for side in (these, others):
        for line in [line for line in side if line.endswith(": list, empty")]:
            path = line.removesuffix(": list, empty")
            for both in (these, others):
                both -= {line for line in both if line.startswith((f"{path}[]", f"{path}: list"))}
    return these, others


def compared(old: set[str], new: set[str]) -> Iterator[str]:
    yield from (f"lacks {line}" for line in sorted(old - new))
    yield from (f"has {line}" for line in sorted(new - old))


def _read_cut(text: str) -> Any:
    """Read as much of a JSON text as there is."""
    document = json.loads(closed(text))
    match = re.search(r'"message" : "((?:\\.|[^"\\])*)\\?$', text)
    if match:
        document["message"] = json.loads(f'"{match[1]}"', strict=False)
    return document


def _bodies(recorded: Response, played: Response) -> Iterator[str]:
    if not recorded.body or "json" not in recorded.headers.get("Content-Type", ""):
        if normalise(recorded.body) != normalise(played.body):
            yield f"the body is {played.body[:60]!r}, not {recorded.body[:60]!r}"
        return
    was = _read_cut(recorded.body) if recorded.is_cut else json.loads(recorded.body)
    try:
        now = json.loads(played.body)
    except ValueError:
        yield "the body is not JSON"
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        old, new = (form(str(document.get("message", ""))) for document in (was, now))
        if recorded.is_cut and len(old) > 100:
            new = new[: len(old)]
        if old != new:
            yield f"the message is {new!r}, not {old!r}"
    old_shape, new_shape = without_empty(set(shape(was)), set(shape(now)))
    lines = compared(old_shape, new_shape)
    yield from (line for line in lines if line.startswith("lacks") or not recorded.is_cut)


def differences(recorded: Response, played: Response) -> list[str]:
    """Compare a response with the recorded one; nothing is different if they agree."""
    reasons = []
    if recorded.status != played.status:
        reasons.append(f"the status is {played.status}, not {recorded.status}")
    for name in HEADERS:
        old, new = (normalise(response.headers.get(name, "")) for response in (recorded, played))
        if name == "Set-Cookie":
            # On purpose: over http the sandbox's cookie is not for https alone.
            old, new = (text.replace("; Secure", "") for text in (old, new))
        if old != new:
            reasons.append(f"{name} is {new!r}, not {old!r}")
    return [*reasons, *_bodies(recorded, played)]
