"""
The exceptions that users of the driver meet, as one tree::

    LibcloudError, BaseHTTPError                        (libcloud)
    └── DriverError                                     every one of these
        ├── BadInput (ValueError)                       refused before a request was sent
        │   └── DriverClosed                            a call after close()
        ├── NotSupported (NotImplementedError)          this kind of endpoint has no such thing
        ├── NoAnswer                                    the network failed
        ├── MalformedAnswer (MalformedResponseError)
        ├── NodeFailed                                  a deployment was aborted, or has ended
        ├── WaitTimeout
        ├── DeployFailed (DeploymentError)              a node was made and could not be set up
        ├── KeyPairConflict (KeyPairError)
        ├── KeyPairMissing (KeyPairDoesNotExistError)
        ├── PluginFailed
        └── RequestFailed (ProviderError)               an answer with an error status
            ├── InvalidCredentials (InvalidCredsError)
            ├── NotFound
            ├── RateLimitReached (RateLimitReachedError)
            └── ServiceUnavailable (ServiceUnavailableError)

Each prints as a sentence, pickles, and holds no secret. libcloud raises ``BaseHTTPError``, which
is no ``LibcloudError``, where a server refuses, so programs catch the one or the other: each of
these is both. Bad types are a plain ``TypeError``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    MalformedResponseError,
    ProviderError,
    ServiceUnavailableError,
)
from libcloud.compute.types import DeploymentError, KeyPairDoesNotExistError, KeyPairError

from slipstream import errors

if TYPE_CHECKING:
    from libcloud.compute.base import Node


class DriverError(LibcloudError, BaseHTTPError):
    """
    What went wrong, as a sentence.

    ``code`` is the HTTP status of the answer, 0 where no answer was the trouble; ``headers`` the
    part of its headers that says when to try again; ``request_id`` the server's name for the
    request, if it gave one.

    :param value: The sentence.
    :param driver: The name of the driver; not the driver itself, which could not be pickled.
    :param endpoint: The address of the server that was asked, if one was.
    :param operation: The driver's method.
    :param call_id: What ties together the log lines of the call that failed.
    """

    code = 0
    request_id: str | None = None

    def __init__(
        self,
        value: str,
        driver: Any = None,
        *,
        endpoint: str | None = None,
        operation: str | None = None,
        call_id: str | None = None,
    ) -> None:
        Exception.__init__(self, value)
        self.value = value
        self.message = value
        self.driver = driver
        self.endpoint = endpoint
        self.operation = operation
        self.call_id = call_id
        self.headers: dict[str, str] = {}

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class BadInput(DriverError, ValueError):
    """An argument cannot be right; nothing was changed because of it."""


class DriverClosed(BadInput):
    """The driver was closed; nothing was sent."""


class NotSupported(DriverError, NotImplementedError):
    """The endpoint in use has no such thing."""


class NoAnswer(DriverError):
    """
    No answer came back.

    ``may_have_happened`` is ``True`` when the request was sent, so that its effect is unknown.
    """

    may_have_happened = False


class MalformedAnswer(DriverError, MalformedResponseError):
    """An answer that cannot be understood; ``body`` is always ``None``."""

    body = None


class NodeFailed(DriverError):
    """
    A deployment was aborted, or can no longer reach the state that was waited for.

    ``node_ids`` tells which; ``state`` is the server's word for where the first of them stands,
    and ``reason`` that of its abort.
    """

    state = ""
    reason: str | None = None
    node_ids: tuple[str, ...] = ()


class WaitTimeout(DriverError):
    """The time for waiting is over; the deployment goes on."""


class DeployFailed(DriverError, DeploymentError):
    """
    ``deploy_node`` made a node and could not set it up; ``node`` is that node, and still there.

    ``original_error`` is what went wrong; a pickle leaves it out, since anybody's code may have
    raised it.
    """

    node: Node | None = None
    original_error: Exception | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, {**vars(self), "original_error": None}


class PluginFailed(DriverError):
    """A plugin is missing, broken or in conflict with another one."""


class KeyPairConflict(DriverError, KeyPairError):
    """A key pair's name is taken or ambiguous, or somebody else changed the keys meanwhile."""

    name = ""


class KeyPairMissing(DriverError, KeyPairDoesNotExistError):
    """There is no key pair of that name."""

    name = ""


class RequestFailed(DriverError, ProviderError):
    """
    The server answered with an error status.

    ``code`` and ``http_code`` are the status, ``detail`` the server's own words.
    """

    http_code = 0
    detail: str | None = None


class InvalidCredentials(RequestFailed, InvalidCredsError):
    """The login was refused, or has expired for good."""

    http_code = 401


class NotFound(RequestFailed):
    """There is no such thing on the server."""


class RateLimitReached(RequestFailed, RateLimitReachedError):
    """Too many requests; ``retry_after`` is the seconds to wait, 0 if the server names none."""

    retry_after = 0.0


class ServiceUnavailable(RequestFailed, ServiceUnavailableError):
    """The server, or a proxy before it, cannot serve at the moment."""


_CLASSES: tuple[tuple[type[errors.SlipStreamError], type[DriverError]], ...] = (
    (errors.SessionClosed, DriverClosed),
    (errors.InvalidInput, BadInput),
    (errors.Unsupported, NotSupported),
    (errors.NoAnswer, NoAnswer),
    (errors.MalformedAnswer, MalformedAnswer),
    (errors.LoginFailed, InvalidCredentials),
    (errors.NotFound, NotFound),
    (errors.RateLimited, RateLimitReached),
    (errors.Unavailable, ServiceUnavailable),
    (errors.Refused, RequestFailed),
    (errors.DeploymentFailed, NodeFailed),
    (errors.WaitTimedOut, WaitTimeout),
    (errors.KeyConflict, KeyPairConflict),
    (errors.KeyNotFound, KeyPairMissing),
    (errors.PluginError, PluginFailed),
)


def translated(
    error: errors.SlipStreamError, driver: str, operation: str, call_id: str | None = None
) -> DriverError:
    """
    The libcloud exception for one from below the driver.

    :param error: What went wrong.
    :param driver: The name of the driver.
    :param operation: The driver's method.
    :param call_id: What ties together the log lines of its call.
    :returns: The exception, not raised.
    """
    cls = next((cls for kind, cls in _CLASSES if isinstance(error, kind)), DriverError)
    result = cls(str(error), driver, endpoint=error.endpoint, operation=operation, call_id=call_id)
    if isinstance(result, NoAnswer):
        result.may_have_happened = isinstance(error, errors.AnswerLost)
    if isinstance(error, errors.DeploymentFailed):
        vars(result).update(state=error.state, reason=error.reason, node_ids=error.deployment_ids)
    if isinstance(error, errors.KeyNotFound):
        vars(result).update(name=error.name)
    if isinstance(error, errors.Refused) and isinstance(result, RequestFailed):
        wait = error.retry_after
        vars(result).update(
            code=error.status or result.http_code,
            http_code=error.status or result.http_code,
            detail=error.detail,
            request_id=error.request_id,
            headers={} if wait is None else {"retry-after": f"{wait:g}"},
            retry_after=wait or 0.0,
        )
    return result
