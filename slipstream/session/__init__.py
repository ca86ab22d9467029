"""One user's logged-in session on one endpoint."""

from __future__ import annotations

from slipstream.session.session import Session

__all__ = ["Session"]
