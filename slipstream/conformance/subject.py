"""The checks, the driver under check, and what the checks share."""

from __future__ import annotations

import ast
import enum
import html
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import quote, quote_plus

import attrs
from libcloud.compute.base import NodeDriver

Point = Literal["methods", "objects", "lists", "errors", "changes", "backend"]
POINTS: tuple[Point, ...] = get_args(Point)
"""The parts of the contract, in the order in which they are checked."""
Function = TypeVar("Function", bound=Callable[..., str])


class Outcome(enum.StrEnum):
    """The outcome of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"
    SKIPPED = "skipped"


class Failed(Exception):
    """The driver breaks the contract; the text says how."""

    outcome = Outcome.FAILS


class NotApplicable(Exception):
    """The driver's platform has nothing to check; the text says why."""

    outcome = Outcome.NOT_APPLICABLE


class Skipped(Exception):
    """The check was not run; the text says why."""

    outcome = Outcome.SKIPPED


def expect(holds: object, otherwise: str) -> None:
    """Raise :class:`Failed` with a text unless something holds."""
    if not holds:
        raise Failed(otherwise)


@attrs.frozen(kw_only=True)
class Check:
    """
    A check of one point of the contract.

    :param name: A short name; with ``each`` the part before the dot.
    :param point: The part of the contract that it belongs to.
    :param function: Takes a :class:`~slipstream.conformance.subject.Subject`, and a name of
        ``each`` if there are any. Returns a sentence if the contract holds.
    :param each: The names that it checks one by one, each with an outcome of its own.
    :param needs: The methods without which there is nothing to check.
    :param changes: Whether it changes something in the account.
    """

    name: str
    point: Point
    function: Callable[..., str]
    each: Sequence[str] = ()
    needs: Sequence[str] = ()
    changes: bool = False

    @property
    def cases(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The name of each outcome, and the arguments of ``function`` for it."""
        return [(f"{self.name}.{case}", (case,)) for case in self.each] or [(self.name, ())]


CHECKS: list[Check] = []
"""All checks. They run in the order of their points, and in this order within a point."""


def check(
    name: str, *, point: Point, checks: list[Check] = CHECKS, **options: Any
) -> Callable[[Function], Function]:
    """
    Add the decorated function to the checks.

    :param checks: Where to add it. The other arguments are those of :class:`Check`.
    """

    def register(function: Function) -> Function:
        checks.append(Check(name=name, point=point, function=function, **options))
        return function

    return register


_SHORTEST = 4  # a secret of fewer characters is masked only where it is a word


class Mask:
    """Replaces secrets with ``***``, in whatever notation they are."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted(filter(None, secrets), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """Replace the secrets in a text."""
        return self._pattern.sub("***", text)

    def finds(self, text: str) -> bool:
        """Whether a text holds a secret."""
        return bool(self._pattern.search(text))


def _pattern(secret: str) -> str:
    notations = "".join(map(_notations, secret))
    return rf"(?<!\w){notations}(?!\w)" if len(secret) < _SHORTEST else notations


def _notations(character: str) -> str:
    """A pattern of a character in a text, a URL, HTML, JSON or Python."""
    notations = {character, quote(character, safe=""), quote_plus(character)}
    notations |= {html.escape(character), f"&#{ord(character)};", f"\\{character}"}
    notations |= {json.dumps(character)[1:-1], repr(character)[1:-1]}
    if character == "'":
        notations.add("&apos;")
    patterns = (
        f"(?i:{re.escape(notation)})" if notation.startswith("%") else re.escape(notation)
        for notation in sorted(notations, key=len, reverse=True)
    )
    return f"(?:{'|'.join(patterns)})"


@attrs.frozen(kw_only=True)
class Choice:
    """
    The image, size and location of a node; the first of each list when left out.

    :param image: The id of an image.
    :param size: The id of a size.
    :param location: The id of a location.
    """

    image: str | None = None
    size: str | None = None
    location: str | None = None


@attrs.define(kw_only=True)
class Subject:
    """
    The driver under check.

    :param driver: The driver.
    :param choice: What to make a node of.
    :param secrets: The texts that no message may hold.
    :param with_wrong_login: Makes the same driver with a wrong secret.
    :param without_network: Makes the same driver behind a proxy that does not exist.
    :param shared: What one check leaves to a later one.
    :ivar mask: Takes the secrets out of texts.
    """

    driver: Any
    choice: Choice = Choice()
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    with_wrong_login: Callable[[], Any] | None = attrs.field(default=None, repr=False)
    without_network: Callable[[], Any] | None = attrs.field(default=None, repr=False)
    shared: dict[str, Any] = attrs.field(factory=dict, repr=False)
    mask: Mask = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: Mask(self.secrets), True)
    )
    _listings: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)
    _cleanup: list[tuple[str, Callable[[], object]]] = attrs.field(
        factory=list, init=False, repr=False
    )

    def overrides(self, method: str) -> bool:
        """Whether the driver has a method of its own instead of the base's."""
        return getattr(type(self.driver), method, None) is not getattr(NodeDriver, method, None)

    def require(self, method: str) -> None:
        """Raise :class:`NotApplicable` unless the driver has a method of its own."""
        if not self.overrides(method):
            raise NotApplicable(f"The driver has no {method}() of its own.")

    def only_raises(self, method: str) -> bool:
        """
        Whether a method does nothing but raise, so that calling it is harmless.

        Decorators that set ``__wrapped__`` are looked through. Without a source it is ``False``.
        """
        try:
            source = inspect.getsource(inspect.unwrap(getattr(type(self.driver), method)))
            (function,) = ast.parse(textwrap.dedent(source)).body
        except (OSError, TypeError, SyntaxError, ValueError):
            return False
        if not isinstance(function, ast.FunctionDef):
            return False
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        return len(body) == 1 and isinstance(body[0], ast.Raise)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method; raise :class:`NotApplicable` if the driver does not have it."""
        if not hasattr(self.driver, method):
            raise NotApplicable(f"The driver has no {method}().")
        try:
            return getattr(self.driver, method)(*args, **kwargs)
        except NotImplementedError as error:
            raise NotApplicable(f"{method}() is not supported: {text_of(error)}") from None

    def listing(self, kind: str) -> Any:
        """
        The result or the exception of the first call of a list method; it is called once.

        :param kind: What is listed, as in ``key_pairs``.
        """
        if kind not in self._listings:
            try:
                self._listings[kind] = self.call(f"list_{kind}")
            except Exception as error:  # noqa: BLE001 - a driver may raise any
                self._listings[kind] = error
        if isinstance(self._listings[kind], Exception):
            raise self._listings[kind]
        return self._listings[kind]

    def listed(self, kind: str) -> list[Any]:
        """
        The resources that a list method returned.

        :param kind: What is listed, as in ``key_pairs``.
        :returns: At least one.
        :raises NotApplicable: If there are none.
        :raises Skipped: If listing failed, which the check ``list`` reports.
        """
        try:
            resources = self.listing(kind)
        except NotApplicable:
            raise
        except Exception:  # noqa: BLE001 - reported by the check of the list itself
            resources = None
        if not isinstance(resources, list):
            raise Skipped(f"list_{kind}() returned no list; see list.{kind}.")
        if not resources:
            raise NotApplicable(f"list_{kind}() is empty, so there is nothing to check.")
        return resources

    def at_end(self, what: str, undo: Callable[[], object]) -> None:
        """Register a clean-up for the end of the checks; the text describes what it removes."""
        self._cleanup.append((what, undo))

    def clean_up(self) -> Iterator[str]:
        """Run the clean-ups, the last first; yield a sentence for each that fails."""
        while self._cleanup:
            what, undo = self._cleanup.pop()
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - a driver may raise any
                yield f"{what} stays behind; remove it by hand. {describe(error)}"


def close(driver: Any) -> None:
    """Close a driver's connections, where it has a method for that."""
    method = getattr(driver, "close", None)
    if callable(method):
        method()


def describe(error: BaseException) -> str:
    """The type and the text of an exception."""
    return f"{type(error).__name__}: {text_of(error)}"


def text_of(error: BaseException, convert: Callable[[object], str] = str) -> str:
    """The text of an exception by ``str`` or ``repr``; printing some of libcloud's fails."""
    try:
        return convert(error) or "(no text)"
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        return f"(printing it raises {type(failure).__name__})"
