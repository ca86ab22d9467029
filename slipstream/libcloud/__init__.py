"""The libcloud side: the driver, its exceptions, and its registration."""

from __future__ import annotations

import threading

from libcloud.compute.providers import DRIVERS, set_driver

NAME = "slipstream"
_DRIVER = ("slipstream.libcloud.compute_driver", "SlipStreamNodeDriver")
_lock = threading.Lock()

__all__ = ["NAME", "register"]


def register() -> None:
    """
    Make ``get_driver("slipstream")`` work; importing the driver does it already.

    libcloud has no way to take a registration back and refuses a second one, so this does
    nothing when the driver is registered.

    :raises AttributeError: If another driver has taken the name.
    """
    with _lock:
        registered = DRIVERS.get(NAME)  # type: ignore[call-overload]  # names may be texts
        if registered is None:
            set_driver(NAME, *_DRIVER)  # type: ignore[arg-type]  # it takes two texts
        elif registered != _DRIVER:
            raise AttributeError(
                f"libcloud already has another driver named {NAME!r}: {'.'.join(registered)}"
            )
