"""The checks, and how one reports its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args

import attrs

Point = Literal["methods", "objects", "lists", "errors", "changes", "backend"]
POINTS: tuple[Point, ...] = get_args(Point)
"""The parts of the contract, in the order in which they are checked."""
Function = TypeVar("Function", bound=Callable[..., str])


class Failed(Exception):
    """The driver breaks the contract; the text says how."""


class NotApplicable(Exception):
    """The driver's platform has nothing to check; the text says why."""


class Skipped(Exception):
    """The check was not run; the text says why."""


@attrs.frozen(kw_only=True)
class Check:
    """
    A check of one point of the contract.

    :param name: A short name; with ``each`` the part before the dot.
    :param point: The part of the contract that it belongs to.
    :param function: Takes a :class:`~slipstream.conformance.subject.Subject`, and a name of
        ``each`` if there are any. Returns a sentence when the contract holds.
    :param each: What it checks one by one, each with an outcome of its own.
    :param needs: The methods without which there is nothing to check.
    :param changes: Whether it changes something in the account.
    """

    name: str
    point: Point
    function: Callable[..., str]
    each: Sequence[str] = ()
    needs: Sequence[str] = ()
    changes: bool = False

    @property
    def cases(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The name of each outcome, and the arguments of ``function`` for it."""
        return [(f"{self.name}.{case}", (case,)) for case in self.each] or [(self.name, ())]


CHECKS: list[Check] = []
"""All checks. They run in the order of their points, and in this order within a point."""


def check(
    name: str, *, point: Point, checks: list[Check] = CHECKS, **options: Any
) -> Callable[[Function], Function]:
    """
    Add the decorated function to the checks.

    :param checks: Where to add it. The other arguments are those of :class:`Check`.
    """

    def register(function: Function) -> Function:
        checks.append(Check(name=name, point=point, function=function, **options))
        return function

    return register
