"""
Does a libcloud compute driver do what libcloud's contract says? It may be anybody's driver.

A check is a function with the decorator :func:`check`; :func:`run` makes them all.
"""

from __future__ import annotations

from slipstream.conformance import (  # noqa: F401 - importing them registers the checks
    changes,
    classes,
    failures,
    hand_made,
    lists,
    methods,
    objects,
)
from slipstream.conformance.registry import (
    CHECKS,
    Check,
    Failed,
    NotApplicable,
    Skipped,
    check,
)
from slipstream.conformance.report import Outcome, Report, Result
from slipstream.conformance.running import run
from slipstream.conformance.subject import Choice, Subject

__all__ = [
    "CHECKS",
    "Check",
    "Choice",
    "Failed",
    "NotApplicable",
    "Outcome",
    "Report",
    "Result",
    "Skipped",
    "Subject",
    "check",
    "run",
]
