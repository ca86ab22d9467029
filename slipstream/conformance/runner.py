"""Run all checks on a driver."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import Any

import libcloud

from slipstream.conformance.checks import (
    CHECKS,
    POINTS,
    Check,
    Failed,
    NotApplicable,
    Skipped,
)
from slipstream.conformance.contract import only_raises
from slipstream.conformance.report import Outcome, Report, Result
from slipstream.conformance.subject import Choice, Subject, describe

_NOT_ALLOWED = "It changes something, or may lock an account; see --allow-changes."
_OUTCOMES = {
    Failed: Outcome.FAILS,
    NotApplicable: Outcome.NOT_APPLICABLE,
    Skipped: Outcome.SKIPPED,
}


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
    :param changes: Allow making a node and a key pair, which are removed again, and a login with
        a wrong secret.
    :param choice: What to make the node of; the first image, size and location when left out.
    :param secrets: Texts that no message may hold; when left out, the secret that the driver
        was made with, or else its key.
    :param with_wrong_login: Makes the same driver with a wrong secret.
    :param without_network: Makes the same driver behind a proxy that does not exist.
    :param provider: The driver's name in libcloud, for the report.
    :param more: Further checks.
    :returns: The result of each check; whatever the driver raises is in there.
    """
    subject = Subject(
        driver=driver,
        choice=choice or Choice(),
        secrets=tuple(_secrets_of(driver) if secrets is None else secrets),
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


def _secrets_of(driver: Any) -> list[str]:
    secret = getattr(driver, "secret", None) or getattr(driver, "key", None)
    return [secret] if isinstance(secret, str) else []


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
            if only_raises(getattr(type(subject.driver), method)):
                raise NotApplicable(f"The driver's {method}() only raises.")
        if check.changes and not changes:
            raise Skipped(_NOT_ALLOWED)
        return Outcome.HOLDS, check.function(subject, *arguments)
    except (Failed, NotApplicable, Skipped) as result:
        return _OUTCOMES[type(result)], str(result)
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        return Outcome.FAILS, describe(error)
