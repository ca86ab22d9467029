"""One user's logged-in session on one endpoint."""

from __future__ import annotations

from slipstream.session.session import RENEW_BEFORE, Session

__all__ = ["RENEW_BEFORE", "Session"]
