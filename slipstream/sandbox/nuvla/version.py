"""Which release of the API server is spoken."""

from __future__ import annotations

import re

import attrs


@attrs.frozen(order=True)
class Version:
    """
    A release of the API server.

    :param major: 6, in practice.
    :param minor: The release.
    """

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """
        Read a version such as ``6.19``.

        :param text: The text; a leading ``v`` and a patch level are allowed.
        :returns: The version.
        :raises ValueError: If it is not the release that is known.
        """
        if not re.fullmatch(r"v?6\.19(\.\d+)?", text):
            raise ValueError(f"{text!r} is not a version of Nuvla the sandbox speaks: try 6.19.")
        return cls(6, 19)
