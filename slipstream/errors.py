"""
What can go wrong below the driver, as one tree::

    SlipStreamError
    ├── InvalidInput (ValueError)      refused here, before any request was sent
    │   ├── SessionClosed              a call after close()
    │   └── UnknownName                a name that does not exist; the ones that do are listed
    ├── Unsupported                    this kind of endpoint has no such thing
    ├── NoAnswer                       the network failed
    │   ├── CannotConnect              the request never reached the endpoint
    │   ├── AnswerLost                 the request may have been carried out
    │   └── RedirectRefused            the endpoint sent us to another address
    ├── MalformedAnswer                an answer that cannot be understood
    ├── Refused                        the endpoint answered with an error status
    │   ├── LoginFailed
    │   ├── Forbidden
    │   ├── NotFound
    │   ├── Conflict
    │   ├── RateLimited
    │   └── Unavailable
    ├── DeploymentFailed               a deployment that ended or was aborted
    ├── WaitTimedOut
    ├── KeyNotFound
    ├── KeyConflict
    └── PluginError                    a plugin is missing, broken or in conflict

The libcloud driver turns each into an exception of libcloud's own families
(:mod:`slipstream.libcloud.errors`). Every message is a sentence that holds no secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SlipStreamError(Exception):
    """
    The root of the tree.

    :param message: What failed, as a sentence.
    :param endpoint: The address of the server that was asked, if one was.
    :param hint: What the reader can do next.
    """

    def __init__(
        self, message: str, *, endpoint: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.endpoint = endpoint
        self.hint = hint

    def __str__(self) -> str:
        text = self.message
        if self.endpoint and self.endpoint not in text:
            text = f"{text.rstrip('.')} (endpoint {self.endpoint})"
        return f"{text.rstrip('.')}. {self.hint}" if self.hint else text


class InvalidInput(SlipStreamError, ValueError):
    """Something the caller passed cannot be right; no request was sent because of it."""


class SessionClosed(InvalidInput):
    """The session was closed by its user, and sends nothing more."""


class UnknownName(InvalidInput):
    """
    A name that nothing bears.

    :param what: What kind of thing was named, as in ``"parameter"``.
    :param name: The name that was given.
    :param known: The names that exist.
    :param where: Where it was looked for, as in ``"of apps/WordPress/wordpress"``.
    """

    def __init__(
        self, what: str, name: str = "", known: Iterable[str] = (), where: str = ""
    ) -> None:
        self.what, self.name, self.where = what, name, where
        self.known = tuple(sorted(known))
        super().__init__(self._sentence())
        self.args = (what, name, self.known, where)

    def _sentence(self) -> str:
        subject = f"Unknown {self.what} {shorten(self.name)!r}"
        if self.where:
            subject = f"{subject} {self.where}"
        near = nearest(self.name, self.known)
        if near:
            subject = f"{subject}; did you mean {near!r}?"
        if not self.known:
            return f"{subject} (there are none)"
        return (
            f"{subject} Known: {', '.join(self.known)}"
            if near
            else (f"{subject}; known: {', '.join(self.known)}")
        )


class Unsupported(SlipStreamError):
    """The endpoint in use is of a kind that has no such operation."""


class NoAnswer(SlipStreamError):
    """No answer came back."""


class CannotConnect(NoAnswer):
    """The connection could not be made, so the request was not carried out."""


class AnswerLost(NoAnswer):
    """The request was sent and no answer came: it may or may not have been carried out."""


class RedirectRefused(NoAnswer):
    """
    The endpoint answered with a redirection, which is never followed: a login that follows
    one from http to https would silently turn into a read.
    """


class MalformedAnswer(SlipStreamError):
    """The body of an answer is not what its protocol says."""


class Refused(SlipStreamError):
    """
    The endpoint answered with an error status.

    :param status: The HTTP status.
    :param detail: The server's own words, if it had any.
    :param retry_after: Seconds after which the server suggests to try again.
    :param request_id: The server's name for the request, if it gave one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        detail: str | None = None,
        endpoint: str | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, endpoint=endpoint, hint=hint)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
        self.request_id = request_id


class LoginFailed(Refused):
    """The endpoint did not accept the credentials, or the session has ended for good."""


class Forbidden(Refused):
    """Logged in, but not allowed to do this."""


class NotFound(Refused):
    """There is no such thing on the endpoint."""


class Conflict(Refused):
    """A rule of the server forbids it now (most refusals of a deployment are of this kind)."""


class RateLimited(Refused):
    """Too many requests; ``retry_after`` says when to come back, if the server said so."""


class Unavailable(Refused):
    """The endpoint, or a proxy before it, cannot serve at the moment."""


class DeploymentFailed(SlipStreamError):
    """
    A deployment was aborted, or has reached a state from which the wanted one cannot come.

    :param state: The state it is in, in the server's word.
    :param reason: The server's reason for the abort, if there was one.
    :param deployment_ids: Which deployments, where several were waited for.
    """

    def __init__(
        self,
        message: str,
        *,
        state: str = "",
        reason: str | None = None,
        deployment_ids: Iterable[str] = (),
        endpoint: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, endpoint=endpoint, hint=hint)
        self.state = state
        self.reason = reason
        self.deployment_ids = tuple(deployment_ids)


class WaitTimedOut(SlipStreamError):
    """The time allowed for waiting is over; the deployment itself goes on."""


class KeyNotFound(SlipStreamError):
    """The user has no such SSH key."""

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        endpoint: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, endpoint=endpoint, hint=hint)
        self.name = name


class KeyConflict(KeyNotFound):
    """A key name that is taken or ambiguous, or keys that somebody else changed meanwhile."""


class PluginError(SlipStreamError):
    """A plugin is missing, broken, or claims what another one claims."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """
    The known name that looks most like the given one.

    :param name: What was typed.
    :param known: What would have been right.
    :returns: The nearest name, or ``None`` when nothing is near.
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower()[:200], by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def shorten(text: str, limit: int = 120) -> str:
    """
    A text cut in the middle, for messages.

    :param text: Any text.
    :param limit: The greatest number of characters wanted.
    :returns: The text itself when it is short enough.
    """
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]}...{text[-half:]}"
