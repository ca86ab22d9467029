"""
Which methods of the driver work on which family of servers, and why the others do not.

A method works if the backend has the operations that it calls. ``python -m
supported_methods`` prints the page of the documentation.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from libcloud.compute.base import NodeDriver

from slipstream.hookspecs import OPERATIONS
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.operation import REASONS, own_reason
from slipstream.plugins import Plugins


class Support(NamedTuple):
    """Whether a method works on a kind of endpoint, and what to say of it."""

    works: bool
    remark: str


def public_methods() -> list[str]:
    """The names of the driver's methods: libcloud's in libcloud's order, then our own."""
    existing = dict(inspect.getmembers(SlipStreamNodeDriver, inspect.isfunction))
    libclouds = [name for name in vars(NodeDriver) if name in existing]
    names = [*libclouds, *sorted(existing.keys() - set(libclouds))]
    return [name for name in names if not name.startswith("_")]


def _hooks_of(method: str, callers: tuple[str, ...] = ()) -> set[str]:
    """The operations of a backend that a method calls, itself or by others of the driver."""
    function = getattr(SlipStreamNodeDriver, method, None)
    if not inspect.isfunction(function) or method in callers:
        return set()
    source = inspect.getsource(inspect.unwrap(function))
    hooks = OPERATIONS.keys() & set(re.findall(r"self\._backend\.(\w+)", source))
    others = re.findall(r"self\.(\w+)\(", source)
    return hooks.union(*(_hooks_of(other, (*callers, method)) for other in others))


HOOKS: Mapping[str, set[str]] = {
    method: _hooks_of(method) for method in public_methods() if method not in REASONS
}
"""The hooks that each method calls, without ``slipstream_``."""


def support_of(method: str, kind: Any) -> Support:
    """Whether a method works on a kind of endpoint; if not, it raises ``NotSupported``."""
    if method in REASONS:
        problem, advice = REASONS[method]
        own = own_reason(method, kind.backend.cannot)
        return Support(False, own or f"{problem[0].upper()}{problem[1:]}. {advice}")
    hooks = HOOKS[method]
    remarks = (kind.backend.cannot.get(hook, "") for hook in sorted(hooks))
    return Support(all(map(kind.backend.supports, hooks)), " ".join(filter(None, remarks)))


def page() -> str:
    """The page of the documentation, in Markdown: what comes with the package, by family."""
    records = [contribution.record for contribution in Plugins(allowed=()).endpoint_kinds]
    return "\n".join([*_lines({record.backend.name: record for record in records}), ""])


def _lines(kinds: Mapping[str, Any]) -> Iterator[str]:
    table = {
        method: {name: support_of(method, kind) for name, kind in kinds.items()}
        for method in public_methods()
    }
    yield _INTRODUCTION
    for title, is_libclouds in (("libcloud's methods", True), ("Methods beyond libcloud", False)):
        yield f"\n## {title}\n"
        yield from _row("method", *kinds, head=True)
        for method, supports in table.items():
            if hasattr(NodeDriver, method) is is_libclouds:
                yield from _row(_link(method), *map(_cell, supports.values()))
    yield f"\n## Why not, and what to do instead\n\n{_REASONS}\n"
    yield from _row("not supported", "reason, and what to do instead", head=True)
    methods_by_remark: dict[tuple[str, ...], list[str]] = {}
    for method, supports in table.items():
        for remark in dict.fromkeys(support.remark for support in supports.values()):
            names = [name for name, support in supports.items() if support.remark == remark]
            if remark:
                methods_by_remark.setdefault((remark, *names), []).append(f"`{method}`")
    for (remark, *names), methods in methods_by_remark.items():
        on = "" if len(names) == len(kinds) else f" (on {', '.join(names)})"
        reason = _CALL.sub(lambda match: _link(match[1]), remark)
        yield from _row(", ".join(methods) + on, reason)


def _link(method: str) -> str:
    """A link to the method in the reference; one that no server has is in its last table."""
    if method in REASONS:
        return f"[`{method}`](driver.md#not-supported)"
    return f"{{py:meth}}`~SlipStreamNodeDriver.{method}`"


def _cell(support: Support) -> str:
    if support.works:
        return "yes, see below" if support.remark else "yes"
    return "[no](#why-not-and-what-to-do-instead)"


def _row(*cells: str, head: bool = False) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
    if head:
        yield f"|{' --- |' * len(cells)}"


_CALL = re.compile(r"\b([a-z_]+)\(\)")
_INTRODUCTION = """\
# Supported methods

```{py:currentmodule} slipstream.libcloud.compute_driver
```

The methods that work on each family of servers. A method that does not work raises `NotSupported`,
which is a `NotImplementedError` and a `LibcloudError`. Nothing is sent, and the message says what
to do instead.

An endpoint of a kind that a plugin adds works like the family whose backend it uses. A backend of
its own may have other [operations](../guides/write-a-backend.md#operations). [From SlipStream to
Nuvla](../from-slipstream-to-nuvla.md) lists the options that differ.

`PYTHONPATH=tests python -m supported_methods` prints this page from the code."""
_REASONS = "<!-- reasons -->"

if __name__ == "__main__":
    print(page(), end="")
