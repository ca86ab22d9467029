"""From the login to the end of a driver: closing it, and what of it goes elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, cast

import attrs

from slipstream.errors import InvalidCredentials
from slipstream.libcloud.base import DriverBase
from slipstream.libcloud.operation import operation
from slipstream.values.endpoint import Endpoint


@attrs.frozen
class _Kind:
    """
    What is left of a kind of endpoint.

    :param name: Its name.
    """

    name: str


@attrs.frozen(kw_only=True)
class _Detached:
    """
    Stands where the session was, in a driver that came out of a pickle.

    :param endpoint: The endpoint that the session was on.
    :param kind: The kind of endpoint.
    """

    endpoint: Endpoint
    kind: _Kind
    closed = False

    def ensure_open(self) -> None:
        """Refuse whatever is asked."""
        raise InvalidCredentials(
            "This driver was pickled without its secrets, so it is not logged in on"
            f" {self.endpoint}.",
            endpoint=self.endpoint.url,
            hint=f"Make a new driver for {self.endpoint}, and give it what came with this one.",
        )

    def close(self) -> None:
        """There is nothing to close."""


class LifetimeMethods(DriverBase):
    """The part of the driver that deals with the driver itself."""

    def close(self) -> None:
        """
        Close the driver: it sends nothing more, and its connections are closed.

        Calls under way in other threads end with their answers, or like every later call with
        :class:`~slipstream.libcloud.errors.DriverClosed`. The server's session is not ended: it
        expires by itself, and a file that :meth:`ex_save_cookies` made stays good until then.
        Closing twice does no harm, and neither does closing never: connections are closed with
        the last reference to the driver.

        :requests: SlipStream none, Nuvla none.
        """
        session = self._session_if_made()
        if session is not None:
            session.close()

    @operation
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        cls = type(self).__name__
        session: Any = self._session_if_made()
        if session is None:
            return f"<{cls}, not logged in>"
        state = ", closed" if session.closed else ""
        if isinstance(session, _Detached):
            state = ", without its secrets"
        return f"<{cls} for {session.endpoint} ({session.kind.name}){state}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """Itself: what it gave out, such as a node, is copied and still belongs to it."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """What may go into a pickle, named one by one lest a secret slip in."""
        session = self._session
        return {
            "endpoint": session.endpoint.url,
            "kind": session.kind.name,
            "api_version": self.api_version,
            "region": self.region,
            "features": self.features,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        endpoint = Endpoint.parse(state["endpoint"])
        super().__init__(  # type: ignore[no-untyped-call]
            "",
            "",
            secure=endpoint.secure,
            host=endpoint.host,
            port=endpoint.port,
            api_version=state["api_version"],
            region=state["region"],
        )
        self.connection.request_path = endpoint.base_path
        self.features = state["features"]
        detached = _Detached(endpoint=endpoint, kind=_Kind(state["kind"]))
        self._session = cast(Any, detached)
