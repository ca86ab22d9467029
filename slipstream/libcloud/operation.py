"""What every public method of the driver has in common."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, ParamSpec, TypeVar, cast

from slipstream.errors import (
    BadInput,
    DeployFailed,
    DriverError,
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
