"""Characters that a text may not hold, and how a server's text is made safe to show."""

from __future__ import annotations

import re
from typing import Final

CONTROL_CHARACTERS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, line ends, and code points that are no characters: not for a name."""

NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""
What no XML document can hold (XML 1.0, production 2).

A server that accepts such a value cannot write the document any more in which it stands.
"""

# Marks that turn the direction of the text around them could make a line read as another one.
_UNSAFE = re.compile(
    CONTROL_CHARACTERS.pattern + r"|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def safe_text(text: str, limit: int = 500) -> str:
    r"""
    Make a server's text safe for messages, warnings and log lines.

    :param text: Any text.
    :param limit: Characters that the result may have.
    :returns: The text on one line: control characters are written as ``\n`` or ``\x1b``, and what
        is longer than the limit is cut and ends with ``…``.
    """
    safe = _UNSAFE.sub(_escaped, text[: limit + 1])
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _escaped(hit: re.Match[str]) -> str:
    return hit[0].encode("unicode_escape").decode("ascii")
