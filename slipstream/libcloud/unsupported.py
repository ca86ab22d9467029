"""Why some of libcloud's methods work on no server, and what to do instead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from libcloud.compute.base import NodeDriver

from slipstream.errors import NotSupported
from slipstream.libcloud.operation import operation

_NO_IMAGE = (
    "an image is a component or an application, which is written and built on the server",
    "Make it on the server's web page; get_image() then finds it by its path.",
)
_NO_COPY = (
    "an image has no region, but can be deployed on every location that it is made for",
    "Pass the location to create_node().",
)
_NO_VOLUME = (
    "disks are part of the component or application that is deployed, and not things of their own",
    "Describe them there, on the server; create_node() takes what it declares as ex_parameters.",
)
_NO_SNAPSHOT = (
    "there are no volumes, and so no snapshots of them",
    "Save the data from inside the machines.",
)
REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "create_image": _NO_IMAGE,
        "copy_image": _NO_COPY,
        "list_volumes": _NO_VOLUME,
        "create_volume": _NO_VOLUME,
        "attach_volume": _NO_VOLUME,
        "detach_volume": _NO_VOLUME,
        "destroy_volume": _NO_VOLUME,
        "list_volume_snapshots": _NO_SNAPSHOT,
        "create_volume_snapshot": _NO_SNAPSHOT,
        "destroy_volume_snapshot": _NO_SNAPSHOT,
    }
)
"""The reason and the advice for each method; the reason follows a colon."""


def own_reason(method: str, cannot: Mapping[str, str]) -> str | None:
    """
    Why a backend does not have a method, in its own words.

    :param method: The method's name.
    :param cannot: Its reasons, by name.
    """
    every = cannot.get("list_volumes") if "volume" in method else None
    return cannot.get(method, every)


def unsupported(name: str) -> Callable[..., NoReturn]:
    """Make a method that is not supported; its signature is libcloud's."""
    original, (problem, advice) = getattr(NodeDriver, name), REASONS[name]
    signature, what = inspect.signature(original), name.replace("_", " ")

    @functools.wraps(original)
    def refuse(driver: Any, *args: Any, **kwargs: Any) -> NoReturn:
        signature.bind(driver, *args, **kwargs)
        kind = driver._session.kind  # noqa: SLF001 - it is a method of the driver
        reason = own_reason(name, kind.backend.cannot)
        if reason is not None:
            raise NotSupported(f"{kind.name} endpoints cannot {what}.", hint=reason)
        raise NotSupported(f"Cannot {what}: {problem}.", hint=advice)

    refuse.__module__ = __name__
    refuse.__doc__ = f"""
        Not supported: {problem}.

        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
    return operation(refuse)
