"""libcloud's ways to set up a connection, as settings of the transport."""

from __future__ import annotations

import libcloud.security

from slipstream.endpoint import Endpoint
from slipstream.errors import InvalidInput
from slipstream.libcloud.debugging import DebugFile
from slipstream.transport import TransportSettings

DEFAULTS = TransportSettings()


def endpoint_of(url: str | None, secure: bool, host: str, port: int | None) -> Endpoint:
    """
    The endpoint that the driver's arguments name.

    :param url: A whole URL, which wins over the rest.
    :param secure: Whether to use https.
    :param host: The host's name or address.
    :param port: The port, ``None`` for the scheme's own.
    :returns: The endpoint.
    :raises InvalidInput: If they name none.
    """
    if url is not None:
        return Endpoint.parse(url)
    scheme = "https" if secure else "http"
    if not isinstance(host, str) or "/" in host:
        raise InvalidInput(
            f"{host!r} is not a host name.", hint="Give a full URL as ex_endpoint instead."
        )
    if port is None:
        return Endpoint(scheme=scheme, host=host.strip("[]"))
    return Endpoint(scheme=scheme, host=host.strip("[]"), port=_whole("port", port))


def settings_of(
    *,
    timeout: float | None,
    retry_delay: float | None,
    backoff: float | None,
    proxy_url: str | None,
) -> TransportSettings:
    """
    The transport's settings for libcloud's arguments and its ``libcloud.security`` globals.

    :param timeout: Seconds to wait for an answer.
    :param retry_delay: Seconds before a second attempt.
    :param backoff: By how much each further pause is longer.
    :param proxy_url: A proxy; ``None`` leaves it to the environment.
    :returns: The settings.
    """
    read = _positive("timeout", timeout, DEFAULTS.read_timeout)
    trusted: object = libcloud.security.CA_CERTS_PATH
    if isinstance(trusted, list):
        trusted = trusted[0] if trusted else None
    return TransportSettings(
        connect_timeout=min(read, DEFAULTS.connect_timeout),
        read_timeout=read,
        retry_delay=_positive("retry_delay", retry_delay, DEFAULTS.retry_delay),
        backoff=_positive("backoff", backoff, DEFAULTS.backoff),
        proxy_url=proxy_url,
        verify=bool(libcloud.security.VERIFY_SSL_CERT) and (str(trusted) if trusted else True),
        observer=DebugFile(),
    )


def _positive(name: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise InvalidInput(f"{name} is {value!r}: a number of seconds above 0 is needed.")
    return float(value)


def _whole(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise InvalidInput(f"{name} is {value!r}: a whole number is needed.") from None
