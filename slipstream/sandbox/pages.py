"""Pages that the sandbox shows in place of what was deployed."""

from __future__ import annotations

from html import escape

_BLOG = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/sandbox/dashboard.css">
</head>
<body class="stand-in">
<main>
<h1>{title}</h1>
<p class="note"><strong>This page is a stand-in.</strong> The sandbox shows it at the address of
what was deployed. No machine was started, and there is no WordPress here.</p>
<p><a href="/">Back to the dashboard of the sandbox</a></p>
</main>
</body>
</html>
"""


def blog(title: str) -> str:
    """Write the page of a blog."""
    return _BLOG.format(title=escape(title))
