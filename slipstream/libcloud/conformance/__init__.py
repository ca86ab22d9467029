"""
Does a libcloud compute driver do what libcloud's contract says? It may be anybody's driver.

A check is a function with the decorator :func:`check`; :func:`run` makes them all.
"""

from __future__ import annotations

from slipstream.libcloud.conformance import (  # noqa: F401 - importing them registers the checks
    by_hand,
    changes,
    classes,
    failures,
    lists,
    methods,
    objects,
)
from slipstream.libcloud.conformance.registry import (
    CHECKS,
    Check,
    Failed,
    NotApplicable,
    Skipped,
    check,
)
from slipstream.libcloud.conformance.report import Outcome, Report, Result
from slipstream.libcloud.conformance.running import run
from slipstream.libcloud.conformance.subject import Choice, Subject

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
