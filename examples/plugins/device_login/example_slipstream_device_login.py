"""Log in by a code that the user types in a browser (RFC 8628)."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from slipstream import Credentials, Login, LoginAttempt, LoginMethod, hookimpl
from slipstream.errors import BadInput, InvalidCredentials, MalformedAnswer

CLIENT = "slipstream"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
    provider = credentials.parameters.get("provider")
    if not isinstance(provider, str):
        raise BadInput(
            "The address of the identity provider is missing.",
            hint="Pass ex_login_parameters={'provider': 'https://login.example'}.",
        )
    refresh_token = attempt.previous.data if attempt.previous else None
    if refresh_token:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        document = attempt.post(f"{provider}/token", form=form, doing="renew the login")
    else:
        document = request_token(attempt, provider)
    login = attempt.log_in_with_template(
        "mitreid-token", {"token": text(document, "access_token")}
    )
    login.data = document.get("refresh_token")
    return login


def request_token(attempt: LoginAttempt, provider: str) -> dict[str, Any]:
    form = {"client_id": CLIENT}
    device = attempt.post(f"{provider}/device", form=form, doing="get a code to log in with")
    address, code = text(device, "verification_uri"), text(device, "user_code")
    print(f"Open {address} and type {code}.", file=sys.stderr)
    form |= {"grant_type": GRANT, "device_code": text(device, "device_code")}
    deadline = time.monotonic() + seconds(device, "expires_in", 600)
    while time.monotonic() < deadline:
        time.sleep(seconds(device, "interval", 5))
        document = attempt.post(f"{provider}/token", form=form, doing="log in", allow={400})
        if "access_token" in document:
            return document
        if document.get("error") != "authorization_pending":
            raise InvalidCredentials("The login was refused in the browser.", endpoint=provider)
    raise InvalidCredentials("The code was not typed in time.", endpoint=provider)


def text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not (isinstance(value, str) and value):
        raise MalformedAnswer(f"The identity provider sent no {name!r}.")
    return value


def seconds(document: Mapping[str, Any], name: str, default: float) -> float:
    value = document.get(name, default)
    if not isinstance(value, int | float) or not 0 <= value <= 86_400:
        raise MalformedAnswer(f"The identity provider sent no seconds as {name!r}.")
    return value


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    return [
        LoginMethod(
            name="device-code",
            authenticate=authenticate,
            parameters=("provider",),
            secret_fields=("device_code",),
            description="a code to type in a browser; needs the parameter 'provider'",
        )
    ]
