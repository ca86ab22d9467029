"""Taking secrets out of what is shown: of addresses, headers, bodies and sentences."""

from __future__ import annotations

from slipstream.redaction.redactor import LARGEST, Redactor

__all__ = ["LARGEST", "Redactor"]
