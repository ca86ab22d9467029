"""What stands in place of the session in a driver that came out of a pickle."""

from __future__ import annotations

import attrs

from slipstream.errors import InvalidCredentials
from slipstream.values.endpoint import Endpoint


@attrs.frozen
class DetachedKind:
    """
    What is left of a kind of endpoint.

    :param name: Its name.
    """

    name: str


@attrs.frozen(kw_only=True)
class DetachedSession:
    """
    A session without its secrets, which sends nothing.

    :param endpoint: The endpoint that the session was on.
    :param kind: The kind of endpoint.
    """

    endpoint: Endpoint
    kind: DetachedKind
    closed = False

    def ensure_open(self) -> None:
        """Refuse every operation."""
        raise InvalidCredentials(
            "This driver was pickled without its secrets, so it is not logged in on"
            f" {self.endpoint}.",
            endpoint=self.endpoint.url,
            hint=f"Make a new driver for {self.endpoint}, and give it what came with this one.",
        )

    def close(self) -> None:
        """There is nothing to close."""
