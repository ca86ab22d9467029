"""Pages that the sandbox shows in place of what was deployed."""

from __future__ import annotations

from html import escape


def blog(title: str) -> str:
    """Write the page of a blog."""
    escaped = escape(title)
    return (
        f"<!DOCTYPE html>\n<html><head><title>{escaped}</title></head>"
        f"<body><h1>{escaped}</h1><p>Just another WordPress site</p></body></html>\n"
    )
