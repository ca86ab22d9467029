from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NASTY = [
    *("'", '"', "/", " ", "%", "..", ".", "%2e%2e", "%2F", "?", "#", "&", "=", ";", "\\", "<"),
    *(">", "]]>", "--", ",", "+", "$", "żółw", "名前", "🐢", "é", "e\u0301", "\u202e", "\ufeff"),
    *("\x00", "\n", "\r", "\t", "\x7f", "\ud800", "\ufffe", '" or resource:type="VM'),
    *("' or '1'='1", "{0}", "%s", "admin", "1"),
]
names = st.one_of(
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=6).map("".join),
    st.text(min_size=1, max_size=30),
    st.sampled_from(NASTY).map(lambda text: (text * 10_000)[:10_000]),
)
"""Names with quotes, slashes, blanks, percent signs, dots, other scripts, and very long ones."""

strangers = names.map(lambda name: f"{name}~")
"""The same, made sure to be no name that exists."""
