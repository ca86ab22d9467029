"""The libcloud side: the drivers, their exceptions, and their registration."""

from __future__ import annotations

import threading
from typing import Any

from libcloud.compute.providers import DRIVERS

NAME = "slipstream"
_DRIVERS = {
    NAME: ("slipstream.libcloud.compute_driver", "SlipStreamNodeDriver"),
    "nuvla": ("slipstream.libcloud.nuvla_driver", "NuvlaNodeDriver"),
}
_lock = threading.Lock()

__all__ = ["NAME", "register"]


def register() -> None:
    """
    Make ``get_driver("slipstream")`` and ``get_driver("nuvla")`` work.

    Importing the driver does it already. The entries are made without libcloud's
    ``set_driver``, which imports the module at once and refuses a second call.

    :raises AttributeError: If another driver has taken one of the names.
    """
    table: dict[Any, tuple[str, str]] = DRIVERS  # names may be texts
    with _lock:
        for name, driver in _DRIVERS.items():
            registered = table.setdefault(name, driver)
            if registered != driver:
                raise AttributeError(
                    f"libcloud already has another driver named {name!r}: {'.'.join(registered)}"
                )
