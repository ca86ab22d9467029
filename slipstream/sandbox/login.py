"""The ways into a sandbox."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Login:
    """
    A way into the sandbox.

    :param username: The user's name.
    :param password: The password.
    :param key: Id of an API key.
    :param secret: Its secret.
    :param token: A token for the login method ``mitreid-token``; empty where there is none.
    """

    username: str
    password: str = attrs.field(repr=False)
    key: str
    secret: str = attrs.field(repr=False)
    token: str = attrs.field(default="", repr=False)
