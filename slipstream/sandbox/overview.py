"""The rows of the dashboard, and the page of a blog."""

from __future__ import annotations

from html import escape
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
"""What a line of a table shows. Its tone is ``moving``, ``good``, ``bad`` or ``over``."""


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
    return _BLOG.format(title=escape(title))
