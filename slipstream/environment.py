"""A readable failure where two distributions fight over the import name ``slipstream``."""

from __future__ import annotations

from importlib import metadata

OTHER = "slipstream-api"


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
