"""Secrets that are known by their looks, wherever they stand."""

from __future__ import annotations

import re
from typing import Final

from slipstream.testing.names import EMAIL, SCRUBBED

SECRET_SHAPES: Final[dict[str, re.Pattern[str]]] = {
    "a private key": re.compile(
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        re.DOTALL,
    ),
    "a JSON web token": re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?"),
    "a bearer token": re.compile(r"(?i)\b(?<=bearer )(?!SCRUBBED)[\w.~+/=-]{8,}"),
    "a basic login": re.compile(r"(?i)\b(?<=basic )(?!SCRUBBED)[A-Za-z0-9+/]{8,}={0,2}"),
    # Five groups of six from an alphabet without look-alikes: SlipStreamServer and the Nuvla
    # api-server, credential/key_utils.clj.
    "an API key's secret": re.compile(
        r"(?<![\w.])[2-9A-HJ-NP-Za-km-z]{6}(?:\.[2-9A-HJ-NP-Za-km-z]{6}){4}(?![\w.])",
    ),
    "an AWS access key": re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
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
