"""Writing JSON so that people can read a change in it, and no longer than it has to be."""

from __future__ import annotations

import json
from typing import Any, Final

WIDTH: Final = 96


def pretty(value: Any, depth: int = 0) -> str:
    """Write a document with one line for each part that fits into one.

    :param value: the parsed document.
    :param depth: how far it is indented already.
    :returns: JSON that reads back as the same document.
    """
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + depth <= WIDTH or not isinstance(value, dict | list) or not value:
        return short
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {pretty(item, depth + 1)}"
            for key, item in value.items()
        ]
    else:
        parts = [pretty(item, depth + 1) for item in value]
    indent = " " * (depth + 1)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{indent}" + f",\n{indent}".join(parts) + f"\n{indent[1:]}{closing}"
