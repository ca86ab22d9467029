"""Taking secrets out of addresses, headers, bodies and prose: for logs, errors and cassettes."""

from __future__ import annotations

from slipstream.redaction.policy import MASK, MASKING, Policy
from slipstream.redaction.redactor import LARGEST, Redactor
from slipstream.redaction.values import KnownSecrets

__all__ = ["LARGEST", "MASK", "MASKING", "KnownSecrets", "Policy", "Redactor"]
