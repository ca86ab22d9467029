"""Pages that the sandbox shows in place of what was deployed."""

from __future__ import annotations

from html import escape


def blog(title: str) -> str:
    """
    Write the page of a blog.

    :param title: Its title.
    :returns: The HTML.
    """
    shown = escape(title)
    return (
        f"<!DOCTYPE html>\n<html><head><title>{shown}</title></head>"
        f"<body><h1>{shown}</h1><p>Just another WordPress site</p></body></html>\n"
    )
