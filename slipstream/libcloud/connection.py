"""What ``driver.connection`` is: libcloud's connection, on the way that the driver goes itself."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import attrs
from libcloud.common.base import ConnectionUserAndKey
from libcloud.http import LibcloudConnection
from libcloud.utils.loggingconnection import LoggingConnection

from slipstream.errors import BadInput, NotSupported
from slipstream.libcloud.direct_requests import DirectResponse, Params, request_of
from slipstream.libcloud.operation import operation
from slipstream.libcloud.settings import changed, check_token, user_agent
from slipstream.session import Session

if TYPE_CHECKING:
    from slipstream.transport import Transport

_FIXED: Final = {"host", "port", "secure", "request_path", "user_id", "key"}
_LIVE: Final = {"timeout", "retry_delay", "backoff", "proxy_url"}
_UNUSED: Final = {"connection", "conn_class"}
"""What a test replaces in libcloud's own connections, to send nothing."""


class SessionConnection(ConnectionUserAndKey):
    """
    libcloud's view of the driver's session.

    ``host``, ``port``, ``secure`` (1 or 0) and ``request_path`` say where the endpoint is, and
    ``user_id`` and ``key`` what the driver was made with; they cannot be changed. ``timeout``,
    ``retry_delay``, ``backoff`` and ``proxy_url`` are those in use; new values count from the
    next request on. The driver's own requests do not go through :meth:`request`, so that a class
    derived from this one does not change them: a plugin can wrap what the driver does.
    """

    @classmethod
    def check_class(cls) -> None:
        """
        Refuse a class of connections that a test has put in place of libcloud's.

        :raises NotSupported: If there is one: requests would go to the real server all the same.
        """
        # libcloud.enable_debug() puts a class of its own there.
        if cls.conn_class not in {LibcloudConnection, LoggingConnection}:
            raise _unused("connectionCls.conn_class", cls.conn_class)

    @property
    def name(self) -> str:
        """The driver's name, for what goes wrong."""
        return str(getattr(self.driver, "name", type(self).__name__))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self.host}:{self.port}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # What it was made with stays where it is, as the driver's secrets do.
        return attrgetter("connection"), (self.driver,)

    def __setattr__(self, attribute: str, value: Any) -> None:
        if self._session is not None:
            if attribute in _LIVE:
                value = self._change(attribute, value)
            elif attribute in _FIXED:
                self._refuse(attribute)
            elif attribute in _UNUSED:
                raise _unused(f"connection.{attribute}", value)
        super().__setattr__(attribute, value)

    @operation
    def connect(
        self,
        host: str | None = None,
        port: int | None = None,
        base_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        """
        Do nothing: connections are made when they are needed.

        :raises BadInput: If it names another place to connect to.
        """
        if host or port or base_url or kwargs:
            self._refuse("host")

    @operation
    def request(
        self,
        action: str,
        params: Params | None = None,
        data: str | bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        method: str = "GET",
        raw: bool = False,
        stream: bool = False,
        json: object = None,
        retry_failed: bool | None = None,
    ) -> DirectResponse:
        """
        Send a request of your own to the endpoint, as the user who is logged in.

        An expired session is renewed, and a failure is one of the driver's exceptions. The
        answer is read whole.

        :param action: The path below the endpoint and its base path; a query may follow it.
        :type action: ``str``
        :param params: More of the query.
        :type params: ``dict``
        :param data: The body; a ``dict`` is sent as a form.
        :type data: ``str``, ``bytes`` or ``dict``
        :param headers: Further headers. XML is asked for before JSON when there is no ``Accept``.
        :type headers: ``dict``
        :param method: The HTTP method.
        :type method: ``str``
        :param raw: Not supported.
        :type raw: ``bool``
        :param stream: Not supported.
        :type stream: ``bool``
        :param json: What is sent as JSON, instead of ``data``.
        :param retry_failed: Whether it may be sent again after a passing failure; when left out,
            what only reads may.
        :type retry_failed: ``bool``
        :returns: The answer; ``object`` is its JSON or XML, parsed.
        :rtype: :class:`~slipstream.libcloud.direct_requests.DirectResponse`
        :raises NotSupported: If ``raw`` or ``stream`` is asked for.
        :raises BadInput: If it is no request to this endpoint.
        :raises RequestFailed: If the server answers with an error status.
        """
        if raw or stream:
            raise NotSupported(
                "connection.request() reads an answer whole: raw and stream are not supported.",
                hint="Leave them out; response.iter_content() goes through what was read.",
            )
        request = request_of(
            action,
            method=method,
            params=params,
            data=data,
            json=json,
            headers=headers,
            retry=retry_failed,
        )
        doing = f"send {request.method} {request.path}"
        if self._session is None:
            raise BadInput("The driver is not logged in yet.")
        return DirectResponse(self._session.send(request, doing=doing), self)

    def set_http_proxy(self, proxy_url: str | None) -> None:
        """
        Go through a proxy from the next request on.

        :param proxy_url: Its URL, a login in it included; ``None`` leaves it to the environment.
        :type proxy_url: ``str``
        :raises BadInput: If it is no URL of a proxy.
        """
        self.proxy_url = proxy_url

    @operation
    def user_agent_append(self, token: str) -> None:
        """
        Say in all later requests what the program is called.

        :param token: The name, as in ``my-app/1.0``.
        :type token: ``str``
        :raises BadInput: If it cannot be sent in a header.
        """
        self.ua.append(check_token(token))
        settings = self._transport.settings
        self._transport.settings = attrs.evolve(settings, user_agent=self._user_agent())

    def _user_agent(self) -> str:
        # The name is libcloud's: programs read the user agent by it.
        return user_agent(self.ua)

    @operation
    def _change(self, attribute: str, value: Any) -> Any:
        transport = self._transport
        transport.settings, value = changed(transport.settings, attribute, value)
        return value

    @operation
    def _refuse(self, attribute: str) -> None:
        raise BadInput(
            f"The connection to {self.host}:{self.port} is made: {attribute} cannot be changed.",
            hint="Make another driver.",
        )

    @property
    def _session(self) -> Session | None:
        driver: Any = self.driver
        return None if driver is None else driver._session  # noqa: SLF001 - it belongs to it

    @property
    def _transport(self) -> Transport:
        if self._session is None:
            raise BadInput("The driver is not logged in yet.")
        return self._session.transport


def _unused(attribute: str, value: object) -> NotSupported:
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    return NotSupported(
        f"{attribute} is {name}, which this driver does not use: its requests would go to the real"
        " server.",
        hint="Test with slipstream.sandbox or with the recordings of slipstream.testing.",
    )
