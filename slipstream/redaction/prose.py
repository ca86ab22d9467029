"""Secrets in text that no parser reads: prose, settings, documents cut short."""

from __future__ import annotations

import re

from slipstream.redaction.policy import Policy
from slipstream.redaction.values import AUTHORIZATION, SHAPES
from slipstream.values.plain import NAMING, squeezed

_USER = re.compile(r"(?<=://)([^\s/?#\"'<>]*)@")

# The quantifiers are possessive: a response of megabytes has to be read in one go.
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
_WORD = re.compile(r"[\w.\-]+")
_TAG = re.compile(r"<[^<>]*>?(?:\s*+[\w.\-:]++\s*+(?=<|\Z))?+")


def replace_shapes(text: str, policy: Policy) -> str:
    """Replace private keys, web tokens, and what else is a secret by its looks."""
    for pattern in SHAPES:
        text = pattern.sub(lambda hit: policy.replace(hit[0]), text)
    text = AUTHORIZATION.sub(lambda hit: f"{hit[1]} {policy.replace(hit[0])}", text)
    for pattern, replacement in policy.shapes:
        text = pattern.sub(replacement, text)
    return text


def markup_announces_secret(text: str, policy: Policy) -> bool:
    """Tell whether a tag of XML or HTML that is not well formed announces a secret."""
    return any(
        policy.announces(word) for tag in _TAG.finditer(text) for word in _WORD.findall(tag[0])
    )


def replace_assigned(text: str, policy: Policy) -> str:
    """
    Replace users in addresses, and what follows a name that announces a secret.

        That ends with the quote that began it, or else with the line. Where it goes on below, and
        where the name is itself a value that another one belongs to, the rest of the text goes.
    """
    text = _USER.sub(lambda hit: f"{policy.replace(hit[1])}@", text)
    parts, position = [], 0
    for hit in _NAME.finditer(text):
        if hit.start() >= position and (secret := _secret_after(hit, policy)):
            start, end = secret
            parts += [text[position:start], policy.replace(text[start:end])]
            position = end
    return "".join([*parts, text[position:]])


def _secret_after(hit: re.Match[str], policy: Policy) -> tuple[int, int] | None:
    """Where the secret after a name begins and ends, if there is one."""
    text, name, end = hit.string, hit["name"], hit.end()
    if not hit["apart"] and squeezed(name) in NAMING:
        named = _ITS_NAME.match(text, end)
        if named and policy.announces(named["name"]):
            return named.end(), len(text)
    # Options of a command, and the keywords that servers written in Clojure quote.
    apart_counts = name.startswith("--") or text.endswith(":", 0, hit.start())
    if not policy.announces(name) or (hit["apart"] and not apart_counts):
        return None
    if placeholder := policy.placeholder.match(text, end + (text[end : end + 1] in {'"', "'"})):
        return placeholder.span()
    return end, _end_of_value(text, end)


def _end_of_value(text: str, start: int) -> int:
    if quoted := _QUOTED.match(text, start):
        return quoted.end()
    line = _LINE.match(text, start)
    if line is None or _GOES_ON.fullmatch(line[0].strip()):
        return len(text)
    return line.end()
