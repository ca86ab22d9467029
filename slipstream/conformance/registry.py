"""The checks there are, and how one says what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args

import attrs

Point = Literal["methods", "objects", "lists", "errors", "changes"]
POINTS: tuple[Point, ...] = get_args(Point)
"""The parts of the contract, in the order in which they are looked at."""
Examine = TypeVar("Examine", bound=Callable[..., str])


class Failed(Exception):
    """The driver does not do what the check asks for; the text says how."""


class NotApplicable(Exception):
    """The driver's platform has nothing that the check could look at; the text says why."""


class Skipped(Exception):
    """The check was not made; the text says why."""


@attrs.frozen(kw_only=True)
class Check:
    """
    A check of one point of the contract.

    :param name: A short name; with ``each`` the part before the dot.
    :param point: The part of the contract that it belongs to.
    :param examine: Looks at a :class:`~slipstream.conformance.subject.Subject` and
        returns a sentence when the contract holds. It is given each name of ``each`` too.
    :param each: What it looks at one by one, each with an outcome of its own.
    :param needs: The methods without which there is nothing to look at.
    :param changes: Whether it changes something in the account.
    """

    name: str
    point: Point
    examine: Callable[..., str]
    each: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    changes: bool = False

    @property
    def runs(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """The name of each outcome, and what ``examine`` is given for it."""
        if not self.each:
            return ((self.name, ()),)
        return tuple((f"{self.name}.{one}", (one,)) for one in self.each)


CHECKS: list[Check] = []
"""Every check; they are made in the order of their points, and in this order within one."""


def check(
    name: str,
    *,
    point: Point,
    each: Sequence[str] = (),
    needs: Sequence[str] = (),
    changes: bool = False,
) -> Callable[[Examine], Examine]:
    """
    Add a function to the checks.

    :param name: A short name.
    :param point: The part of the contract that it belongs to.
    :param each: What it looks at one by one, each with an outcome of its own.
    :param needs: The methods without which there is nothing to look at.
    :param changes: Whether it changes something in the account.
    :returns: A decorator that leaves the function as it is.
    """

    def register(examine: Examine) -> Examine:
        CHECKS.append(
            Check(
                name=name,
                point=point,
                examine=examine,
                each=tuple(each),
                needs=tuple(needs),
                changes=changes,
            )
        )
        return examine

    return register
