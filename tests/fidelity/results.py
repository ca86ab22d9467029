"""The outcomes of replaying a recording, and the table of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import yaml

from fidelity.shapes import Response

DATA = Path(__file__).with_name("data")
OUTCOMES = ("agrees", "differs", "not played")


@attrs.frozen(kw_only=True)
class Exchange:
    """One line of a recording; its path has names in braces or brackets for ids."""

    name: str
    method: str
    path: str
    actor: str
    options: dict[str, Any]
    """Headers and body, as options of ``requests``."""
    response: Response

    resource: str
    """The type of resource that it is about."""
    is_core: bool
    """Whether the driver, or the official client's main use, sends such a request."""

    @property
    def request(self) -> str:
        return f"{self.method} {self.path}"


@attrs.frozen
class Result:
    """What the sandbox makes of an exchange: the differences, or None if it does not play it."""

    exchange: Exchange
    differences: Sequence[str] | None

    @property
    def outcome(self) -> str:
        if self.differences is None:
            return "not played"
        return "differs" if self.differences else "agrees"


def reasons(family: str) -> Mapping[str, Any]:
    """Read why some exchanges are left out, and why some are not played."""
    return dict(yaml.safe_load((DATA / "reasons.yaml").read_text("utf-8"))[family])


def unplayed(family: str, results: Sequence[Result]) -> dict[str, list[Exchange]]:
    """The exchanges that are not played, by the reason; by nothing if there is none."""
    patterns: Mapping[str, str] = reasons(family)["not played"]
    groups: dict[str, list[Exchange]] = {}
    for result in results:
        if result.differences is None:
            request = result.exchange.request
            why = [patterns[key] for key in patterns if re.fullmatch(key, request)]
            groups.setdefault(why[0] if why else "", []).append(result.exchange)
    return groups


def share(results: Sequence[Result], *, core: bool = False) -> float:
    """The part of what is played that agrees, in percent."""
    outcomes = [result.outcome for result in results if result.exchange.is_core or not core]
    played = len(outcomes) - outcomes.count("not played")
    return 100 * outcomes.count("agrees") / played


def table(results: Sequence[Result]) -> str:
    """Write the outcomes by resource, as a table of Markdown."""
    lines = ["| resource | agrees | differs | not played |", "| --- | ---: | ---: | ---: |"]
    counts = Counter((result.exchange.resource, result.outcome) for result in results)
    for resource in sorted({resource for resource, _ in counts}):
        cells = " | ".join(str(counts[resource, outcome]) for outcome in OUTCOMES)
        lines.append(f"| {resource} | {cells} |")
    outcomes = Counter(result.outcome for result in results)
    total = " | ".join(f"**{outcomes[outcome]}**" for outcome in OUTCOMES)
    return "\n".join([*lines, f"| **all** | {total} |"])
