"""
Which methods of the driver work on which family of servers, and why the others do not.

A method works if the backend has the operations that it calls. ``python -m
supported_methods`` prints the page of the documentation.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import attrs
from libcloud.compute.base import NodeDriver

from slipstream.hookspecs import EndpointKind
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.operation import REASONS, own_reason
from slipstream.plugins import Plugins

HOOKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "list_nodes": ("list_deployments",),
        "list_sizes": ("list_service_offers",),
        "list_locations": ("list_connectors",),
        "list_images": ("list_modules",),
        "get_image": ("get_module",),
        "delete_image": ("delete_module",),
        "create_node": ("deploy",),
        "deploy_node": ("deploy", "get_deployments"),
        "start_node": ("start_deployment",),
        "stop_node": ("stop_deployment",),
        "ex_start_node": ("start_deployment",),
        "ex_stop_node": ("stop_deployment",),
        "reboot_node": ("reboot_deployment",),
        "destroy_node": ("terminate",),
        "list_key_pairs": ("list_ssh_keys",),
        "get_key_pair": ("list_ssh_keys",),
        "create_key_pair": ("add_ssh_key",),
        "import_key_pair_from_string": ("add_ssh_key",),
        "import_key_pair_from_file": ("add_ssh_key",),
        "delete_key_pair": ("delete_ssh_key",),
        "wait_until_running": ("get_deployments",),
        "ex_find_image": ("list_modules",),
        "ex_find_node": ("list_deployments", "get_deployment"),
        "ex_get_node": ("get_deployment",),
        "ex_get_node_logs": ("get_logs",),
        "ex_get_node_parameter": ("get_parameter",),
        "ex_iterate_images": ("list_modules",),
        "ex_iterate_key_pairs": ("list_ssh_keys",),
        "ex_iterate_locations": ("list_connectors",),
        "ex_iterate_nodes": ("list_deployments",),
        "ex_iterate_sizes": ("list_service_offers",),
        "ex_iterate_virtual_machines": ("list_virtual_machines",),
        "ex_list_virtual_machines": ("list_virtual_machines",),
        "ex_update_node": ("update_deployment",),
        "ex_wait_node_in_state": ("get_state",),
        "ex_explain": (),
        "ex_operation": (),
        "ex_save_cookies": (),
        "close": (),
    }
)
"""The hooks that each method calls, without ``slipstream_``."""


@attrs.frozen(kw_only=True)
class Support:
    """
    Whether a method works on a kind of endpoint.

    :param method: The method's name.
    :param works: Whether it does; if not, it raises ``NotSupported``.
    :param remark: Why not and what to do instead; for one that works, what it cannot give.
    """

    method: str
    works: bool
    remark: str = ""


def public_methods() -> list[str]:
    """The names of the driver's methods: libcloud's in libcloud's order, then our own."""
    existing = dict(inspect.getmembers(SlipStreamNodeDriver, inspect.isfunction))
    libclouds = [name for name in vars(NodeDriver) if name in existing]
    names = [*libclouds, *sorted(existing.keys() - set(libclouds))]
    return [name for name in names if not name.startswith("_")]


def support_of(method: str, kind: EndpointKind) -> Support:
    """Whether a method works on a kind of endpoint."""
    if method in REASONS:
        problem, advice = REASONS[method]
        own = own_reason(method, kind.backend.cannot)
        remark = own or f"{problem[0].upper()}{problem[1:]}. {advice}"
        return Support(method=method, works=False, remark=remark)
    hooks = HOOKS[method]
    remarks = (kind.backend.cannot.get(hook, "") for hook in hooks)
    return Support(
        method=method,
        works=all(kind.backend.supports(hook) for hook in hooks),
        remark=" ".join(filter(None, remarks)),
    )


def page() -> str:
    """The page of the documentation, in Markdown: what comes with the package, by family."""
    plugins = Plugins(allowed=())
    kinds = {
        contribution.record.backend.name: contribution.record
        for contribution in plugins.endpoint_kinds
    }
    return "\n".join([*_lines(kinds), ""])


def _lines(kinds: Mapping[str, EndpointKind]) -> Iterator[str]:
    table = {
        method: [support_of(method, kind) for kind in kinds.values()]
        for method in public_methods()
    }
    yield _INTRODUCTION
    for title, is_libclouds in (("libcloud's methods", True), ("Methods beyond libcloud", False)):
        yield f"\n## {title}\n"
        yield from _row("method", *kinds, head=True)
        for method, supports in table.items():
            if hasattr(NodeDriver, method) is is_libclouds:
                yield from _row(_link(method), *map(_cell, supports))
    yield f"\n## Why not, and what to do instead\n\n{_REASONS}\n"
    yield from _row("not supported", "reason, and what to do instead", head=True)
    for (names, remark), methods in _remarks(kinds, table).items():
        on = "" if len(names) == len(kinds) else f" (on {', '.join(names)})"
        reason = _CALL.sub(lambda match: _link(match[1]), remark)
        yield from _row(", ".join(f"`{method}`" for method in methods) + on, reason)


def _remarks(
    kinds: Mapping[str, EndpointKind], table: Mapping[str, list[Support]]
) -> dict[tuple[tuple[str, ...], str], list[str]]:
    """The methods of which a remark is true, by the families that it is true on."""
    grouped: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for method, supports in table.items():
        families: dict[str, tuple[str, ...]] = {}
        for name, support in zip(kinds, supports, strict=True):
            if support.remark:
                families[support.remark] = (*families.get(support.remark, ()), name)
        for remark, names in families.items():
            grouped.setdefault((names, remark), []).append(method)
    return grouped


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
