"""Texts without the secrets that were given."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipstream.redaction.values import MASK, SHORTEST, written


class Mask:
    """
    Puts ``***`` in the place of secrets.

    :param secrets: The secrets; short ones are only found as words of their own.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        texts = [secret for secret in secrets if secret]
        forms = {form for text in texts for form in (*written(text), repr(text)[1:-1])}
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


def _pattern(form: str) -> str:
    literal = re.escape(form)
    return rf"(?<!\w){literal}(?!\w)" if len(form) < SHORTEST else literal
