"""Secrets in text that no parser reads: prose, settings, documents cut short."""

from __future__ import annotations

import re

from slipstream.redaction.names import NAMING, announces_secret, squeezed
from slipstream.redaction.values import MASK

_USER = re.compile(r"(?<=://)[^\s/?#\"'<>]*@")

# The quantifiers are possessive: an answer of megabytes has to be read in one go.
_NAME = re.compile(
    r"(?<![\w.\-])(?P<name>[\w.\-]++)"
    r"(?:\\*+[\"']?+[ \t]*+(?:=>|[=:])[ \t]*+\\*+|(?P<apart>[ \t]++))"
)
_QUOTED = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+')(?=[\s,;&)}\]>]|\Z)",
    re.DOTALL,
)
_LINE = re.compile(r"[^\r\n]*+")
_GOES_ON = re.compile(r"[|>][\d+\-]*|[\"'\[{(].*|")
_ITS_NAME = re.compile(r"[\"']?(?P<name>[\w.\-]+)")


def mask_assigned(text: str) -> str:
    """
    Mask users in addresses, and what follows a name that announces a secret.

    That ends with the quote that began it, or else with the line. Where it goes on below, and
    where the name is itself a value that another one belongs to, the rest of the text goes.

    :param text: Any text.
    :returns: The text without what was assigned to such a name.
    """
    text = _USER.sub(f"{MASK}@", text)
    masked, position = [], 0
    for hit in _NAME.finditer(text):
        if hit.start() >= position and (secret := _secret_after(hit)):
            masked += [text[position : secret[0]], MASK]
            position = secret[1]
    return "".join([*masked, text[position:]])


def _secret_after(hit: re.Match[str]) -> tuple[int, int] | None:
    """Where the secret after a name begins and ends, if there is one."""
    text, name, end = hit.string, hit["name"], hit.end()
    if not hit["apart"] and squeezed(name) in NAMING:
        named = _ITS_NAME.match(text, end)
        if named and announces_secret(named["name"]):
            return named.end(), len(text)
    # Options of a command, and the keywords that servers written in Clojure quote.
    apart_counts = name.startswith("--") or text.endswith(":", 0, hit.start())
    if not announces_secret(name) or (hit["apart"] and not apart_counts):
        return None
    return end, _end_of_value(text, end)


def _end_of_value(text: str, start: int) -> int:
    if quoted := _QUOTED.match(text, start):
        return quoted.end()
    line = _LINE.match(text, start)
    if line is None or _GOES_ON.fullmatch(line[0].strip()):
        return len(text)
    return line.end()
