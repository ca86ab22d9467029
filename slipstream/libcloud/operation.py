"""What every public method of the driver has in common: keywords checked, errors translated."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from slipstream.errors import PluginError, SlipStreamError, nearest
from slipstream.libcloud.errors import translated

P = ParamSpec("P")
R = TypeVar("R")


def operation(method: Callable[P, R]) -> Callable[P, R]:
    """
    Make a method raise libcloud's exceptions, and name the keyword that was meant.

    :param method: A method of the driver.
    :returns: The method with that done around it.
    """
    keywords = [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    ][1:]

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in keywords:
                raise TypeError(_unexpected(method.__name__, name, keywords))
        try:
            return method(*args, **kwargs)
        except SlipStreamError as error:
            driver = cast(Any, args[0])
            # What lies below tells a user nothing that the sentence does not, but for what a
            # stranger's plugin did; it stays reachable as the context.
            cause = error.__cause__ if isinstance(error, PluginError) else None
            raise translated(error, driver.name, method.__name__) from cause

    return call


def _unexpected(method: str, name: str, keywords: list[str]) -> str:
    near = nearest(name, keywords) or nearest(f"ex_{name}", keywords)
    if near:
        return f"{method}() takes no argument {name!r}; did you mean {near!r}?"
    return f"{method}() takes no argument {name!r}; it takes: {', '.join(keywords) or 'none'}"
