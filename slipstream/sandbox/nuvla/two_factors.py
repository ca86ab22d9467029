"""
The second factor of a login.

Source: nuvla/api-server, callback_create_session_2fa.clj and two_factor_auth/utils.clj.
"""

from __future__ import annotations

import hmac
import struct
from datetime import datetime, timedelta
from hashlib import sha1
from typing import TYPE_CHECKING, Any

import attrs

from slipstream.sandbox.nuvla.call import not_found
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World

_TRIES = 3
_LIFETIME = timedelta(seconds=120)
_PERIOD = 30


@attrs.define(kw_only=True)
class Callback:
    """
    A login that waits for its second factor.

    :param user: Id of the user.
    :param pending: What the login needs to go on.
    :param ends: When it is too late.
    :param tries: How many are left.
    """

    user: str
    pending: Any = attrs.field(repr=False)
    ends: datetime
    tries: int = _TRIES


def code(secret: str, now: datetime) -> str:
    """
    Compute a code as RFC 6238 does.

    :param secret: The secret shared with the user's device.
    :param now: The present moment.
    :returns: Six digits.
    """
    counter = struct.pack(">Q", int(now.timestamp()) // _PERIOD)
    digest = hmac.new(secret.encode(), counter, sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def ask(world: World, user: str, pending: Any) -> str:
    """
    Let a login wait for its second factor.

    :param world: The world.
    :param user: Id of the user.
    :param pending: What the login needs to go on.
    :returns: Id of the callback to execute.
    """
    identifier = f"callback/{world.ids.uuid()}"
    ends = world.now() + _LIFETIME
    world.callbacks[identifier] = Callback(user=user, pending=pending, ends=ends)
    return identifier


def redeem(world: World, identifier: str, token: object) -> Any:
    """
    Take the code.

    :param world: The world.
    :param identifier: The callback.
    :param token: The code as it was sent.
    :returns: What the login needs to go on.
    :raises JsonProblem: 404, 400 for a wrong code, 409 after three tries or two minutes.
    """
    callback = world.callbacks.get(identifier)
    if callback is None:
        raise not_found(identifier)
    if callback.tries == 0 or world.now() >= callback.ends:
        raise JsonProblem(409, "cannot re-execute callback", identifier)
    callback.tries -= 1
    if token != code(world.second_factors[callback.user], world.now()):
        raise JsonProblem(400, f"Wrong 2FA token for {callback.user}")
    callback.tries = 0
    return callback.pending
