"""Take secrets out of texts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST = 4
"""A secret of fewer characters is masked only where it is a word."""


class Mask:
    """Replaces secrets with ``***``, in whatever notation they are."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        notations = {text for secret in secrets if secret for text in _notations(secret)}
        longest_first = sorted(notations, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(_pattern, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """Replace the secrets in a text."""
        return self._pattern.sub(MASK, text)

    def finds(self, text: str) -> bool:
        """Tell whether a text holds a secret."""
        return bool(self._pattern.search(text))


def _notations(secret: str) -> Iterator[str]:
    yield from (secret, repr(secret)[1:-1])
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield from (quoted, re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted))
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (escaped, escaped.replace("/", "\\/"))
    for escaped in (html.escape(secret), html.escape(secret, quote=False)):
        yield from (escaped.replace("&#x27;", code) for code in ("&#x27;", "&#39;", "&apos;"))


def _pattern(text: str) -> str:
    literal = re.escape(text)
    return rf"(?<!\w){literal}(?!\w)" if len(text) < _SHORTEST else literal
