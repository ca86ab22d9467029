"""
Check any libcloud compute driver against libcloud's contract.

A check is a function with the decorator :func:`check`; :func:`run` runs them all.
"""

from __future__ import annotations

from slipstream.conformance import (  # noqa: F401 - importing them registers the checks
    changes,
    errors,
    lists,
    methods,
    objects,
)
from slipstream.conformance.checks import (
    CHECKS,
    Check,
    Failed,
    NotApplicable,
    Skipped,
    check,
)
from slipstream.conformance.report import Outcome, Report, Result
from slipstream.conformance.runner import run
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
