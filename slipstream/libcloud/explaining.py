"""The dry run of a call."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import attrs
from libcloud.compute.base import Node

from slipstream.errors import BadInput, DriverError, UnknownName
from slipstream.libcloud.arguments import checked
from slipstream.session.session import DryRunEnded, PlannedRequest

_PREFIXES = ("list_", "get_", "create_", "import_", "delete_", "destroy_", "start_", "stop_",
             "reboot_", "ex_find_", "ex_get_", "ex_list_", "ex_iterate_", "ex_update_",
             "ex_start_", "ex_stop_")  # fmt: skip
_WAITING = {"ex_get_node_logs"}  # methods that wait for the server


@attrs.frozen(kw_only=True)
class Explanation:
    """
    The result of a dry run; printed, a readable text.

    :param method: The method.
    :param requests: What it would send, in order; what reads was really sent.
    :param refusals: Why it would be refused, as sentences; empty when nothing speaks against it.
    :param complete: Whether the requests are all there are. They are not where what follows
        depends on a response that only a real change would bring, or where the call is refused.
    """

    method: str
    requests: tuple[PlannedRequest, ...]
    refusals: tuple[str, ...]
    complete: bool

    def __str__(self) -> str:
        count = len(self.requests)
        lines = [f"{self.method} sends {count} request{'' if count == 1 else 's'}:"]
        for number, request in enumerate(self.requests, 1):
            lines.append(f"{number}. {'' if request.done else '(not sent) '}{request}")
        if not self.complete and not self.refusals:
            lines.append("Further requests depend on the response.")
        lines += [f"Refused: {refusal}" for refusal in self.refusals]
        return "\n".join(lines)


def method_name(method: object, cls: type) -> str:
    """The name of a method that can be explained."""
    name = checked("method", getattr(method, "__name__", method), str, "the name of a method")
    names = [name for name in dir(cls) if name.startswith(_PREFIXES) and name not in _WAITING]
    if name not in names and callable(getattr(cls, name, None)):
        raise BadInput(
            f"{name}() cannot be explained: it waits, or sends no request.",
            hint=f"Methods that can be explained: {', '.join(names)}.",
        )
    if name not in names:
        raise UnknownName("method", name, names)
    return name


def run(method: Any, args: Any, kwargs: Any, refusals: list[DriverError]) -> bool:
    """Make a call in a dry run."""
    try:
        # Changes update the node that they are given; a dry run updates a copy of it.
        result = method(
            *map(_copied, args), **{name: _copied(value) for name, value in kwargs.items()}
        )
        if isinstance(result, Iterator):
            for _ in result:
                pass
    except DryRunEnded:
        return False
    except DriverError as error:
        refusals.append(error)
        return False
    return True


def _copied(argument: Any) -> Any:
    return copy(argument) if isinstance(argument, Node) else argument
