"""How the documents are built; see CONTRIBUTING.md for the command."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "slipstream-libcloud-driver"
author = "the slipstream-libcloud-driver authors"
copyright = author
release = version = installed(project)

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"

html_theme = "furo"
html_title = f"{project} {release}"
