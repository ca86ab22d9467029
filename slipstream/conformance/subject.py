"""The driver under check, and what the checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
from libcloud.compute.base import NodeDriver

from slipstream.conformance.checks import NotApplicable, Skipped
from slipstream.conformance.mask import Mask


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
        """Tell whether the driver has a method of its own instead of the base's."""
        return getattr(type(self.driver), method, None) is not getattr(NodeDriver, method, None)

    def require(self, method: str) -> None:
        """Raise :class:`NotApplicable` unless the driver has a method of its own."""
        if not self.overrides(method):
            raise NotApplicable(f"The driver has no {method}() of its own.")

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method; raise :class:`NotApplicable` if it is not implemented."""
        try:
            return getattr(self.driver, method)(*args, **kwargs)
        except NotImplementedError as error:
            raise NotApplicable(f"{method}() is not supported: {text_of(error)}") from None

    def listing(self, kind: str) -> Any:
        """
        What the first call of a list method returned or raised; it is called once.

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
        """Undo something when the checks are over; the text says what would stay behind."""
        self._cleanup.append((what, undo))

    def clean_up(self) -> Iterator[str]:
        """Undo what is left, the last first; yield a sentence for each thing that stays."""
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
