"""Descriptions of documents: which attributes they have, and what each value must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs


@attrs.frozen
class Violation:
    """Where in a document which value is wrong, and what it should be in the server's words."""

    path: tuple[str | int, ...]
    value: Any
    rule: str

    def below(self, key: str | int) -> Violation:
        """Say where the value is within what holds it."""
        return attrs.evolve(self, path=(key, *self.path))


Check: TypeAlias = Callable[[Any], Violation | None]


@attrs.frozen
class Attribute:
    """What the value of an attribute must be, and whether every document has it."""

    check: Check
    required: bool = False


Description: TypeAlias = dict[str, Attribute]


def satisfying(test: Callable[[Any], bool], rule: str) -> Check:
    """Make a check of a test and the words for it."""
    return lambda value: None if test(value) else Violation((), value, f"satisfy\n\n  {rule}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_timestamp(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


anything: Check = satisfying(lambda _: True, "any?")
string: Check = satisfying(lambda value: isinstance(value, str), "string?")
integer: Check = satisfying(lambda value: _is_number(value) and value == int(value), "int?")
timestamp: Check = satisfying(_is_timestamp, "parse-date")


def text(value: Any) -> Violation | None:
    """A string with something other than blanks."""
    if not isinstance(value, str):
        return string(value)
    rule = "satisfy\n\n  (complement clojure.string/blank?)"
    return None if value.strip() else Violation((), value, rule)


def within(low: float, high: float = float("inf")) -> Check:
    """A whole number within bounds."""
    bounded = satisfying(lambda value: low <= value <= high, "pos-int?" if low else "nat-int?")
    return lambda value: integer(value) or bounded(value)


def one_of(*values: Any) -> Check:
    """One of a few values."""
    listed = ", ".join(f'"{value}"' for value in sorted(values))

    def check(value: Any) -> Violation | None:
        return None if value in values else Violation((), value, f"be one of: {listed}")

    return check


def list_of(element: Check, *, least: int = 0) -> Check:
    """A list whose elements all fit."""

    def check(value: Any) -> Violation | None:
        if not isinstance(value, list):
            return Violation((), value, "satisfy\n\n  vector?")
        if len(value) < least:
            return Violation((), value, "satisfy\n\n  seq")
        violations = (
            bad.below(place) for place, item in enumerate(value) if (bad := element(item))
        )
        return next(violations, None)

    return check


def map_of(description: Description | None = None, *, open_: bool = False) -> Check:
    """A map."""

    def check(value: Any) -> Violation | None:
        if not isinstance(value, Mapping):
            return Violation((), value, "satisfy\n\n  map?")
        return None if description is None else violation(description, value, open_=open_)

    return check


def violation(
    description: Description, document: Mapping[str, Any], *, open_: bool = False
) -> Violation | None:
    """Check a document."""
    missing = sorted(
        name
        for name, attribute in description.items()
        if attribute.required and name not in document
    )
    if missing:
        keys = ", ".join(f":{name}" for name in missing)
        return Violation((), document, f"contain key{'s' * (len(missing) > 1)}: {keys}")
    extra = sorted(set(document) - set(description))
    if extra and not open_:
        names = ", ".join(f":{name}" for name in sorted(description))
        return Violation((extra[0],), None, f"be one of: {names}")
    for name, attribute in description.items():
        if name in document and (wrong := attribute.check(document[name])):
            return wrong.below(name)
    return None


def described(
    required: Mapping[str, Check] | None = None, /, **optional: Check
) -> dict[str, Attribute]:
    """Write a description."""
    attributes = {
        name: Attribute(check, required=True) for name, check in (required or {}).items()
    }
    named = {name.replace("_", "-"): Attribute(check) for name, check in optional.items()}
    return attributes | named


def texts(*names: str) -> dict[str, Attribute]:
    """Describe attributes that are all texts with something other than blanks."""
    return {name: Attribute(text) for name in names}
