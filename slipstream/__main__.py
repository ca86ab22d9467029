"""``python -m slipstream``, and the command ``slipstream``."""

from __future__ import annotations

import sys

from slipstream.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
