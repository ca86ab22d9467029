"""Log in by a code that the user types in a browser (RFC 8628)."""

from __future__ import annotations

import sys
import time
from typing import Any

from slipstream import Credentials, Login, LoginAttempt, LoginMethod, hookimpl
from slipstream.errors import BadInput, InvalidCredentials

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
        answer = attempt.post(f"{provider}/token", form=form, doing="renew the login")
    else:
        answer = ask_in_browser(attempt, provider)
    login = attempt.log_in_with_template("mitreid-token", {"token": answer["access_token"]})
    login.data = answer.get("refresh_token")
    return login


def ask_in_browser(attempt: LoginAttempt, provider: str) -> dict[str, Any]:
    form = {"client_id": CLIENT}
    device = attempt.post(f"{provider}/device", form=form, doing="get a code to log in with")
    print(f"Open {device['verification_uri']} and type {device['user_code']}.", file=sys.stderr)
    form |= {"grant_type": GRANT, "device_code": device["device_code"]}
    deadline = time.monotonic() + device["expires_in"]
    while time.monotonic() < deadline:
        time.sleep(device.get("interval", 5))
        answer = attempt.post(f"{provider}/token", form=form, doing="log in", allow={400})
        if "access_token" in answer:
            return answer
        if answer.get("error") != "authorization_pending":
            raise InvalidCredentials("The login was refused in the browser.", endpoint=provider)
    raise InvalidCredentials("Nobody typed the code in time.", endpoint=provider)


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
