"""What the parts of the driver share: the session, the plugins, and checks of arguments."""

from __future__ import annotations

from typing import Any

from libcloud.compute.base import Node, NodeDriver, NodeLocation

from slipstream.errors import InvalidInput
from slipstream.plugins import Plugins
from slipstream.session import Session


class DriverBase(NodeDriver):
    """The base of every part of the driver."""

    _plugins: Plugins
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
        return identity(node.id, "node")

    def _location_id(self, location: Any) -> str | None:
        if location is None:
            return None
        check_own(self, location, NodeLocation, "location")
        return identity(location.id or location.name, "location")


def check_own(driver: DriverBase, thing: Any, cls: type, what: str) -> None:
    """
    Make sure that an argument is what it should be and comes from this endpoint.

    One made by hand, without a driver, is accepted.

    :param driver: The driver it is given to.
    :param thing: The argument.
    :param cls: The class that it should have.
    :param what: What it is, for messages.
    :raises TypeError: If it is something else.
    :raises InvalidInput: If it belongs to another driver or to another endpoint.
    """
    if not isinstance(thing, cls):
        raise TypeError(f"A {what} is a {cls.__name__}, not {type(thing).__name__}.")
    owner: Any = getattr(thing, "driver", None)
    if owner is None or owner is driver:
        return
    name = getattr(thing, "id", None) or getattr(thing, "name", None)
    if not isinstance(owner, DriverBase):
        raise InvalidInput(
            f"The {what} {name} belongs to the driver {getattr(owner, 'name', owner)!r}."
        )
    if owner.ex_endpoint != driver.ex_endpoint:
        raise InvalidInput(
            f"The {what} {name} belongs to {owner.ex_endpoint}, not to {driver.ex_endpoint}."
        )


def identity(text: Any, what: str) -> str:
    """
    Make sure that an id is a text.

    :param text: The id.
    :param what: What it names, for messages.
    :returns: The id.
    :raises InvalidInput: If it is empty.
    """
    if not isinstance(text, str):
        raise TypeError(f"The id of a {what} is a text, not {type(text).__name__}.")
    if not text:
        raise InvalidInput(f"The id of the {what} is empty.")
    return text


def seconds(name: str, value: Any) -> float:
    """
    Make sure that an argument is a number of seconds.

    :param name: The argument's name.
    :param value: Its value.
    :returns: The number.
    :raises InvalidInput: If it is none, or below zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InvalidInput(f"{name} is {value!r}: a number of seconds is needed.")
    return float(value)
