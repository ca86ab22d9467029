"""Plays the scripts of components: the few ``ss-`` commands that reach the server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

import attrs

_CALL = re.compile(r"\$\(\s*ss-get\s+([\w.:-]+)\s*\)|\$\{?(\w+)\}?")


class ScriptFailure(Exception):
    """The script gave up; the message says why, if it did."""


@attrs.frozen
class Surroundings:
    """
    What a script can reach.

    :param get: Reads a runtime parameter, as ``ss-get`` does.
    :param put: Sets one, as ``ss-set`` does.
    :param variables: Environment variables.
    """

    get: Callable[[str], str]
    put: Callable[[str, str], None]
    variables: Mapping[str, str]

    def expand(self, text: str) -> str:
        """
        Replace variables and ``$(ss-get NAME)``.

        :param text: A word of the script.
        :returns: The word with values in place.
        """
        return _CALL.sub(
            lambda call: self.get(call[1]) if call[1] else self.variables.get(call[2], ""), text
        )


def play(script: str, around: Surroundings) -> None:
    """
    Go through a script line by line; commands that do not reach the server are passed over.

    :param script: The text of the target.
    :param around: What it can reach.
    :raises ScriptFailure: If it aborts or exits with an error.
    """
    for line in script.splitlines():
        words = _words(line)
        if words[:1] == ["ss-set"] and len(words) == 3:
            around.put(words[1], around.expand(words[2]))
        elif words[:1] == ["ss-abort"]:
            raise ScriptFailure(around.expand(" ".join(words[1:])))
        elif words[:1] == ["exit"] and words[1:] not in ([], ["0"]):
            raise ScriptFailure


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []
