"""Which SlipStream is spoken: what changed, and when."""

from __future__ import annotations

import re

import attrs


@attrs.frozen(order=True)
class Version:
    """
    A release of the server.

    :param major: 3, in practice.
    :param minor: The release.
    """

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """
        Read a version such as ``3.71``.

        :param text: The text; a leading ``v`` is allowed.
        :returns: The version.
        :raises ValueError: If it is no release of SlipStream 3 from 3.38 on.
        """
        found = re.fullmatch(r"v?3\.(\d{2,3})", text)
        if not found or int(found[1]) < 38:
            raise ValueError(f"{text!r} is not a version the sandbox speaks: try 3.71 or 3.38.")
        return cls(3, int(found[1]))

    def since(self, minor: int) -> bool:
        """
        Ask for a change by the release that brought it.

        :param minor: The release, as in 42 for v3.42.
        :returns: Whether this version has it.
        """
        return self >= Version(3, minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"
