"""How the documents are built; see CONTRIBUTING.md for the command."""

from __future__ import annotations

import inspect
import re
from enum import Enum
from importlib.metadata import version as installed

import attrs

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
autodoc_typehints = "description"
# The types beside what is documented are those of the signature.
autodoc_typehints_description_target = "documented_params"
# A default is shown as it is written, never as its value on the machine that builds the pages.
autodoc_preserve_defaults = True

html_theme = "furo"
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
# What is typed is copied, and not the prompt before it.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
html_title = f"{project} {release}"

PARAM = re.compile(r"^:param (\w+):")
IVAR = re.compile(r"^:ivar (\w+):")
MODULES = re.compile(r"\b(?:\w+\.)+(?=\w)")
RAISES = re.compile(r"(?<=:raises )(\w+)(?=:)")


def say_which_error(_app, _what, name, _obj, _options, lines):
    """Two trees of errors share some names: those of the driver, and those below it."""
    tree = driver_errors if name.startswith("slipstream.libcloud.") else errors
    lines[:] = [RAISES.sub(lambda found: qualified(tree, found[0]), line) for line in lines]


def qualified(tree, name):
    return f"~{tree.__name__}.{name}" if hasattr(tree, name) else name


def show_types_of_keywords(_app, _what, _name, _obj, _options, lines):
    """Sphinx adds the types of parameters alone."""
    lines[:] = [re.sub(r"^:keyword ", ":param ", line) for line in lines]


def show_attributes(_app, what, _name, obj, _options, lines):
    """Show the attributes of records with their types, and the values of enums."""
    if what == "class" and attrs.has(obj):
        types = {field.name: field.type for field in attrs.fields(obj)}
        lines[:] = [PARAM.sub(r":ivar \1:", line) for line in lines]
        named = {match[1] for line in lines if (match := IVAR.match(line))}
        lines += [
            f":vartype {name}: ``{readable(types[name])}``" for name in types if name in named
        ]
    elif what == "class" and issubclass(obj, Enum):
        lines += ["", *(f"* ``{member.name}``: {member.value!r}" for member in obj)]


def hide_constructor(_app, what, _name, obj, _options, _signature, _returns):
    """Leave out the constructors of records, whose defaults are objects of attrs."""
    return ("", None) if what == "class" and attrs.has(obj) else None


def readable(annotation):
    """A type as it is written in the source, without the modules before the names."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return MODULES.sub("", text)


def setup(app):
    app.connect("autodoc-process-docstring", show_attributes)
    app.connect("autodoc-process-signature", hide_constructor)
    app.connect("autodoc-process-docstring", say_which_error)
    app.connect("autodoc-process-docstring", show_types_of_keywords)
