from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.values import safe_text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("no such module: é, 日本, \\n", "no such module: é, 日本, \\n"),
        ("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree"),
        ("\x1b[31mred\x9b0m\x7f", "\\x1b[31mred\\x9b0m\\x7f"),
        ("a\u2028b\u202ec\ufeff", "a\\u2028b\\u202ec\\ufeff"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_safe_text_escapes_what_a_terminal_or_a_log_would_act_upon(text: str, safe: str) -> None:
    assert safe_text(text) == safe


def test_safe_text_cuts_long_texts_and_shows_it() -> None:
    assert safe_text("x" * 500) == "x" * 500
    assert safe_text("x" * 60_000) == "x" * 499 + "…"
    assert safe_text("abcdef", limit=4) == "abc…"


@given(st.text(st.characters()), st.integers(1, 50))
def test_safe_text_is_one_short_line_that_can_be_encoded(text: str, limit: int) -> None:
    safe = safe_text(text, limit)
    assert len(safe) <= limit
    assert len(safe.splitlines()) <= 1
    assert safe.encode().decode() == safe
    assert safe_text(safe, limit) == safe
