"""libcloud's connection of the driver, and its options."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from platform import python_version
from typing import Any, Final

import attrs
import libcloud
import libcloud.security
from libcloud.common.base import ConnectionUserAndKey
from libcloud.http import LibcloudConnection
from libcloud.utils.loggingconnection import LoggingConnection
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from slipstream.errors import BadInput, NotSupported, shorten
from slipstream.libcloud.direct_requests import DirectResponse, Params, request_of
from slipstream.libcloud.operation import operation
from slipstream.transport import TransportSettings
from slipstream.transport.calls import PerProcess
from slipstream.transport.request_log import Exchange
from slipstream.transport.settings import authorities, check_proxy
from slipstream.values.endpoint import Endpoint, split_address
from slipstream.values.fields import LONGEST_SOCKET_TIMEOUT, check_number

DEFAULTS = TransportSettings()
USER_AGENT = f"{DEFAULTS.user_agent} libcloud/{libcloud.__version__} Python/{python_version()}"
CertificatePaths = str | Path | tuple[str | Path, str | Path]
_TOKEN = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_FIXED: Final = {"host", "port", "secure", "request_path", "user_id", "key"}
SETTINGS: Final = {
    "timeout": "read_timeout",
    "retry_delay": "retry_delay",
    "backoff": "backoff",
    "proxy_url": "proxy_url",
}
"""The options of libcloud's connections, and the settings of the transport that they are."""

_UNUSED: Final = {"connection", "conn_class", "request"}
"""What a test replaces in libcloud's own connections, to send nothing."""

# libcloud.enable_debug() puts the second one into all connections.
USUAL_CLASSES: Final = {LibcloudConnection, LoggingConnection}
_lock = PerProcess(threading.Lock)


def write_debug_file(exchange: Exchange) -> None:
    """
    Write an exchange to the file of ``LIBCLOUD_DEBUG`` or ``libcloud.enable_debug``, if there is.

    libcloud's connection class, which the driver does not use, would write secrets too.
    """
    file: Any = LoggingConnection.log
    if file is not None:
        pretty = bool(os.environ.get("LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE"))
        block = exchange.text(pretty=pretty)
        with _lock.get():
            file.write(f"{block}\n\n")
            file.flush()


def endpoint_of(url: str | None, secure: bool, host: str, port: int | None) -> Endpoint:
    """The endpoint that the driver's arguments name."""
    if url is not None:
        return Endpoint.parse(url)
    scheme = "https" if secure else "http"
    if isinstance(host, str) and "@" in host:
        raise BadInput(
            "host holds a user name or a password.",
            hint="Pass the bare name, and user name and password as key and secret.",
        )
    if not isinstance(host, str) or "/" in host:
        raise BadInput(
            f"{shorten(str(host))!r} is not a host name.",
            hint="Pass a full URL as ex_endpoint instead.",
        )
    name, named = split_address(host)
    number: Any = port
    if isinstance(number, str):
        with suppress(ValueError):
            number = int(number)
    if number is not None:
        number = int(check_number("port", number, least=1, most=65535, whole=True))
        if named not in {None, number}:
            raise BadInput(f"host names the port {named}, and port is {number}: pass one of them.")
    number = number or named
    options: dict[str, Any] = {} if number is None else {"port": number}
    return Endpoint(scheme=scheme, host=name, **options)


def with_option(settings: TransportSettings, name: str, value: Any) -> TransportSettings:
    """Settings with an option of libcloud's connections; ``None`` stands for the default."""
    changes = {SETTINGS[name]: getattr(DEFAULTS, SETTINGS[name])}
    if value is not None and name == "proxy_url":
        changes = {name: check_proxy(value, name)}
    elif value is not None:
        number = check_number(name, value, above_zero=True, most=LONGEST_SOCKET_TIMEOUT)
        changes = {SETTINGS[name]: number}
    if name == "timeout":
        changes["connect_timeout"] = min(changes["read_timeout"], DEFAULTS.connect_timeout)
    return attrs.evolve(settings, **changes)


def trust(verify: bool | None, ca_cert: str | Path | None) -> bool | str:
    """The certificates to trust, from the arguments and from ``libcloud.security``."""
    if verify is not None and not isinstance(verify, bool):
        raise TypeError(
            f"ex_verify must be True or False, not {type(verify).__name__}: pass authorities"
            " as ex_ca_cert."
        )
    if ca_cert is not None:
        if verify is False:
            raise BadInput(
                "ex_verify=False checks no certificate, and ex_ca_cert says how to check them.",
                hint="Leave one of them out.",
            )
        return authorities(ca_cert, "ex_ca_cert")
    if not (libcloud.security.VERIFY_SSL_CERT if verify is None else verify):
        return False
    trusted: object = libcloud.security.CA_CERTS_PATH
    if isinstance(trusted, list | tuple):
        trusted = trusted[0] if trusted else None
    if not trusted or trusted == DEFAULT_CA_BUNDLE_PATH:
        return True
    return authorities(trusted, "libcloud.security.CA_CERTS_PATH")


def unused(attribute: str, value: object) -> NotSupported:
    """The exception for a replaced class or object that the driver does not use."""
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    return NotSupported(
        f"{attribute} is {name}, which this driver does not use: its requests would go to the real"
        " server.",
        hint="Test with slipstream.sandbox or with the recordings of slipstream.testing.",
    )


class SessionConnection(ConnectionUserAndKey):
    """
    libcloud's connection, with the driver's session behind it.

    ``host``, ``port``, ``secure`` (1 or 0) and ``request_path`` say where the endpoint is, and
    ``user_id`` and ``key`` what the driver was made with; they cannot be changed. ``timeout``,
    ``retry_delay``, ``backoff`` and ``proxy_url`` are those in use; new values count from the
    next request on. The driver's own requests do not go through :meth:`request`, so that a class
    derived from this one does not change them: a plugin can wrap what the driver does.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # The secrets are not pickled, as those of the driver are not.
        return attrgetter("connection"), (self.driver,)

    def __setattr__(self, attribute: str, value: Any) -> None:
        if getattr(self.driver, "_session", None) is not None:
            if attribute in SETTINGS:
                value = self._change(attribute, value)
            elif attribute in _FIXED:
                self._refuse(attribute)
            elif attribute in _UNUSED:
                raise unused(f"connection.{attribute}", value)
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

        :raises BadInput: If it names another server.
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
        response is read whole.

        :param action: The path below the endpoint and its base path; a query may follow it.
        :param params: More of the query.
        :param data: The body; a ``dict`` is sent as a form.
        :param headers: Further headers. XML is preferred to JSON if there is no ``Accept``.
        :param method: The HTTP method.
        :param raw: Not supported.
        :param stream: Not supported.
        :param json: What is sent as JSON, instead of ``data``.
        :param retry_failed: Whether it may be sent again after a temporary failure; reads may.
        :returns: The response; ``object`` is its JSON or XML, parsed.
        :raises NotSupported: If ``raw`` or ``stream`` is true.
        :raises BadInput: If it is no request to this endpoint.
        :raises RequestFailed: If the response has an error status.
        """
        if raw or stream:
            raise NotSupported(
                "connection.request() reads a response whole: raw and stream are not supported.",
                hint="Leave them out; response.iter_content() yields the body in pieces.",
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
        return DirectResponse(self._session.send(request, doing=doing), self)

    def set_http_proxy(self, proxy_url: str | None) -> None:
        """
        Use a proxy from the next request on.

        :param proxy_url: Its URL, a login in it included; ``None`` leaves it to the environment.
        :raises BadInput: If it is no URL of a proxy.
        """
        self.proxy_url = proxy_url

    @operation
    def user_agent_append(self, token: str) -> None:
        """
        Add the name of the program to the user agent of all later requests.

        :param token: The name, as in ``my-app/1.0``.
        :raises BadInput: If it cannot be sent in a header.
        """
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise BadInput(
                f"{str(token)[:80]!r} cannot be part of a user agent.",
                hint="Write it in printable ASCII, as in 'my-app/1.0'.",
            )
        self.ua.append(token)
        transport = self._session.transport
        transport.settings = attrs.evolve(transport.settings, user_agent=self._user_agent())

    def _user_agent(self) -> str:
        # The name is libcloud's: programs read the user agent by it.
        return " ".join([USER_AGENT, *(f"({token})" for token in self.ua)])

    @operation
    def _change(self, attribute: str, value: Any) -> Any:
        transport = self._session.transport
        transport.settings = with_option(transport.settings, attribute, value)
        return getattr(transport.settings, SETTINGS[attribute])

    @operation
    def _refuse(self, attribute: str) -> None:
        raise BadInput(
            f"The connection to {self.host}:{self.port} exists: {attribute} cannot be changed.",
            hint="Make another driver.",
        )

    @property
    def _session(self) -> Any:
        driver: Any = self.driver
        return driver._session  # noqa: SLF001 - the connection is a part of the driver
