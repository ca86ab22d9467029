"""Secrets that are known by their looks, wherever they stand."""

from __future__ import annotations

import re
from typing import Final

from slipstream.redaction.values import SHAPES
from slipstream.testing.names import EMAIL, SCRUBBED

SECRET_SHAPES: Final[dict[str, re.Pattern[str]]] = {
    **SHAPES,
    "a bearer token": re.compile(r"(?i)\b(?<=bearer )(?!SCRUBBED)[\w.~+/=-]{8,}"),
    "a basic login": re.compile(r"(?i)\b(?<=basic )(?!SCRUBBED)[A-Za-z0-9+/]{8,}={0,2}"),
}
"""What each shape is called in a report, and how it is recognised."""

EMAIL_ADDRESS: Final = re.compile(
    r"(?<![\w.+-])[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)(?:[\w-]+\.)+[A-Za-z]{2,}\b",
)
"""An address of e-mail outside the domains kept for examples (RFC 2606)."""


def without_secrets(text: str) -> str:
    """Put placeholders where secrets of a known shape stand.

    :param text: any text that is not itself JSON or XML, where a cut-off key would take the
        closing quotes along.
    :returns: the text with :data:`~slipstream.testing.names.SCRUBBED` in place of each.
    """
    for pattern in SECRET_SHAPES.values():
        text = pattern.sub(SCRUBBED, text)
    return EMAIL_ADDRESS.sub(EMAIL, text)
