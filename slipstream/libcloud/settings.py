"""libcloud's ways to set up a connection, as settings of the transport."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import libcloud
import libcloud.security
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from slipstream.errors import BadInput
from slipstream.libcloud.debugging import DebugFile
from slipstream.transport import TransportSettings
from slipstream.transport.certificates import Certificate, authorities, client_certificate
from slipstream.transport.proxies import check_proxy
from slipstream.values.endpoint import Endpoint, split_address
from slipstream.values.numbers import LONGEST_SOCKET_TIMEOUT, check_number

DEFAULTS = TransportSettings()
CertificatePaths = str | Path | tuple[str | Path, str | Path]
_TOKEN = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")


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
    number = None if port is None else _port(port)
    name, named = split_address(host)
    if number is not None and named not in {None, number}:
        raise BadInput(f"host names the port {named}, and port is {number}: give one of them.")
    chosen = named if number is None else number
    if chosen is None:
        return Endpoint(scheme=scheme, host=name)
    return Endpoint(scheme=scheme, host=name, port=chosen)


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
        client_cert=_shown(client_cert),
        user_agent=user_agent(),
        observer=DebugFile(),
    )


def changed(settings: TransportSettings, name: str, value: Any) -> tuple[TransportSettings, Any]:
    """The settings with one of libcloud's changed."""
    if name == "proxy_url":
        proxy = None if value is None else check_proxy(value, name)
        return attrs.evolve(settings, proxy_url=proxy), proxy
    if name == "timeout":
        read = positive(name, value, DEFAULTS.read_timeout)
        connect = min(read, DEFAULTS.connect_timeout)
        return attrs.evolve(settings, read_timeout=read, connect_timeout=connect), read
    number = positive(name, value, getattr(DEFAULTS, name))
    if name == "backoff":
        return attrs.evolve(settings, backoff=number), number
    return attrs.evolve(settings, retry_delay=number), number


def user_agent(appended: Iterable[str] = ()) -> str:
    """The name that is given to servers."""
    versions = f"libcloud/{libcloud.__version__} Python/{platform.python_version()}"
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


def _shown(client_cert: CertificatePaths | None) -> Certificate | None:
    if client_cert is None:
        return None
    return client_certificate(client_cert, "ex_client_cert")


def _port(value: object) -> int:
    with suppress(ValueError):
        value = int(value) if isinstance(value, str) else value
    return int(check_number("port", value, least=1, most=65535, whole=True))
