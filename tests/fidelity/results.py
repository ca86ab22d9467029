"""The outcomes of replaying a recording, and the table of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import yaml

from fidelity.shapes import Response

DATA = Path(__file__).with_name("data")
OUTCOMES = ("agrees", "differs", "not played")
Outcome = Literal["agrees", "differs", "not played"]


@attrs.frozen
class Result:
    """
    The outcome of one exchange.

    :param name: Its name, unique in the recording.
    :param request: Its method and path.
    :param resource: The resource that it is about.
    :param is_core: Whether the driver, or the official clients' reading, deploying, waiting and
        terminating, send such a request.
    :param differences: What is different.
    :param is_played: Whether the sandbox plays it at all.
    """

    name: str
    request: str
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


@attrs.frozen(kw_only=True)
class Exchange:
    """
    One line of a recording.

    :param name: Its name.
    :param method: The HTTP method.
    :param path: The path, with names in braces or brackets for ids.
    :param actor: Who sends the request.
    :param options: Headers and body, as options of ``requests``.
    :param response: The response of the real server.
    """

    name: str
    method: str
    path: str
    actor: str
    options: dict[str, Any]
    response: Response

    @property
    def resource(self) -> str:
        """The type of resource that it is about."""
        raise NotImplementedError

    @property
    def is_core(self) -> bool:
        """Whether the driver, or the official client's main use, sends such a request."""
        raise NotImplementedError

    def result(self, differences: Sequence[str], *, is_played: bool) -> Result:
        """The outcome of putting it to the sandbox."""
        return Result(
            name=self.name,
            request=f"{self.method} {self.path}",
            resource=self.resource,
            is_core=self.is_core,
            differences=differences if is_played else (),
            is_played=is_played,
        )


def reasons(family: str) -> Mapping[str, Any]:
    """Read why some exchanges are left out, and why some are not played."""
    return dict(yaml.safe_load((DATA / "reasons.yaml").read_text("utf-8"))[family])


def unplayed(family: str, results: Sequence[Result]) -> dict[str, list[Result]]:
    """The exchanges that are not played, by the reason; by nothing if there is none."""
    patterns: Mapping[str, str] = reasons(family)["not played"]
    groups: dict[str, list[Result]] = {}
    for result in results:
        if result.outcome == "not played":
            why = [patterns[key] for key in patterns if re.fullmatch(key, result.request)]
            groups.setdefault(why[0] if why else "", []).append(result)
    return groups


def share(results: Sequence[Result], *, core: bool = False) -> float:
    """The part of what is played that agrees, in percent."""
    played = [result for result in results if result.is_played and (result.is_core or not core)]
    agreeing = [result for result in played if result.outcome == "agrees"]
    return 100 * len(agreeing) / len(played) if played else 100.0


def table(results: Sequence[Result]) -> str:
    """Write the outcomes by resource, as a table of Markdown."""
    lines = ["| resource | agrees | differs | not played |", "| --- | ---: | ---: | ---: |"]
    for resource in sorted({result.resource for result in results}):
        counts = Counter(result.outcome for result in results if result.resource == resource)
        cells = " | ".join(str(counts[outcome]) for outcome in OUTCOMES)
        lines.append(f"| {resource} | {cells} |")
    counts = Counter(result.outcome for result in results)
    total = " | ".join(f"**{counts[outcome]}**" for outcome in OUTCOMES)
    return "\n".join([*lines, f"| **all** | {total} |"])
