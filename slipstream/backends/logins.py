"""The built-in login methods."""

from __future__ import annotations

import re
from typing import Any

from slipstream.backends.cimi import UUID, lifetime
from slipstream.errors import BadInput, InvalidCredentials
from slipstream.hookspecs import LoginMethod, hookimpl
from slipstream.session.cookie_files import load_cookies
from slipstream.session.login import Login, LoginAttempt
from slipstream.values.endpoint import Credentials

_API_KEY = re.compile(f"credential/{UUID}", re.IGNORECASE)
# SlipStreamServer, spec/session_template.cljc: words of letters joined by hyphens; Nuvla's may
# hold digits too.
_TEMPLATE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _with_template(name: str, key: str, secret: str, **options: Any) -> LoginMethod:
    """
    Log in with the two values that most session templates need, and any further parameters.

    Both are insisted on because a server fills in what is left out with the placeholders of
    its template, so that a forgotten password would log in with the word ``password``
    (SlipStreamServer, session_template.clj).
    """

    def authenticate(attempt: LoginAttempt, credentials: Credentials) -> Login:
        _refuse_file(name, credentials)
        fields = {key: credentials.key, secret: credentials.secret, **credentials.parameters}
        for field, argument in ((key, "key"), (secret, "secret")):
            if not fields[field]:
                raise BadInput(
                    f"The {field} to log in with is missing.",
                    hint=f"Pass it as the driver's argument '{argument}'.",
                )
        return attempt.log_in_with_template(name, fields)

    return LoginMethod(name=name, authenticate=authenticate, **options)


def _refuse_file(method: str, credentials: Credentials) -> None:
    if credentials.cookie_file is not None:
        raise BadInput(
            f"The login method {method!r} does not use ex_cookie_file.",
            hint="Leave one of ex_login_method and ex_cookie_file out.",
        )


def _take_over(attempt: LoginAttempt, credentials: Credentials) -> Login:
    """Use the session of a cookie file."""
    if credentials.cookie_file is None:
        raise BadInput("The login method cookie-file needs ex_cookie_file.")
    host = attempt.endpoint.host
    for cookie in load_cookies(credentials.cookie_file):
        if _belongs(cookie.domain, host):
            attempt.cookies.set_cookie(cookie)
    has_cookies = bool(list(attempt.cookies))
    if not has_cookies or not attempt.accepts_session():
        state = "has expired or was refused" if has_cookies else f"holds no session of {host}"
        raise InvalidCredentials(
            f"Cannot log in on {attempt.endpoint}: the cookie file {credentials.cookie_file}"
            f" {state}.",
            endpoint=attempt.endpoint.url,
            hint="Log in again with a key and a secret, and save a new file with ex_save_cookies.",
        )
    # The server has accepted it, so a time that is over means that the local clock is wrong.
    return attempt.finish(expires=lifetime(attempt.cookies))


def _belongs(domain: str, host: str) -> bool:
    """Whether a cookie of a domain is sent to a host (RFC 6265, 5.1.3)."""
    if domain.startswith(".") and f".{host}".endswith(domain):
        return True
    # The standard library adds ".local" to hosts without a dot, IPv6 addresses among them.
    return domain.lstrip(".").removesuffix(".local").strip("[]") == host.strip("[]")


def _use_any_template(attempt: LoginAttempt, credentials: Credentials) -> Login:
    """Log in with any other session template of the server, named by the user."""
    name = (credentials.method or "").removeprefix("session-template/")
    if not _TEMPLATE.fullmatch(name):
        raise BadInput(
            f"ex_login_method, a text of {len(name)} characters, is neither a login method nor the"
            " name of a session template.",
            hint="Known login methods: internal, api-key, cookie-file; a template's name has"
            " lower-case words joined by hyphens.",
        )
    _refuse_file(name, credentials)
    if credentials.secret:
        raise BadInput(
            f"The session template {name!r} takes its fields from ex_login_parameters; the secret"
            " would not be used.",
            hint="Write ex_login_parameters={'username': ..., 'password': ...}, with the fields"
            " that the template names, and None for key and secret.",
        )
    return attempt.log_in_with_template(name, credentials.parameters)


_METHODS = [
    _with_template("internal", "username", "password", description="user name and password"),
    _with_template(
        "password",
        "username",
        "password",
        description="the same, by the name that Nuvla has for it",
    ),
    _with_template(
        "api-key",
        "key",
        "secret",
        description="API key (credential/<uuid>) and its secret",
        recognises=lambda credentials: (
            credentials.cookie_file is None and bool(_API_KEY.fullmatch(credentials.key or ""))
        ),
    ),
    LoginMethod(
        name="cookie-file",
        authenticate=_take_over,
        description="a session that a cookie file holds (ex_cookie_file)",
        recognises=lambda credentials: credentials.cookie_file is not None,
    ),
    LoginMethod(
        name="session-template",
        authenticate=_use_any_template,
        description="any session template of the server, its fields in ex_login_parameters",
        fallback=True,
    ),
]


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    """The login methods that come with this package."""
    return _METHODS
