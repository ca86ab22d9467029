"""The drivers for libcloud, their exceptions, and their registration."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import metadata
from typing import Any

from libcloud.common.types import Type
from libcloud.compute.providers import DRIVERS
from libcloud.compute.types import Provider

__all__ = ["NAME", "register"]

NAME = "slipstream"
PROVIDERS = "slipstream.providers"
"""The group of entry points whose names are kinds of endpoint that ask for a driver."""

KIND_DRIVERS = "slipstream.libcloud.kind_drivers"
_DRIVERS = {
    NAME: ("slipstream.libcloud.compute_driver", "SlipStreamNodeDriver"),
    "nuvla": ("slipstream.libcloud.nuvla_driver", "NuvlaNodeDriver"),
}


class Providers(Type):
    """
    The members that ``Provider`` gets.

    Python lets no enumeration grow, so that these belong to another one of libcloud's kind: they
    have a ``value`` and equal it, and ``Provider.tostring`` takes them.
    """

    SLIPSTREAM = NAME
    NUVLA = "nuvla"


@cache
def _kinds() -> list[str]:
    """The kinds of endpoint with a driver of their own; cached, since the look-up is slow."""
    return [entry_point.name for entry_point in metadata.entry_points(group=PROVIDERS)]


def register() -> None:
    """
    Make ``get_driver("slipstream")`` and ``get_driver("nuvla")`` work, and the same names in
    upper case attributes of libcloud's ``Provider``.

    Importing this package does it already; doing it again, from any thread, changes nothing. A
    kind of endpoint of a plugin whose name another driver has taken is left out.

    :raises AttributeError: If another driver has taken one of the names, in upper or lower case;
        nothing is registered then.
    """
    # libcloud's set_driver imports the module at once, refuses a second call, and does not see
    # that a name is taken in other letters, which its look-up takes for the same name.
    table: dict[Any, tuple[str, str]] = DRIVERS  # names may be texts
    for name, driver in _DRIVERS.items():
        if table.get(name) != driver:
            _check_free(name, driver, table)
    free = dict(_DRIVERS)
    for kind in _kinds():
        driver = (KIND_DRIVERS, kind)
        try:
            _check_free(kind.lower(), driver, table)
        except AttributeError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
        else:
            free[kind] = driver
    for name, driver in free.items():
        table.setdefault(name, driver)
        constant = name.upper()
        if not hasattr(Provider, constant):
            members: Any = Type(constant, {constant: name})  # type: ignore[call-overload]
            setattr(Provider, constant, getattr(Providers, constant, None) or members(name))


def _check_free(name: str, driver: tuple[str, str], table: dict[Any, tuple[str, str]]) -> None:
    for taken, registered in list(table.items()):
        text = str(getattr(taken, "value", taken))
        if text.lower() == name and registered != driver:
            raise AttributeError(
                f"libcloud already has another driver named {text!r}: {'.'.join(registered)}."
                f" {name!r} would be taken for it: register that one under another name."
            )


register()
