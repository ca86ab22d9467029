"""Run all checks on a driver; the outcomes as a table and as JSON."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import libcloud

from slipstream.conformance.subject import (
    CHECKS,
    POINTS,
    Check,
    Choice,
    Failed,
    NotApplicable,
    Outcome,
    Skipped,
    Subject,
    describe,
)

_HEADER = ("CHECK", "POINT", "OUTCOME", "DETAIL")
_LONGEST = 400


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
        """The report with its details masked."""
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


_NOT_ALLOWED = "It changes something, or may lock an account; see --allow-changes."


def run(
    driver: Any,
    *,
    changes: bool = False,
    choice: Choice | None = None,
    secrets: Iterable[str] | None = None,
    with_wrong_login: Callable[[], Any] | None = None,
    without_network: Callable[[], Any] | None = None,
    provider: str | None = None,
    more: Iterable[Check] = (),
) -> Report:
    """
    Check a libcloud compute driver against libcloud's contract.

    :param driver: The driver, logged in or about to be.
    :param changes: Allow a node and a key pair, which are removed again, and a wrong login.
    :param choice: What to make the node of; the first image, size and location when left out.
    :param secrets: Texts that no message may hold; when left out, the secret that the driver
        was made with, or else its key.
    :param with_wrong_login: Makes the same driver with a wrong secret.
    :param without_network: Makes the same driver behind a proxy that does not exist.
    :param provider: The driver's name in libcloud, for the report.
    :param more: Further checks.
    :returns: The result of each check; whatever the driver raises is in there.
    """
    if secrets is None:
        secret = getattr(driver, "secret", None) or getattr(driver, "key", None)
        secrets = [secret] if isinstance(secret, str) else []
    subject = Subject(
        driver=driver,
        choice=choice or Choice(),
        secrets=tuple(secrets),
        with_wrong_login=with_wrong_login,
        without_network=without_network,
    )
    return Report(
        driver=f"{type(driver).__module__}:{type(driver).__qualname__}",
        provider=provider,
        libcloud=libcloud.__version__,
        python=platform.python_version(),
        changes=changes,
        results=tuple(_results(subject, changes, [*CHECKS, *more])),
    ).masked(subject.mask)


def _results(subject: Subject, changes: bool, checks: list[Check]) -> list[Result]:
    results: list[Result] = []
    try:
        for check in sorted(checks, key=lambda check: POINTS.index(check.point)):
            for name, arguments in check.cases:
                outcome, detail = _run(check, subject, arguments, changes)
                results.append(Result(name, check.point, outcome, detail))
    finally:
        left = list(subject.clean_up())
    return [*results, *(Result("cleanup", "changes", Outcome.FAILS, text) for text in left)]


def _run(
    check: Check, subject: Subject, arguments: tuple[Any, ...], changes: bool
) -> tuple[Outcome, str]:
    try:
        for method in check.needs:
            subject.require(method)
            if subject.only_raises(method):
                raise NotApplicable(f"The driver's {method}() only raises.")
        if check.changes and not changes:
            raise Skipped(_NOT_ALLOWED)
        return Outcome.HOLDS, check.function(subject, *arguments)
    except (Failed, NotApplicable, Skipped) as result:
        return result.outcome, str(result)
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        return Outcome.FAILS, describe(error)
