"""Numbers on the command line, checked as arguments are."""

from __future__ import annotations

from typing import Any

import click

from slipstream.values.numbers import check_number


class Number(click.ParamType):  # type: ignore[type-arg]  # no argument before 8.3
    """
    A number between limits.

    :param limits: Arguments of :func:`check_number`.
    """

    name = "number"

    def __init__(self, **limits: Any) -> None:
        self._limits = limits

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read the number, or end with a usage error."""
        number = click.FLOAT.convert(value, param, ctx)
        try:
            return float(check_number("the value", number, **self._limits))
        except ValueError as error:
            self.fail(str(error), param, ctx)
