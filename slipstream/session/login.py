"""Log in: the entry point, an attempt with cookies of its own, and the resulting login."""

from __future__ import annotations

import json as json_format
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import responses
from http.cookiejar import CookieJar
from types import NoneType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs

from slipstream.errors import (
    BadInput,
    Conflict,
    DriverError,
    Forbidden,
    InvalidCredentials,
    MalformedAnswer,
    NotFound,
    PluginFailed,
    RateLimitReached,
    RequestFailed,
    ServiceUnavailable,
    blame,
)
from slipstream.redaction import MASK, SHORTEST
from slipstream.transport import Transport, calls
from slipstream.transport.messages import LONGEST_LIFETIME, EndpointCookieJar, Request, Response
from slipstream.values import CloudEntryPoint, Endpoint
from slipstream.values.fields import Record, within
from slipstream.values.plain import announces_secret, safe_text

_ENTRY_POINT = Request(
    method="GET",
    path="/api/cloud-entry-point",
    headers={"Accept": "application/json"},
    repeatable=True,
)
BUILT_IN = "slipstream.backends."
"""The modules of the backends and login methods that come with this package."""

_REFUSED = frozenset({400, 401, 403})
_MEANING: dict[int, tuple[type[RequestFailed], str | None]] = {
    401: (InvalidCredentials, "Log in again with a new driver."),
    403: (Forbidden, "Check that this account may do it."),
    404: (NotFound, None),
    409: (Conflict, None),
    429: (RateLimitReached, "Wait a little, then try again."),
    502: (ServiceUnavailable, "Try again later."),
    503: (ServiceUnavailable, "Try again later."),
    504: (ServiceUnavailable, "Try again later."),
}


def refusal(
    response: Response,
    *,
    doing: str,
    endpoint: str,
    detail: str | None,
    hint: str | None = None,
    error: type[RequestFailed] | None = None,
) -> RequestFailed:
    """The exception for a response with an error status."""
    cls, usual_hint = _MEANING.get(response.status, (RequestFailed, None))
    reason = safe_text(" ".join((detail or "").split()), 400)
    reason = reason or responses.get(response.status, "the server states no reason")
    return (error or cls)(
        f"Cannot {doing}: {reason.rstrip('.')} (HTTP {response.status} from {endpoint}).",
        code=response.status,
        detail=detail,
        endpoint=endpoint,
        hint=hint or usual_hint,
        retry_after=response.retry_after,
        request_id=response.request_id,
    )


def read_entry_point(transport: Transport) -> CloudEntryPoint:
    """Read the cloud entry point."""
    url = transport.endpoint.url
    response = transport.send(_ENTRY_POINT)
    if response.status >= 500 or response.status == 429:
        raise refusal(response, doing="read the cloud entry point", endpoint=url, detail=None)
    document: Any = None
    with suppress(MalformedAnswer):
        document = response.json() if response.status == 200 else None
    if (
        not isinstance(document, dict)
        or not {"baseURI", "base-uri"} & document.keys()
        or not isinstance(document.get("collections", {}), dict)
    ):
        raise MalformedAnswer(
            f"{url} is not a SlipStream or Nuvla server: the response at /api/cloud-entry-point is"
            f" HTTP {response.status} with {response.kind}.",
            endpoint=url,
            hint="Check the address, and leave /api out.",
        )
    collections = document.get("collections", document)
    base_uri = document.get("baseURI") or document.get("base-uri")
    return CloudEntryPoint(
        collections={
            name: entry["href"]
            for name, entry in collections.items()
            if isinstance(entry, dict) and isinstance(entry.get("href"), str)
        },
        base_uri=base_uri if isinstance(base_uri, str) else None,
        raw=document,
    )


def _to_jar(cookies: CookieJar) -> EndpointCookieJar:
    if isinstance(cookies, EndpointCookieJar) or not isinstance(cookies, CookieJar):
        return cookies  # the record refuses another type
    jar = EndpointCookieJar()
    jar.update(cookies)
    return jar


@attrs.define(kw_only=True, eq=False)
class Login(Record):
    """
    A login that the server has accepted.

    :param cookies: The cookies to send with each request; any cookie jar is converted.
    :param lifetime: Seconds from now after which it expires; ``None`` if the server has none.
    :param user_name: The user's name, if the login has it; :attr:`Session.user_name
        <slipstream.session.Session.user_name>` always does.
    :param data: What the login method or the backend stores for ``Backend.authorise()``, such as
        a token.
    """

    cookies: EndpointCookieJar = attrs.field(repr=False, converter=_to_jar)
    lifetime: float | None = attrs.field(default=None, validator=within(above_zero=True))
    user_name: str | None = None
    data: Any = attrs.field(default=None, repr=False)
    created: float = attrs.field(factory=calls.monotonic, init=False)

    @property
    def age(self) -> float:
        """Seconds since it was created."""
        return calls.monotonic() - self.created


class Client:
    """
    Sends requests with the cookies of one login, and never renews it.

    :param transport: The HTTP transport.
    :param backend: The :class:`~slipstream.Backend`, for its words and proofs.
    :ivar endpoint: The server's address, an :class:`~slipstream.values.Endpoint`.
    :ivar cookies: The cookies that go with each request.
    """

    cookies: EndpointCookieJar

    def __init__(self, transport: Transport, backend: Any) -> None:
        self.transport = transport
        self.backend = backend
        self.endpoint = transport.endpoint

    def exchange(self, request: Request) -> Response:
        """
        Send one request.

        :param request: The request.
        :returns: The response, whatever its status.
        :raises NoAnswer: If the network fails.
        """
        raise NotImplementedError

    def hide(self, *secrets: str) -> None:
        """
        Mask secrets wherever logs and exceptions would show them; for plugins that send some.

        Those of the credentials are masked already.

        :param secrets: The secrets; one of less than four characters is masked by its name only.
        """
        self.transport.secrets.keep(*secrets, lasting=False)

    def masked(self, text: str) -> str:
        """A text of the server without secrets."""
        return self.transport.redactor.message(text)

    def refusal(
        self,
        response: Response,
        *,
        doing: str,
        hint: str | None = None,
        error: type[RequestFailed] | None = None,
    ) -> RequestFailed:
        """
        Make the exception for a response with an error status.

        :param response: The response.
        :param doing: What was being done, in words that go after "Cannot".
        :param hint: What the reader can do next, when more is known than the status tells.
        :param error: The class of the exception, when not the usual one of the status.
        :returns: The exception, not raised.
        """
        detail = self._detail(response)
        url = self.endpoint.url
        return refusal(response, doing=doing, endpoint=url, detail=detail, hint=hint, error=error)

    def _detail(self, response: Response) -> str | None:
        """The server's own words, read by the backend."""
        try:
            detail = self.consult("error_detail", response, expected=(str, NoneType))
        except MalformedAnswer:  # the page of a proxy, say
            return None
        return self.masked(detail) if detail else None

    def consult(self, name: str, *arguments: Any, expected: tuple[type, ...]) -> Any:
        """
        Call a method of the backend that is no operation, and check its result.

        The text of what it raises is not quoted, since it could hold a secret; it is the cause.

        :param name: The method's name.
        :param arguments: Its arguments.
        :param expected: The types that the result may have.
        """
        try:
            result = getattr(self.backend, name)(*arguments)
        except BaseException as error:  # noqa: BLE001 - of a plugin
            blame(error, partial(self._backend_failed, name))
        if not isinstance(result, expected):
            raise self._backend_failed(name, f"it returned {type(result).__name__}")
        return result

    def _backend_failed(self, name: str, what: str) -> DriverError:
        cls, endpoint = type(self.backend), self.endpoint.url
        if cls.__module__.startswith(BUILT_IN):
            # Only an unforeseen response can have led to it.
            message = f"A response is not understood: {name} failed with {what}."
            return MalformedAnswer(message, endpoint=endpoint)
        message = f"The backend {cls.__module__}.{cls.__qualname__} failed in {name}(): {what}."
        return PluginFailed(message, endpoint=endpoint)


class LoginAttempt(Client):
    """
    The argument of a login method: it sends requests without a login, and stores cookies.

    The session is unchanged until the method has returned a :class:`Login`.

    :param transport: The HTTP transport.
    :param backend: The backend.
    :param method: The name of the login method, for messages.
    :param previous: The login that has expired, if this is its renewal; its ``data`` may hold
        what renews it, such as a refresh token.
    :param user: The user name; masked in refusals, since it may be a password by mistake.
    :ivar cookies: The cookies that the server has set, and those that the method adds.
    """

    def __init__(
        self,
        transport: Transport,
        backend: Any,
        *,
        method: str = "",
        previous: Login | None = None,
        user: str | None = None,
    ) -> None:
        super().__init__(transport, backend)
        self._user = user
        self.method = method
        self.previous = previous
        self.cookies = EndpointCookieJar(secure=transport.endpoint.secure)
        self._server_time: float | None = None

    def masked(self, text: str) -> str:
        """A text of the server without secrets, and without the user name."""
        text = super().masked(text)
        user = self._user or ""
        return text.replace(user, MASK) if len(user) >= SHORTEST else text

    def exchange(self, request: Request) -> Response:
        """See :meth:`Client.exchange`."""
        response = self.transport.send(request, cookies=self.cookies)
        self._server_time = response.date or self._server_time
        return response

    def post(
        self,
        url: str,
        *,
        doing: str,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        allow: Collection[int] = (),
    ) -> dict[str, Any]:
        """
        Post to any address, such as an identity provider's, and read a JSON object.

        The settings for certificates, proxies and timeouts are those of the endpoint; its cookies
        go to no other server. Values of the response whose names announce a secret are masked
        from then on.

        :param url: The whole address, or a path of the endpoint.
        :param doing: What is being done, in words that go after "Cannot".
        :param form: The fields of a form to send.
        :param json: The object to send as JSON; one of the two.
        :param allow: Error statuses whose response is returned, as in ``{400}``.
        :returns: The object.
        :raises InvalidCredentials: For a status 400, 401 or 403 that is not allowed.
        :raises RequestFailed: For any other error status.
        :raises MalformedAnswer: If the response is no JSON object.
        :raises NoAnswer: If the network fails.
        """
        transport, request = self._addressed(url)
        if (form is None) == (json is None):
            raise TypeError("Pass one of form and json.")
        kind, body = "application/x-www-form-urlencoded", urlencode(dict(form or {}))
        if json is not None:
            kind, body = "application/json", json_format.dumps(dict(json))
        headers = {"Accept": "application/json", "Content-Type": kind}
        request = attrs.evolve(request, headers=headers, body=body.encode(), purpose=doing)
        own = transport is self.transport
        response = self.exchange(request) if own else transport.send(request)
        document: dict[str, Any] | None = None
        with suppress(MalformedAnswer):
            parsed = response.json()
            document = parsed if isinstance(parsed, dict) else None
        where = transport.endpoint.url
        if response.status >= 400 and response.status not in allow:
            # OAuth's words of an error (RFC 6749, 5.2), or those that most services use.
            names = ("error_description", "message", "error", "detail")
            texts = (text for name in names if isinstance(text := (document or {}).get(name), str))
            detail = next(texts, None)
            raise refusal(
                response,
                doing=doing,
                endpoint=where,
                detail=self.masked(detail) if detail else self._detail(response) if own else None,
                hint="Check what you log in with." if response.status in _REFUSED else None,
                error=InvalidCredentials if response.status in _REFUSED else None,
            )
        if document is None:
            raise MalformedAnswer(
                f"Cannot {doing}: the response of {where}{request.path} is HTTP {response.status}"
                f" with {response.kind}, not with a JSON object.",
                endpoint=where,
                hint="Check the address; something else may have responded.",
            )
        secrets = (v for name, v in document.items() if announces_secret(name))
        self.hide(*(value for value in secrets if isinstance(value, str)))
        return document

    def _addressed(self, url: str) -> tuple[Transport, Request]:
        parts = urlsplit(url)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(method="POST", path=parts.path or "/", query=query)
        if not (parts.scheme or parts.netloc):
            return self.transport, request
        endpoint = Endpoint.parse(f"{parts.scheme}://{parts.netloc}")
        if self.endpoint.secure and not endpoint.secure:
            raise BadInput(
                f"{endpoint} is not encrypted, and would be sent what one logs in with.",
                hint="Pass an address that begins with https.",
            )
        return self.transport.to(endpoint), request

    def log_in_with_template(self, template: str, fields: Mapping[str, object]) -> Login:
        """
        Create a session from one of the server's session templates.

        :param template: The template's name, as in ``internal``.
        :param fields: The template's fields.
        :returns: The login.
        :raises InvalidCredentials: If the server does not accept them.
        """
        login: Login = self.consult("log_in", self, template, fields, expected=(Login,))
        return login

    def accepts_session(self) -> bool:
        """Whether the server accepts the cookies of this attempt as a login."""
        return bool(self.consult("accepts_session", self, expected=(bool,)))

    def finish(
        self,
        *,
        expires: datetime | timedelta | None = None,
        user_name: str | None = None,
        data: Any = None,
    ) -> Login:
        """
        End the attempt with a login that has its cookies.

        :param expires: When it expires, by the server's clock, or after which time.
        :param user_name: Who is logged in, if the method knows.
        :param data: See :class:`Login`.
        :returns: The login.
        :raises MalformedAnswer: If it has expired already.
        :raises TypeError: If the time has no zone.
        """
        if isinstance(expires, datetime):
            if expires.tzinfo is None:
                raise TypeError("The time at which a login expires has no time zone.")
            # The local clock may be wrong by days; the server's is what counts.
            now = calls.now() if self._server_time is None else self._server_time
            expires -= datetime.fromtimestamp(now, UTC)
        lifetime = None if expires is None else expires.total_seconds()
        if lifetime is not None and lifetime <= 0:
            raise MalformedAnswer(
                f"The login expired {-lifetime:.0f} seconds ago.", endpoint=self.endpoint.url
            )
        lifetime = None if lifetime is None else min(lifetime, LONGEST_LIFETIME)
        return Login(cookies=self.cookies, lifetime=lifetime, user_name=user_name, data=data)
