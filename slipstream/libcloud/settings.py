"""libcloud's ways to set up a connection, as settings of the transport."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import libcloud
import libcloud.security
from libcloud.utils.loggingconnection import LoggingConnection
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from slipstream.errors import BadInput
from slipstream.transport import TransportSettings
from slipstream.transport.certificates import authorities, client_certificate
from slipstream.transport.forking import PerProcess
from slipstream.transport.logs import get_logger
from slipstream.transport.proxies import check_proxy
from slipstream.transport.request_log import Exchange
from slipstream.values.endpoint import Endpoint, split_address
from slipstream.values.numbers import LONGEST_SOCKET_TIMEOUT, check_number

DEFAULTS = TransportSettings()
CertificatePaths = str | Path | tuple[str | Path, str | Path]
log = get_logger(__name__)
_TOKEN = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")


_lock = PerProcess(threading.Lock)


class DebugFile:
    """
    Writes exchanges to the file of ``LIBCLOUD_DEBUG`` or ``libcloud.enable_debug``.

    libcloud's connection class, which the driver does not use, would write secrets too.
    """

    def is_listening(self) -> bool:
        """Whether libcloud has a debug file now."""
        return LoggingConnection.log is not None

    def note(self, exchange: Exchange) -> None:
        """Write an exchange as one block; a file that cannot be written is a warning."""
        file: Any = LoggingConnection.log
        block = exchange.text(pretty=bool(os.environ.get("LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE")))
        try:
            with _lock.get():
                file.write(f"{block}\n\n")
                file.flush()
        except (OSError, ValueError, AttributeError) as error:
            log.warning("libcloud's debug file cannot be written: %s", error)


def endpoint_of(url: str | None, secure: bool, host: str, port: int | None) -> Endpoint:
    """The endpoint that the driver's arguments name."""
    if url is not None:
        return Endpoint.parse(url)
    scheme = "https" if secure else "http"
    if isinstance(host, str) and "@" in host:
        raise BadInput(
            "host holds a user name or a password.",
            hint="Give the bare name, and user name and password as key and secret.",
        )
    if not isinstance(host, str) or "/" in host:
        raise BadInput(
            f"{host!r} is not a host name.", hint="Give a full URL as ex_endpoint instead."
        )
    name, named = split_address(host)
    number: Any = port
    if isinstance(number, str):
        with suppress(ValueError):
            number = int(number)
    if number is not None:
        number = int(check_number("port", number, least=1, most=65535, whole=True))
        if named not in {None, number}:
            raise BadInput(f"host names the port {named}, and port is {number}: give one of them.")
    number = number or named
    options: dict[str, Any] = {} if number is None else {"port": number}
    return Endpoint(scheme=scheme, host=name, **options)


def settings_of(
    *,
    timeout: float | None = None,
    retry_delay: float | None = None,
    backoff: float | None = None,
    proxy_url: str | None = None,
    verify: bool | None = None,
    ca_cert: str | Path | None = None,
    client_cert: CertificatePaths | None = None,
) -> TransportSettings:
    """The settings for the driver's arguments and the globals of ``libcloud.security``."""
    read = positive("timeout", timeout, DEFAULTS.read_timeout)
    return TransportSettings(
        connect_timeout=min(read, DEFAULTS.connect_timeout),
        read_timeout=read,
        retry_delay=positive("retry_delay", retry_delay, DEFAULTS.retry_delay),
        backoff=positive("backoff", backoff, DEFAULTS.backoff),
        proxy_url=None if proxy_url is None else check_proxy(proxy_url, "proxy_url"),
        verify=_trust(verify, ca_cert),
        client_cert=None
        if client_cert is None
        else client_certificate(client_cert, "ex_client_cert"),
        user_agent=user_agent(),
        observer=DebugFile(),
    )


def changed(settings: TransportSettings, name: str, value: Any) -> tuple[TransportSettings, Any]:
    """The settings with one of libcloud's changed, and its new value."""
    if name == "proxy_url":
        value = None if value is None else check_proxy(value, name)
    else:
        value = positive(
            name, value, DEFAULTS.read_timeout if name == "timeout" else getattr(DEFAULTS, name)
        )
    changes: dict[str, Any] = {name: value}
    if name == "timeout":
        changes = {"read_timeout": value, "connect_timeout": min(value, DEFAULTS.connect_timeout)}
    return attrs.evolve(settings, **changes), value


def user_agent(appended: Iterable[str] = ()) -> str:
    """The name that is given to servers."""
    python = ".".join(map(str, sys.version_info[:3]))
    versions = f"libcloud/{libcloud.__version__} Python/{python}"
    return " ".join([DEFAULTS.user_agent, versions, *(f"({token})" for token in appended)])


def check_token(token: object) -> str:
    """Make sure that a piece of a user agent can be sent in a header."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise BadInput(
            f"{str(token)[:80]!r} cannot be part of a user agent.",
            hint="Write it in printable ASCII, as in 'my-app/1.0'.",
        )
    return token


def positive(name: str, value: object, default: float) -> float:
    """Check a number above 0, ``None`` standing for a default."""
    if value is None:
        return default
    most = LONGEST_SOCKET_TIMEOUT
    return float(check_number(name, value, above_zero=True, most=most))


def _trust(verify: bool | None, ca_cert: str | Path | None) -> bool | str:
    if verify is not None and not isinstance(verify, bool):
        raise TypeError(
            f"ex_verify is True or False, not {verify!r}; give authorities to trust as ex_ca_cert."
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
