"""The driver that is checked, and what has been seen of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
from libcloud.compute.base import NodeDriver

from slipstream.conformance.contract import KINDS
from slipstream.conformance.masking import Mask
from slipstream.conformance.registry import NotApplicable, Skipped


@attrs.frozen(kw_only=True)
class Choice:
    """
    What to make a node of; the first of each list when left out.

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
    The driver that is checked.

    :param driver: The driver.
    :param choice: What to make a node of.
    :param secrets: The texts that no message may hold.
    :param with_wrong_login: Makes the same driver with a secret that is wrong.
    :param kept: What one check leaves to a later one.
    :ivar mask: Takes the secrets out of texts.
    """

    driver: Any
    choice: Choice = Choice()
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    with_wrong_login: Callable[[], Any] | None = attrs.field(default=None, repr=False)
    kept: dict[str, Any] = attrs.field(factory=dict, repr=False)
    mask: Mask = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: Mask(self.secrets), True)
    )
    _listings: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)
    _cleanup: list[tuple[str, Callable[[], object]]] = attrs.field(
        factory=list, init=False, repr=False
    )

    def own(self, method: str) -> bool:
        """
        Tell whether the driver has a method of its own instead of the base's.

        :param method: The method's name.
        """
        return getattr(type(self.driver), method, None) is not getattr(NodeDriver, method, None)

    def ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """
        Call a method of the driver.

        :param method: The method's name.
        :param args: What to give it.
        :param kwargs: What to give it by name.
        :raises NotApplicable: If the driver says that it has no such thing.
        """
        try:
            return getattr(self.driver, method)(*args, **kwargs)
        except NotImplementedError as error:
            raise NotApplicable(f"{method}() is refused: {said(error)}") from None

    def listing(self, kind: str) -> Any:
        """
        What the first call of a list method returned or raised; it is called once.

        :param kind: What is listed, as in ``key_pairs``.
        :raises NotApplicable: If the driver says that it has no such thing.
        """
        if kind not in self._listings:
            try:
                self._listings[kind] = self.ask(KINDS[kind].method)
            except Exception as error:  # noqa: BLE001 - a driver may raise any
                self._listings[kind] = error
        found = self._listings[kind]
        if isinstance(found, Exception):
            raise found
        return found

    def listed(self, kind: str) -> list[Any]:
        """
        The things that a list method listed.

        :param kind: What is listed, as in ``key_pairs``.
        :returns: At least one.
        :raises NotApplicable: If there are none.
        :raises Skipped: If the listing failed, which is another check's finding.
        """
        method = KINDS[kind].method
        try:
            found = self.listing(kind)
        except NotApplicable:
            raise
        except Exception:  # noqa: BLE001 - told by the check of the list itself
            found = None
        if not isinstance(found, list):
            raise Skipped(f"{method}() gave no list; see list.{kind}.")
        if not found:
            raise NotApplicable(f"{method}() is empty, so there is none to look at.")
        return found

    def at_end(self, what: str, undo: Callable[[], object]) -> None:
        """
        Have something undone when the checks are over, however they end.

        :param what: What would stay behind otherwise.
        :param undo: Undoes it; does nothing when there is nothing left to undo.
        """
        self._cleanup.append((what, undo))

    def clean_up(self) -> Iterable[str]:
        """
        Undo what is left to undo, the last first.

        :returns: A sentence for each thing that stays behind.
        """
        left = []
        while self._cleanup:
            what, undo = self._cleanup.pop()
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - a driver may raise any
                left.append(f"{what} stays behind; remove it by hand. {described(error)}")
        return left


def close(driver: Any) -> None:
    """
    Close a driver's connections, where it has a method for that.

    :param driver: The driver.
    """
    closing = getattr(driver, "close", None)
    if callable(closing):
        closing()


def described(error: BaseException) -> str:
    """
    An exception as a few words: its type and what it says.

    :param error: The exception.
    """
    return f"{type(error).__name__}: {said(error)}"


def said(error: BaseException, say: Callable[[object], str] = str) -> str:
    """
    What an exception says; printing some of libcloud's fails.

    :param error: The exception.
    :param say: ``str`` or ``repr``.
    """
    try:
        return say(error) or "without a word"
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        return f"(printing it raises {type(failure).__name__})"
