"""What every public method of the driver has in common: keywords checked, errors completed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, ParamSpec, TypeVar, cast

from slipstream.errors import DeployFailed, DriverError, PluginFailed, nearest
from slipstream.transport.call_context import Call, carrying_out

P = ParamSpec("P")
R = TypeVar("R")

_EXPLAINED = (PluginFailed, DeployFailed)
"""What another library or plugin raised: its own exception says more than our sentence."""


def operation(method: Callable[P, R]) -> Callable[P, R]:
    """
    Complete the exceptions of a method, and name the keyword that was meant.

    All that it sends is part of one call of the user, what a generator sends later included. On
    a driver that was closed, or that came out of a pickle, it is refused before anything else.

    :param method: A method of the driver.
    :returns: The method with that done around it.
    """
    keywords = keywords_of(method)
    takes_any = inspect.Parameter.VAR_KEYWORD in _kinds(method)

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not takes_any:
            check_keywords(method.__name__, kwargs, keywords)
        this, driver = Call(method.__name__), cast(Any, args[0])
        with _part_of(driver, this):
            driver._ensure_usable()  # noqa: SLF001 - of the driver's own base
            result = method(*args, **kwargs)
        if isinstance(result, Generator):
            return cast(R, _lazily(result, driver, this))
        return result

    return call


def keywords_of(method: Callable[..., Any]) -> list[str]:
    """
    The names of a method's arguments but for ``self``.

    :param method: The method, not bound.
    """
    parameters = inspect.signature(method).parameters.values()
    named = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    return [parameter.name for parameter in parameters if parameter.kind in named][1:]


def _kinds(method: Callable[..., Any]) -> set[Any]:
    return {parameter.kind for parameter in inspect.signature(method).parameters.values()}


def check_keywords(method: str, given: Iterable[str], known: list[str]) -> None:
    """
    Make sure that a method takes the keywords that it is given.

    :param method: The method's name.
    :param given: The keywords.
    :param known: The names of its arguments.
    :raises TypeError: If it does not; the nearest name is told.
    """
    for name in given:
        if name not in known:
            raise TypeError(_unexpected(method, name, known))


@contextmanager
def _part_of(driver: Any, call: Call) -> Iterator[None]:
    with carrying_out(call) as whole:
        try:
            yield
        except DriverError as error:
            if error.operation is None:
                error.driver, error.operation, error.call_id = (
                    driver.name,
                    whole.operation,
                    whole.id,
                )
            # The causes below would only lengthen the traceback; the context keeps them.
            raise error from (error.__cause__ if isinstance(error, _EXPLAINED) else None)


def _lazily(entries: Generator[Any], driver: Any, call: Call) -> Iterator[Any]:
    """Each step is part of the call, and what the caller does between two steps is not."""
    with closing(entries):
        while True:
            with _part_of(driver, call):
                try:
                    entry = next(entries)
                except StopIteration:
                    return
            yield entry


def _unexpected(method: str, name: str, keywords: list[str]) -> str:
    near = nearest(name, keywords) or nearest(f"ex_{name}", keywords)
    if near:
        return f"{method}() takes no argument {name!r}; did you mean {near!r}?"
    return f"{method}() takes no argument {name!r}; it takes: {', '.join(keywords) or 'none'}"
