"""The decorators of the driver's public methods, and the methods that no server supports."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, NoReturn, ParamSpec, TypeVar

from libcloud.common.base import Connection
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
from slipstream.transport.calls import Call, carrying_out
from slipstream.values.fields import Pages, by_page
from slipstream.values.plain import safe_text

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

LONGEST = 500  # characters of the message of an exception, and of its hint
_EXPLAINED = (PluginFailed, DeployFailed)
"""Their cause is the exception of another library or a plugin, which says more."""

_LAZY = (Generator, Pages)
_INTERRUPTED = (
    "{} may have sent a change, which the server may have carried out: look before you try again."
)


def operation(method: Callable[P, R]) -> Callable[P, R]:
    """
    Complete the exceptions of a method, and name the nearest keyword to a misspelt one.

    All that it sends is part of one call of the user, what a generator sends later included.
    """
    return _public(method, method.__name__)


def listing(method: Callable[P, Iterator[T]]) -> Callable[P, list[T]]:
    """Make an operation of a method that returns an iterator: the operation returns a list."""
    return _public(method, method.__name__, collect=list)


def listing_by(
    order: Callable[[T], Any],
) -> Callable[[Callable[P, Iterator[T]]], Callable[P, list[T]]]:
    """Make a :func:`listing` whose list is sorted."""
    collect = functools.partial(sorted, key=order)
    return lambda method: _public(method, method.__name__, collect=collect)


def iterating(lister: Callable[P, list[T]]) -> Callable[P, Iterator[T]]:
    """The generator beside a method that :func:`listing` has made."""
    name = lister.__name__
    summary = f"""
        Go through what :meth:`{name}` lists, with the same arguments.

        Pages are read as they are needed, a few ahead; nothing is read once the generator is
        closed. What others add or remove meanwhile makes it miss or repeat no other entry.
        """
    return _public(inspect.unwrap(lister), f"ex_iterate_{name.partition('list_')[2]}", summary)


def alias(name: str, method: Callable[P, R]) -> Callable[P, R]:
    """An operation under the name that many other drivers use."""
    summary = f":meth:`{method.__name__}` by the name that many other drivers give it."
    return _public(inspect.unwrap(method), name, summary)


def _public(
    method: Callable[..., Any],
    name: str,
    summary: str | None = None,
    *,
    collect: Callable[[Iterable[Any]], list[Any]] | None = None,
) -> Callable[..., Any]:
    """Make a public method; a summary takes the place of the first paragraph of the docstring."""
    names = keywords_of(method)
    keywords = frozenset(names)
    takes_any = bool(inspect.unwrap(method).__code__.co_flags & inspect.CO_VARKEYWORDS)

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not takes_any and not kwargs.keys() <= keywords:
            check_keywords(name, kwargs, names)
        # Requests of the user's own are operations of the connection.
        driver: Any = args[0].driver if isinstance(args[0], Connection) else args[0]
        with carrying_out(Call(name)) as current:
            try:
                driver._ensure_usable()  # noqa: SLF001 - of the driver itself
                result = method(*args, **kwargs)
                if collect is not None:
                    return collect(result)
            except DriverError as error:
                raise _completed(error, driver, current) from error.__cause__
            except BaseException as interruption:
                if current.changes and not getattr(interruption, "__notes__", None):
                    interruption.add_note(_INTERRUPTED.format(name))
                raise
        return _steps(result, driver, current) if isinstance(result, _LAZY) else result

    signature = inspect.signature(method)
    if collect is not None:
        result = signature.return_annotation.replace("Iterator", "list")
        signature = signature.replace(return_annotation=result)
        call.__annotations__ = {**method.__annotations__, "return": result}
    if summary is not None:
        call.__name__ = name
        call.__qualname__ = f"{method.__qualname__.rpartition('.')[0]}.{name}"
        _, _, fields = inspect.cleandoc(method.__doc__ or "").partition("\n\n")
        call.__doc__ = f"{inspect.cleandoc(summary)}\n\n{fields}"
    # inspect.getfullargspec() does not look at what is wrapped.
    vars(call)["__signature__"] = signature
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
        bare = {keyword.removeprefix("ex_"): keyword for keyword in keywords}
        if near := nearest(name, keywords) or bare.get(nearest(name, bare) or ""):
            raise TypeError(f"{method}() takes no argument {name!r}; did you mean {near!r}?")
        takes = ", ".join(keywords) or "none"
        raise TypeError(f"{method}() takes no argument {name!r}; it takes: {takes}")


def _completed(error: DriverError, driver: Any, call: Call) -> DriverError:
    """Complete an exception with the driver's name, the operation, the call's id and its cause."""
    session = driver._session  # noqa: SLF001 - of the driver itself
    transport = getattr(session, "transport", None)
    if error.operation is None:
        if transport is not None:
            transport.redactor.mask_error(error)
        # Whatever part of it is a server's, it is safe to print.
        error.args = (safe_text(error.summary, LONGEST), *error.args[1:])
        error.hint = error.hint and safe_text(error.hint, LONGEST)
        error.driver, error.operation, error.call_id = driver.name, call.operation, call.id
        is_about_server = isinstance(error, UnknownName) or not isinstance(error, BadInput)
        if error.endpoint is None and session is not None and is_about_server:
            error.endpoint = session.endpoint.url
    cause = error.__cause__
    # A cause of our own only lengthens the traceback.
    is_own = isinstance(cause, DriverError) and not isinstance(error, _EXPLAINED)
    if is_own or (cause and transport and transport.redactor.quotes_secret(cause)):
        error.__cause__ = None
    return error


def _steps(entries: Any, driver: Any, call: Call) -> Iterator[Any]:
    """Yield the entries of a generator, each step as part of the call."""
    with closing(by_page(entries)) as pages:
        while True:
            with carrying_out(call):
                try:
                    page = next(pages)
                except StopIteration:
                    return
                except DriverError as error:
                    raise _completed(error, driver, call) from error.__cause__
            yield from page


_NO_VOLUME = (
    "disks are part of the deployed component or application, and not resources of their own",
    "Describe them there, on the server; create_node() accepts its parameters as ex_parameters.",
)
REASONS: Mapping[str, tuple[str, str]] = {
    "create_image": (
        "an image is a component or an application, which is written and built on the server",
        "Make it on the server's web page; get_image() then finds it by its path.",
    ),
    "copy_image": (
        "an image has no region, but can be deployed on every location that it is made for",
        "Pass the location to create_node().",
    ),
    **dict.fromkeys(
        ("list_volumes", "create_volume", "attach_volume", "detach_volume", "destroy_volume"),
        _NO_VOLUME,
    ),
    **dict.fromkeys(
        ("list_volume_snapshots", "create_volume_snapshot", "destroy_volume_snapshot"),
        (
            "there are no volumes, and so no snapshots of them",
            "Save the data from inside the machines.",
        ),
    ),
}
"""Why a method of libcloud works on no server (after a colon), and what to do instead."""


def own_reason(method: str, cannot: Mapping[str, str]) -> str | None:
    """The backend's reason why it does not have a method."""
    of_volumes = cannot.get("list_volumes") if "volume" in method else None
    return cannot.get(method, of_volumes)


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
