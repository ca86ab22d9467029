"""The built-in login methods, each in a module of its own."""

from __future__ import annotations

from slipstream.backends.logins.api_key import API_KEY
from slipstream.backends.logins.cookie_file import COOKIE_FILE
from slipstream.backends.logins.internal import INTERNAL, PASSWORD
from slipstream.backends.logins.session_template import SESSION_TEMPLATE
from slipstream.hookspecs import LoginMethod, hookimpl


@hookimpl
def slipstream_login_methods() -> list[LoginMethod]:
    """The login methods that come with this package."""
    return [INTERNAL, PASSWORD, API_KEY, COOKIE_FILE, SESSION_TEMPLATE]
