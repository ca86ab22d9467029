"""What the checks found, for people and for programs."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

_HEADER = ("CHECK", "POINT", "OUTCOME", "DETAIL")
_LONGEST = 400


class Outcome(enum.StrEnum):
    """What became of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"
    SKIPPED = "skipped"


@attrs.frozen
class Result:
    """
    What became of one check.

    :param name: The check's name.
    :param point: The part of the contract that it belongs to.
    :param outcome: Whether it holds.
    :param detail: A sentence: what was found, or why nothing was looked at.
    """

    name: str
    point: str
    outcome: Outcome
    detail: str


@attrs.frozen(kw_only=True)
class Report:
    """
    What became of all checks of a driver.

    :param driver: The driver's class, as in ``package.module:Class``.
    :param provider: The name that libcloud knows it by, if it was asked for by name.
    :param libcloud: The version of libcloud.
    :param python: The version of Python.
    :param changes: Whether checks were allowed to change something.
    :param results: What became of each, in the order in which they were made.
    """

    driver: str
    provider: str | None
    libcloud: str
    python: str
    changes: bool
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.named(Outcome.FAILS)

    def named(self, outcome: Outcome) -> list[str]:
        """
        The names of the checks of one outcome.

        :param outcome: The outcome.
        """
        return [one.name for one in self.results if one.outcome is outcome]

    def masked(self, mask: Callable[[str], str]) -> Report:
        """
        The report with secrets taken out of its sentences.

        :param mask: Takes them out of a text.
        """
        results = (attrs.evolve(one, detail=mask(one.detail)) for one in self.results)
        return attrs.evolve(self, results=tuple(results))

    def document(self) -> dict[str, Any]:
        """The report as a JSON document."""
        return {
            "driver": self.driver,
            "provider": self.provider,
            "libcloud": self.libcloud,
            "python": self.python,
            "changes": self.changes,
            "passed": self.passed,
            "summary": {outcome.value: len(self.named(outcome)) for outcome in Outcome},
            "checks": [
                {
                    "name": one.name,
                    "point": one.point,
                    "outcome": one.outcome.value,
                    "detail": one_line(one.detail),
                }
                for one in self.results
            ],
        }

    def table(self) -> str:
        """The report as a table, with a line before it and one after it."""
        rows = [
            (one.name, one.point, one.outcome.value, one_line(one.detail)) for one in self.results
        ]
        counts = (f"{len(self.named(outcome))} {outcome.value}" for outcome in Outcome)
        return "\n".join(
            [
                f"{self.driver} with libcloud {self.libcloud} on Python {self.python}",
                "",
                *_aligned([_HEADER, *rows]),
                "",
                ", ".join(counts),
            ]
        )


def one_line(text: str) -> str:
    """
    A text on one line, without control characters, cut when it is very long.

    :param text: Any text.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, last in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join([*padded, last]).rstrip()
