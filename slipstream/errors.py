"""
Every exception of the driver and its plugins, as one tree below :class:`DriverError`.

What a plugin raises is what a user catches. Each prints as a sentence, pickles, and holds no
secret. Most are also the exception of libcloud or of Python that programs catch for such a
failure. libcloud raises ``BaseHTTPError``, which is no ``LibcloudError``, where a server refuses,
so programs catch the one or the other: each of these is both. Bad types are a plain
``TypeError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    MalformedResponseError,
    ProviderError,
    ServiceUnavailableError,
)
from libcloud.compute.types import DeploymentError, KeyPairDoesNotExistError, KeyPairError

# Written out, since type checkers follow nothing else through the second name of this module.
__all__ = [
    "AnswerLost",
    "AnswerTimeout",
    "BadInput",
    "CannotConnect",
    "Conflict",
    "ConnectTimeout",
    "DeployFailed",
    "DriverClosed",
    "DriverError",
    "FileForbidden",
    "FileMissing",
    "FileUnreadable",
    "Forbidden",
    "InvalidCredentials",
    "KeyPairConflict",
    "KeyPairMissing",
    "MalformedAnswer",
    "NoAnswer",
    "NodeFailed",
    "NotFound",
    "NotSupported",
    "PluginFailed",
    "RateLimitReached",
    "RedirectRefused",
    "RequestFailed",
    "ServiceUnavailable",
    "UnknownName",
    "WaitTimeout",
]


class DriverError(LibcloudError, BaseHTTPError):
    """
    The root of the tree.

    The driver adds its name, the operation and the call's id to every exception that passes
    through it.

    :param message: What failed, as a sentence.
    :param endpoint: The address of the server, if a server is involved.
    :param hint: What the reader can do next.
    """

    code: int = 0
    """The HTTP status of the response, 0 where the failure is no response."""
    request_id: str | None = None
    """The server's id of the request, if there is one."""
    driver: Any = None
    """The driver's name; not the driver itself, which cannot be pickled."""
    operation: str | None = None
    """The driver's method."""
    call_id: str | None = None
    """What ties together the log lines of the call that failed."""
    may_have_happened: bool = False
    """Whether a change was sent whose effect is unknown: look before you try again."""
    private_key: str | None = None
    """The private half of a key pair that may have been created; in no text and no pickle."""
    _retry_after: float | None = None

    def __init__(
        self, message: str, *, endpoint: str | None = None, hint: str | None = None
    ) -> None:
        # The constructors of libcloud's classes do not call each other, and OSError's would
        # split several arguments into errno and strerror.
        Exception.__init__(self, message)
        self.endpoint = endpoint
        self.hint = hint

    @property
    def summary(self) -> str:
        """What failed, without the endpoint and the hint."""
        return str(self.args[0])

    @property
    def message(self) -> str:
        """The whole sentence."""
        return str(self)

    value = message  # what some of libcloud's own exceptions call it

    @property
    def headers(self) -> dict[str, str]:
        """The part of the response's headers that says when to try again."""
        seconds = self._retry_after
        return {} if seconds is None else {"retry-after": f"{seconds:g}"}

    def __str__(self) -> str:
        text = self.summary
        if self.endpoint and self.endpoint not in text:
            text = f"{text.rstrip('.')} (endpoint {self.endpoint})"
        if not self.hint:
            return text
        return f"{text} {self.hint}" if text.endswith("?") else f"{text.rstrip('.')}. {self.hint}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The keywords of a constructor are not in args, so that it cannot be called again.
        state = {name: value for name, value in vars(self).items() if name != "private_key"}
        return _empty, (type(self),), {**state, "args": self.args}


def _empty(cls: type[DriverError]) -> DriverError:
    return OSError.__new__(cls) if issubclass(cls, OSError) else cls.__new__(cls)


class BadInput(DriverError, ValueError):
    """An argument cannot be right; nothing was changed because of it."""


class DriverClosed(BadInput):
    """The driver was closed; nothing was sent."""


class UnknownName(BadInput):
    """
    A name that does not exist.

    :param what: The kind of thing that was named, as in ``"parameter"``.
    :param name: The unknown name.
    :param names: The names that exist.
    :param where: Where it was looked up, as in ``"of apps/WordPress/wordpress"``.
    """

    def __init__(
        self, what: str, name: str = "", names: Iterable[str] = (), where: str = ""
    ) -> None:
        self.what, self.name, self.where = what, name, where
        self.names = tuple(sorted(names))
        message = f"Unknown {what} {shorten(name)!r}{where and ' '}{where}"
        listed = ", ".join(self.names)
        if not listed:
            message += " (there are none)"
        elif near := nearest(name, self.names):
            message += f"; did you mean {near!r}? Known: {listed}"
        else:
            message += f"; known: {listed}"
        super().__init__(message)


class FileUnreadable(BadInput, OSError):
    """A file that a user names cannot be read or written; ``errno`` and ``filename`` are set."""

    def __reduce__(self) -> tuple[Any, ...]:
        make, args, state = super().__reduce__()
        names = ("errno", "strerror", "filename")
        return make, args, {**state, **{name: getattr(self, name) for name in names}}


class FileMissing(FileUnreadable, FileNotFoundError):
    """A file that a user names does not exist."""


class FileForbidden(FileUnreadable, PermissionError):
    """A file that a user names may not be read or written."""


class NotSupported(DriverError, NotImplementedError):
    """The endpoint in use is of a kind that has no such operation."""


class NoAnswer(DriverError, ConnectionError):
    """No response came back."""


class CannotConnect(NoAnswer):
    """The connection could not be made, so the request was not carried out."""


class ConnectTimeout(CannotConnect, TimeoutError):
    """The connection was not made within ``timeout``."""


class AnswerLost(NoAnswer):
    """The request was sent and no response came: it may or may not have been carried out."""

    may_have_happened = True


class AnswerTimeout(AnswerLost, TimeoutError):
    """The request was sent and no complete response came within ``timeout``."""


class RedirectRefused(NoAnswer):
    """
    The response is a redirection, which is never followed: a login that follows
    one from http to https would silently turn into a read.
    """


class MalformedAnswer(DriverError, MalformedResponseError):
    """A response that cannot be understood."""

    body = None
    """Always ``None``: it may hold secrets."""


class NodeFailed(DriverError):
    """
    A deployment was aborted, or can no longer reach the state that was waited for.

    :param state: The state of the first of the nodes, in the server's word.
    :param reason: The server's reason for the abort, if there was one.
    :param node_ids: The ids of the nodes.
    """

    def __init__(
        self,
        message: str,
        *,
        state: str = "",
        reason: str | None = None,
        node_ids: Iterable[str] = (),
        **options: str | None,
    ) -> None:
        super().__init__(message, **options)
        self.state = state
        self.reason = reason
        self.node_ids = tuple(node_ids)


class WaitTimeout(DriverError, TimeoutError):
    """The wait has timed out; the deployment goes on."""


class DeployFailed(DriverError, DeploymentError):
    """
    ``deploy_node`` created a node and could not set it up; the node still exists.

    :param node: The :class:`~libcloud.compute.base.Node`.
    :param original_error: The cause. It is not pickled: its class may be any.
    """

    def __init__(
        self,
        message: str,
        *,
        node: Any = None,
        original_error: Exception | None = None,
        **options: str | None,
    ) -> None:
        super().__init__(message, **options)
        self.node = node
        self.original_error = original_error

    def __reduce__(self) -> tuple[Any, ...]:
        make, args, state = super().__reduce__()
        return make, args, {**state, "original_error": None}


class PluginFailed(DriverError):
    """A plugin is missing, broken or in conflict with another one."""


class _OfKeyPair(DriverError):
    """A failure that is about one key pair."""

    def __init__(self, message: str, *, name: str = "", **options: str | None) -> None:
        super().__init__(message, **options)
        self.name = name


class KeyPairConflict(_OfKeyPair, KeyPairError):
    """
    A key pair's name is taken or ambiguous, or another program changed the keys meanwhile.

    :param name: The key pair's name.
    """


class KeyPairMissing(_OfKeyPair, KeyPairDoesNotExistError):
    """
    There is no key pair of that name.

    :param name: The key pair's name.
    """


class RequestFailed(DriverError, ProviderError):
    """
    The response has an error status.

    :param code: The HTTP status.
    :param detail: The server's own words, if it had any.
    :param retry_after: Seconds after which the server suggests to try again, if it does.
    :param request_id: The server's id of the request, if there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        detail: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        **options: str | None,
    ) -> None:
        super().__init__(message, **options)
        if code is not None:
            self.code = code
        self.detail = detail
        self.request_id = request_id
        self._retry_after = retry_after

    @property
    def http_code(self) -> int:  # type: ignore[override]  # libcloud's is set by its constructor
        """The HTTP status."""
        return self.code

    @property
    def retry_after(self) -> float:
        """Seconds after which the server suggests to try again, 0 if it suggests none."""
        return self._retry_after or 0.0


class InvalidCredentials(RequestFailed, InvalidCredsError):
    """The login was refused, or has expired for good."""

    code = 401


class Forbidden(RequestFailed):
    """Logged in, but not allowed to do this."""

    code = 403


class NotFound(RequestFailed):
    """The server does not have it."""

    code = 404


class Conflict(RequestFailed):
    """A rule of the server forbids it now; most refused deployments are of this kind."""

    code = 409


class RateLimitReached(RequestFailed, RateLimitReachedError):  # type: ignore[override]
    """Too many requests; ``retry_after`` is the seconds to wait."""

    code = 429


class ServiceUnavailable(RequestFailed, ServiceUnavailableError):
    """The server, or a proxy before it, cannot serve now."""

    code = 503


def can_be_shown(error: DriverError) -> bool:
    """Whether an exception of a plugin's own class has all attributes, and prints."""
    try:
        texts = [str(error), repr(error), error.summary, error.hint or "", error.endpoint or ""]
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a foreign class may raise any
        return False
    return all(isinstance(text, str) for text in texts)


def blame(error: BaseException, failure: Callable[[str], DriverError]) -> NoReturn:
    """
    Raise an exception of ours again, and a failure in place of any other one.

    The failure is made of the name of the exception's class, and has the exception as its cause.
    The exception's text is not quoted, since it could hold a secret.
    """
    if isinstance(error, KeyboardInterrupt) or (
        isinstance(error, DriverError) and can_be_shown(error)
    ):
        raise error
    raise_failure(failure(type(error).__name__), error, cause=error)


def raise_failure(
    failure: DriverError, error: BaseException, *, cause: BaseException | None
) -> NoReturn:
    """
    Raise a failure in place of an exception that is not ours.

    Nothing built in ends the process: a ``SystemExit`` there comes from a signal's handler, and
    is raised again.
    """
    if isinstance(failure, MalformedAnswer) and not isinstance(error, Exception):
        raise error
    raise failure from cause


def nearest(name: str, names: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Find the most similar name, if one is near; ``cutoff`` is how much alike, up to 1."""
    by_lower = {candidate.lower(): candidate for candidate in names}
    matches = get_close_matches(name.lower()[:200], by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def shorten(text: str, limit: int = 120) -> str:
    """Cut a text in its middle if it is longer than ``limit``, for messages; no private key."""
    if "PRIVATE KEY" in text:
        return f"(a private key of {len(text)} characters)"
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]}...{text[-half:]}"
