"""
Check any libcloud compute driver against libcloud's contract.

A check is a function with the decorator :func:`check`; :func:`run` runs them all.
"""

from __future__ import annotations

from slipstream.conformance import changes, methods, objects  # noqa: F401 - importing them registers the checks
from slipstream.conformance.report import Report, Result, run
from slipstream.conformance.subject import (
    CHECKS,
    Check,
    Choice,
    Failed,
    NotApplicable,
    Outcome,
    Skipped,
    Subject,
    check,
)

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
