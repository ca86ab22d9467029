"""Texts without the secrets that were given."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORT = 4


class Mask:
    """
    Puts ``***`` in the place of secrets.

    :param secrets: The secrets; short ones are only found as words of their own.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._found = re.compile("|".join(map(_pattern, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """
        Take the secrets out of a text.

        :param text: Any text.
        :returns: The text with the mask where a secret stood, in whatever notation.
        """
        return self._found.sub(MASK, text)

    def finds(self, text: str) -> bool:
        """
        Tell whether a text holds a secret.

        :param text: Any text.
        """
        return bool(self._found.search(text))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]


def _pattern(form: str) -> str:
    literal = re.escape(form)
    return rf"(?<!\w){literal}(?!\w)" if len(form) < _SHORT else literal
