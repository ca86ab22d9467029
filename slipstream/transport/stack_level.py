"""Find the user's own code on the stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_HERE = f"{Path(__file__).parents[1]}{os.sep}"


def stacklevel() -> int:
    """
    How far the user's code is from here, for a warning that is to point at it.

    Python 3.12 can leave out the frames of a package by itself (``skip_file_prefixes``).
    """
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - what warnings itself goes by
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level
