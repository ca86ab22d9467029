"""The outcomes of all checks, as a table and as JSON."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import attrs

_HEADER = ("CHECK", "POINT", "OUTCOME", "DETAIL")
_LONGEST = 400


class Outcome(enum.StrEnum):
    """The outcome of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"
    SKIPPED = "skipped"


@attrs.frozen
class Result:
    """
    The result of one check.

    :param name: The check's name.
    :param point: The part of the contract that it belongs to.
    :param outcome: Whether it holds.
    :param detail: A sentence: what was observed, or why nothing was checked.
    """

    name: str
    point: str
    outcome: Outcome
    detail: str


@attrs.frozen(kw_only=True)
class Report:
    """
    The results of all checks of a driver.

    :param driver: The driver's class, as in ``package.module:Class``.
    :param provider: Its name in libcloud, if it was chosen by name.
    :param libcloud: The version of libcloud.
    :param python: The version of Python.
    :param changes: Whether checks were allowed to change something.
    :param results: The result of each check, in the order in which they ran.
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
        """The names of the checks with an outcome."""
        return [result.name for result in self.results if result.outcome is outcome]

    def masked(self, mask: Callable[[str], str]) -> Report:
        """The report with its details masked, as by a :class:`Mask`."""
        results = (attrs.evolve(result, detail=mask(result.detail)) for result in self.results)
        return attrs.evolve(self, results=tuple(results))

    def document(self) -> dict[str, Any]:
        """The report as a JSON document."""
        document = attrs.asdict(self)
        checks = document.pop("results")
        return document | {
            "passed": self.passed,
            "summary": {outcome.value: len(self.named(outcome)) for outcome in Outcome},
            "checks": [entry | {"detail": one_line(entry["detail"])} for entry in checks],
        }

    def table(self) -> str:
        """The report as a table between a headline and a summary."""
        cells = ((r.name, r.point, r.outcome.value, one_line(r.detail)) for r in self.results)
        rows = [_HEADER, *cells]
        name, point, outcome, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines = [f"{a:{name}}  {b:{point}}  {c:{outcome}}  {d}".rstrip() for a, b, c, d in rows]
        headline = f"{self.driver} with libcloud {self.libcloud} on Python {self.python}"
        summary = ", ".join(f"{len(self.named(outcome))} {outcome.value}" for outcome in Outcome)
        return "\n".join([headline, "", *lines, "", summary])


def one_line(text: str) -> str:
    """A text on one line, without control characters, cut when it is very long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
