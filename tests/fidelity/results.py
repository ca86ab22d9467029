"""The outcomes of replaying a recording, and the table of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs
import yaml

DATA = Path(__file__).with_name("data")
Outcome = Literal["agrees", "differs", "not played"]


@attrs.frozen
class Result:
    """
    What became of one exchange.

    :param name: The number of its line and its name.
    :param resource: What it is about.
    :param is_core: Whether the driver, or the official clients' reading, deploying, waiting and
        terminating, send such a request.
    :param differences: What is different.
    :param is_played: Whether the sandbox plays it at all.
    """

    name: str
    resource: str
    is_core: bool
    differences: Sequence[str] = ()
    is_played: bool = True

    @property
    def outcome(self) -> Outcome:
        """What is counted."""
        if not self.is_played:
            return "not played"
        return "differs" if self.differences else "agrees"


def known_differences(family: str) -> Mapping[str, str]:
    """Read the list of the exchanges that differ, each with its reason."""
    path = DATA / f"{family}-differences.yaml"
    return yaml.safe_load(path.read_text("utf-8")) or {} if path.exists() else {}


def share(results: Sequence[Result], *, core: bool = False) -> float:
    """The part of what is played that agrees, in percent."""
    played = [result for result in results if result.is_played and (result.is_core or not core)]
    agreeing = [result for result in played if result.outcome == "agrees"]
    return 100 * len(agreeing) / len(played) if played else 100.0


def table(results: Sequence[Result]) -> str:
    """Write the outcomes by resource, as a table of Markdown."""
    lines = [
        "| resource | agrees | differs | not played |",
        "| --- | ---: | ---: | ---: |",
    ]
    outcomes = ("agrees", "differs", "not played")
    for resource in sorted({result.resource for result in results}):
        counts = Counter(result.outcome for result in results if result.resource == resource)
        cells = " | ".join(str(counts[outcome]) for outcome in outcomes)
        lines.append(f"| {resource} | {cells} |")
    counts = Counter(result.outcome for result in results)
    total = " | ".join(f"**{counts[outcome]}**" for outcome in outcomes)
    return "\n".join([*lines, f"| **all** | {total} |"])
