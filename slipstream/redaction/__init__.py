"""Take secrets out of addresses, headers, bodies and prose: for logs, errors and cassettes."""

from __future__ import annotations

from slipstream.redaction.redactor import LARGEST, Redactor
from slipstream.redaction.secrets import MASK, MASKING, KnownSecrets, Policy

__all__ = ["LARGEST", "MASK", "MASKING", "KnownSecrets", "Policy", "Redactor"]
