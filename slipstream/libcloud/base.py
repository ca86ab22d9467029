"""What the parts of the driver share: the session, the plugins, and checks of arguments."""

from __future__ import annotations

from typing import Any

from libcloud.compute.base import Node, NodeDriver, NodeLocation

from slipstream.errors import BadInput, shorten
from slipstream.hookspecs import Backend
from slipstream.libcloud.virtual_machine import VirtualMachine
from slipstream.plugins import Plugins
from slipstream.session import Session
from slipstream.values.numbers import check_number


class DriverBase(NodeDriver):
    """The base of every part of the driver."""

    _plugins: Plugins
    _backend: Backend
    _session: Session

    @property
    def ex_endpoint(self) -> str:
        """The address of the endpoint."""
        return self._session.endpoint.url

    def _session_if_made(self) -> Session | None:
        return vars(self).get("_session")

    def _ensure_usable(self) -> None:
        session = self._session_if_made()
        if session is not None:
            session.ensure_open()

    def _node_id(self, node: Any) -> str:
        check_own(self, node, Node, "node")
        if isinstance(node, VirtualMachine):
            raise machine_for_node(node)
        return id_of(node, "node")

    def _location_id(self, location: Any) -> str | None:
        if location is None:
            return None
        check_own(self, location, NodeLocation, "location")
        return id_of(location, "location")


def check_own(driver: DriverBase, thing: Any, cls: type, what: str) -> None:
    """
    Make sure that an argument is what it should be and comes from this endpoint.

    One made by hand, without a driver, is accepted.

    :param driver: The driver it is given to.
    :param thing: The argument.
    :param cls: The class that it should have.
    :param what: What it is, for messages.
    :raises TypeError: If it is something else.
    :raises BadInput: If it belongs to another driver or to another endpoint.
    """
    if not isinstance(thing, cls):
        raise TypeError(f"A {what} is a {cls.__name__}, not {type(thing).__name__}.")
    owner: Any = getattr(thing, "driver", None)
    if owner is None or owner is driver:
        return
    name = getattr(thing, "id", None) or getattr(thing, "name", None)
    if not isinstance(owner, DriverBase):
        raise BadInput(
            f"The {what} {name} belongs to the driver {getattr(owner, 'name', owner)!r}."
        )
    if owner.ex_endpoint != driver.ex_endpoint:
        raise BadInput(
            f"The {what} {name} belongs to {owner.ex_endpoint}, not to {driver.ex_endpoint}."
        )


def machine_for_node(machine: VirtualMachine) -> BadInput:
    """
    What to say to somebody who takes a machine for the node that it is part of.

    :param machine: The machine.
    :returns: The error, not raised.
    """
    owner = (machine.extra or {}).get("node_id")
    return BadInput(
        f"{shorten(str(machine.id))} is a machine and no node: it lives and ends with its"
        " deployment.",
        hint=f"Its node is ex_get_node({owner!r})." if owner else "It belongs to no node.",
    )


def id_of(thing: Any, what: str) -> str:
    """
    The id of an object, which may have been made by hand.

    libcloud turns an id of ``None`` into the text (compute/base.py). A location is found by its
    name as well.

    :param thing: A node, an image, a size or a location.
    :param what: What it is, for messages.
    :returns: Its id, or the name of a location without one.
    :raises BadInput: If it has none.
    """
    given = thing.id
    if given in (None, "", str(None)):
        given = thing.name if isinstance(thing, NodeLocation) else None
    if given is None:
        raise BadInput(f"The {what} has no id.")
    return identity(given, what)


def identity(text: Any, what: str) -> str:
    """
    Make sure that an id is a text.

    :param text: The id.
    :param what: What it names, for messages.
    :returns: The id.
    :raises BadInput: If it is empty.
    """
    if not isinstance(text, str):
        raise TypeError(f"The id of a {what} is a text, not {type(text).__name__}.")
    if not text:
        raise BadInput(f"The id of the {what} is empty.")
    return text


def seconds(name: str, value: Any) -> float:
    """
    Make sure that an argument is a number of seconds.

    :param name: The argument's name.
    :param value: Its value.
    :returns: The number.
    :raises BadInput: If it is none, or below zero.
    """
    return check_number(name, value, above_zero=False)
