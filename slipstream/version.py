"""The version of this package, and how it is installed; everything else reads both from here."""

from __future__ import annotations

from importlib import metadata

VERSION = "1.0.0.dev0"
OTHER = "slipstream-api"
"""The old client, whose import name is ``slipstream`` too."""


def install_hint(*extras: str) -> str:
    """A sentence on how to install this package with some of its extras."""
    # The package index still serves 0.1.3: until 1.0 is there, a checkout is what works.
    return f"Run pip install '.[{','.join(extras)}]' in a checkout of slipstream."


def check_environment() -> None:
    """Raise ``ImportError`` if the old client is installed beside this package."""
    # Its distribution owns the import name ``slipstream`` too and turns it into a namespace
    # package, so that parts of this one cannot be imported any more.
    try:
        version = metadata.version(OTHER)
    except metadata.PackageNotFoundError:
        return
    raise ImportError(
        f"{OTHER} {version} is installed in this environment. It and slipstream-libcloud-driver"
        " both own the import name 'slipstream' and cannot share an environment: run"
        f" 'pip uninstall {OTHER}' and reinstall slipstream-libcloud-driver, or use a virtual"
        " environment for each."
    )
