"""What stands in the place of a secret: a mask for people, or a placeholder for cassettes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from slipstream.values.plain import announces_secret

MASK: Final = "***"
"""Stands where a secret stood; it gives away no length, and a shell leaves it alone in quotes."""

_NEVER = re.compile(r"(?!)")


def _no_exception(_name: str, _members: Mapping[str, Any]) -> str | None:
    return None


@attrs.frozen(kw_only=True)
class Policy:
    """How secrets are replaced.

    :param replace: Gives what stands in the place of a secret text.
    :param placeholder: Matches what an earlier replacement has left, which is no secret.
    :param shapes: Texts that are replaced by their looks beside secrets, and by what.
    :param keep_form: Whether a document without secrets stays as it is written, and a list or an
        object that is a secret keeps its structure.
    :param exception: Gives what stands for a member of an object or a field of a form, whatever
        the rules say, from its name and all members; ``None`` leaves it to the rules.
    """

    replace: Callable[[str], str]
    placeholder: re.Pattern[str] = _NEVER
    shapes: tuple[tuple[re.Pattern[str], str], ...] = ()
    keep_form: bool = False
    exception: Callable[[str, Mapping[str, Any]], str | None] = _no_exception

    def announces(self, name: str) -> bool:
        """Tell whether a name announces a secret and is not itself a placeholder for one."""
        return announces_secret(name) and not self.placeholder.fullmatch(name)


MASKING: Final = Policy(replace=lambda secret: MASK if secret else secret)
"""For people: what is masked shows neither its length nor its structure."""
