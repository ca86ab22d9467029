"""What the public methods of the driver have in common, and those that work on no server."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

from libcloud.compute.base import NodeDriver

from slipstream.errors import (
    BadInput,
    DeployFailed,
    DriverError,
    NotSupported,
    PluginFailed,
    UnknownName,
    nearest,
)
from slipstream.transport.call_context import Call, carrying_out
from slipstream.values.text import safe_text

P = ParamSpec("P")
R = TypeVar("R")

LONGEST = 500
"""Characters of what an exception says, and again of its hint."""

_EXPLAINED = (PluginFailed, DeployFailed)
"""What another library or plugin raised: its own exception says more than our sentence."""


def operation(method: Callable[P, R]) -> Callable[P, R]:
    """
    Complete the exceptions of a method, and name the keyword that was meant.

    All that it sends is part of one call of the user, what a generator sends later included.
    On a driver that was closed, that came out of a pickle, or whose connections a test has
    replaced, it is refused before anything else.
    """
    name, names = method.__name__, keywords_of(method)
    keywords = frozenset(names)
    takes_any = bool(inspect.unwrap(method).__code__.co_flags & inspect.CO_VARKEYWORDS)

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not takes_any and not kwargs.keys() <= keywords:
            check_keywords(name, kwargs, names)
        driver: Any = args[0]
        with carrying_out(Call(name)) as whole:
            try:
                # A connection has the check itself.
                getattr(driver, "connectionCls", driver).check_class()
                if driver._session is not None:  # noqa: SLF001 - of the driver itself
                    driver._session.ensure_open()  # noqa: SLF001
                result = method(*args, **kwargs)
            except DriverError as error:
                raise _completed(error, driver, whole) from _cause(error, driver)
        if isinstance(result, Generator):
            return cast(R, _steps(result, driver, whole))
        return result

    # inspect.getfullargspec() does not look at what is wrapped.
    vars(call)["__signature__"] = inspect.signature(method)
    return call


def keywords_of(method: Callable[..., Any]) -> list[str]:
    """The names of a method's arguments but for ``self``, in their order."""
    code = inspect.unwrap(method).__code__
    return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


def check_keywords(method: str, names: Iterable[str], keywords: list[str]) -> None:
    """Refuse keywords that a method does not take."""
    for name in names:
        if name in keywords:
            continue
        near = nearest(name, keywords) or nearest(f"ex_{name}", keywords)
        if near:
            raise TypeError(f"{method}() takes no argument {name!r}; did you mean {near!r}?")
        takes = ", ".join(keywords) or "none"
        raise TypeError(f"{method}() takes no argument {name!r}; it takes: {takes}")


def _completed(error: DriverError, driver: Any, call: Call) -> DriverError:
    if error.operation is None:
        transport = getattr(driver._session, "transport", None)  # noqa: SLF001
        if transport is not None:
            transport.redactor.mask_error(error)
        # Whatever part of it is a server's, it is safe to print.
        error.args = (safe_text(error.summary, LONGEST), *error.args[1:])
        error.hint = error.hint and safe_text(error.hint, LONGEST)
        error.driver, error.operation, error.call_id = driver.name, call.operation, call.id
        about_server = driver._session is not None and (  # noqa: SLF001
            isinstance(error, UnknownName) or not isinstance(error, BadInput)
        )
        if error.endpoint is None and about_server:
            error.endpoint = driver._session.endpoint.url  # noqa: SLF001
    return error


def _cause(error: DriverError, driver: Any) -> BaseException | None:
    """
    The exception that says more than ours, if there is one.

    Our own would only lengthen the traceback, and one that quotes a secret goes.
    """
    cause = error.__cause__
    if isinstance(cause, DriverError) and not isinstance(error, _EXPLAINED):
        return None
    transport = getattr(driver._session, "transport", None)  # noqa: SLF001
    quotes = cause is not None and transport and transport.redactor.quotes_secret(cause)
    return None if quotes else cause


def _steps(entries: Generator[Any], driver: Any, call: Call) -> Iterator[Any]:
    """Each step is part of the call; what the caller does between two steps is not."""
    with closing(entries):
        while True:
            with carrying_out(call):
                try:
                    entry = next(entries)
                except StopIteration:
                    return
                except DriverError as error:
                    raise _completed(error, driver, call) from _cause(error, driver)
            yield entry


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
