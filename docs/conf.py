"""How the documents are built; see CONTRIBUTING.md for the command."""

from __future__ import annotations

import re
from importlib.metadata import version as installed

from slipstream import errors
from slipstream.libcloud import errors as driver_errors

project = "slipstream-libcloud-driver"
author = "the slipstream-libcloud-driver authors"
copyright = author
release = version = installed(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# A default is shown as it is written, never as its value on the machine that builds the pages.
autodoc_preserve_defaults = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
# What is typed is copied, and not the prompt before it.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
html_title = f"{project} {release}"

RAISES = re.compile(r"(?<=:raises )(\w+)(?=:)")


def say_which_error(_app, _what, name, _obj, _options, lines):
    """Two trees of errors share some names: those of the driver, and those below it."""
    tree = driver_errors if name.startswith("slipstream.libcloud.") else errors
    lines[:] = [RAISES.sub(lambda found: qualified(tree, found[0]), line) for line in lines]


def qualified(tree, name):
    return f"~{tree.__name__}.{name}" if hasattr(tree, name) else name


def setup(app):
    app.connect("autodoc-process-docstring", say_which_error)
