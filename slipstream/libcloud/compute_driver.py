"""
The libcloud compute driver. Importing this module registers it::

    import slipstream.libcloud.compute_driver
    from libcloud.compute.providers import get_driver

    ss = get_driver("slipstream")("username", "password")

A node is a deployment, an image a component or application, a size a service offer, and a
location a cloud connector of the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipstream.libcloud import register

if TYPE_CHECKING:
    from slipstream.libcloud.driver import SlipStreamNodeDriver, VirtualMachine

__all__ = ["SlipStreamNodeDriver", "VirtualMachine"]

register()


# As libcloud's own, a driver is loaded when it is used: a program for several clouds that
# registers this one pays for it only then.
def __getattr__(name: str) -> Any:
    """Load the driver, which is defined in :mod:`slipstream.libcloud.driver`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from slipstream.libcloud import driver  # noqa: PLC0415

    return getattr(driver, name)
