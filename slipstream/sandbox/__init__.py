"""
A local server for trials and tests, without an account or a cloud.

It speaks SlipStream's protocol or Nuvla's, keeps state, and moves deployments through their life
on a clock that a test can drive. The packages beside the common modules are dialects, one for
each family of servers.
"""

from __future__ import annotations

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.faults import Fault, Faults
from slipstream.sandbox.sandbox import Sandbox
from slipstream.sandbox.server import Entry, Journal
from slipstream.sandbox.world import Login

__all__ = ["Clock", "Entry", "Fault", "Faults", "Journal", "Login", "Sandbox"]
