"""``python -m slipstream``, and the command ``slipstream``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from slipstream.version import install_hint


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: What follows the program's name; that of this process when left out.
    :returns: The exit code.
    """
    try:
        from slipstream import cli  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        hint = install_hint("cli")
        print(f"slipstream: error: click is not installed. {hint}", file=sys.stderr)
        return 2
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
