"""Turn what the HTTP library raises into exceptions that say what to do."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import attrs
import requests
from urllib3.exceptions import (
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)

from slipstream.errors import AnswerLost, AnswerTimeout, CannotConnect, ConnectTimeout, NoAnswer
from slipstream.transport.messages import Request
from slipstream.values.text import safe_text

_DEMANDED = {"CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA"}
_AFTERWARDS = {"UNEXPECTED_EOF_WHILE_READING", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"}
_NO_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
}
_OTHER_NAME = {62, 63, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and those of mail and IP addresses

_CLIENT = "If it demands a certificate of yours, give it as ex_client_cert."


@attrs.frozen(kw_only=True)
class Route:
    """The URL that requests go to, and the proxy that they go through, without its login."""

    endpoint: str
    mask: Callable[[str], str]
    proxy: str | None = None

    def failure(self, error: Exception, request: Request) -> NoAnswer:
        """The exception for what the HTTP library raised while a request was sent."""
        if isinstance(error, requests.exceptions.SSLError):
            failure = self._of_tls(_innermost(error))
            if failure is not None:
                return failure
        elif isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
            timed_out = isinstance(error, requests.exceptions.ConnectTimeout)
            return (ConnectTimeout if timed_out else CannotConnect)(
                f"Cannot connect to {self.endpoint}{self._through}: {self._cause(error)}.",
                endpoint=self.endpoint,
                hint="Check the address, the network and any proxy.",
            )
        timed_out = isinstance(_innermost(error), TimeoutError | ReadTimeoutError)
        return (AnswerTimeout if timed_out else AnswerLost)(
            f"{request.method} {request.path} was sent to {self.endpoint} and no complete response"
            f" came back: {self._cause(error)}.",
            endpoint=self.endpoint,
            hint=self._advice(error, request),
        )

    def refused_by_proxy(self) -> CannotConnect:
        """The exception for a proxy that does not know its user."""
        return CannotConnect(
            f"Cannot connect to {self.endpoint}{self._through}: it demands another login"
            " (HTTP 407).",
            endpoint=self.endpoint,
            hint="Write the login into proxy_url, as in 'http://user:password@host:3128'.",
        )

    def _advice(self, error: Exception, request: Request) -> str | None:
        hints = ["Try again later."] if request.repeatable else []
        # Since TLS 1.3 a client may have sent its request when its certificate is found missing.
        cut = isinstance(_innermost(error), ssl.SSLEOFError | ConnectionError)
        if cut and self.endpoint.startswith("https:"):
            hints.append(_CLIENT)
        return " ".join(hints) or None

    def _cause(self, error: BaseException) -> str:
        """The innermost reason, without the addresses and object names that urllib3 adds."""
        inner = _innermost(error)
        text = inner.args[-1] if inner.args else type(inner).__name__
        text = str(getattr(inner, "strerror", None) or text).split(": ", 1)[-1]
        return safe_text(self.mask(text), 200).rstrip(".")

    @property
    def _through(self) -> str:
        return f" through the proxy {self.proxy}" if self.proxy else ""

    def _of_tls(self, error: BaseException) -> CannotConnect | None:
        """The exception for a failure that certainly came before the request."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._distrusted(error)
        reason = str(getattr(error, "reason", None) or "")
        before = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
        if reason in _AFTERWARDS or not before:
            return None
        hint = "Check the address and the port."
        if any(word in reason for word in _DEMANDED):
            hint = _CLIENT
        elif any(word in reason for word in _NO_TLS):
            hint = "If it speaks plain http there, write http:// or secure=False; check the port."
        to = f"{self.endpoint}{self._through}"
        return CannotConnect(
            f"Cannot encrypt the connection to {to}: {self._cause(error)}.",
            endpoint=self.endpoint,
            hint=hint,
        )

    def _distrusted(self, error: ssl.SSLCertVerificationError) -> CannotConnect:
        reason = safe_text(error.verify_message) if error.verify_message else self._cause(error)
        if error.verify_code in _OTHER_NAME:
            return CannotConnect(
                f"The certificate of {self.endpoint} is for another host: {reason}.",
                endpoint=self.endpoint,
                hint="Use the host name that it is for, or have one made for this one.",
            )
        return CannotConnect(
            f"The certificate of {self.endpoint} is not trusted: {reason}.",
            endpoint=self.endpoint,
            hint="For a private authority give the path of its certificate as ex_ca_cert (or set"
            " libcloud.security.CA_CERTS_PATH for every driver).",
        )


def _never_connected(error: Exception) -> bool:
    before = requests.exceptions
    if isinstance(error, before.ProxyError | before.InvalidURL | LocationValueError):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _innermost(error: BaseException) -> Any:
    inner: Any = error
    while True:
        deeper = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(deeper, BaseException):
            return inner
        inner = deeper
