"""A handle on the way of a node to a state, which can be kept and taken up elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import attrs

from slipstream.errors import BadInput, NodeFailed, WaitTimeout
from slipstream.session.polling import Progress
from slipstream.transport import clock
from slipstream.values import DeploymentState


class Driver(Protocol):
    """What an operation needs of a driver."""

    @property
    def ex_endpoint(self) -> str:
        """The address of the endpoint."""

    def ex_wait_node_in_state(
        self,
        node: str,
        states: Iterable[str],
        wait_period: float,
        timeout: float,
        ignore_abort: bool,
        *,
        progress: Progress | None,
    ) -> str:
        """Wait until a node is in one of some states."""


@attrs.frozen(kw_only=True)
class StateChange:
    """
    A state that a node was first met in.

    :param moment: When it was met, in UTC; it may have come earlier.
    :param state: The server's word for it.
    :param failure: The reason of an abort, ``None`` while all was well.
    """

    moment: datetime
    state: str
    failure: str | None = None


@attrs.define(kw_only=True, eq=False)
class NodeOperation:
    """
    The way of a node to one of some states, made by
    :meth:`~.SlipStreamNodeDriver.ex_operation`.

    It can be pickled: neither the driver nor anything secret goes with it. What comes out of the
    file has no driver, and is given one of the same endpoint by :meth:`resume`. Once ``done`` or
    ``failed``, it sends no more requests. It is not made to be shared by threads.

    :param node_id: The node's id.
    :param node_name: The node's name.
    :param endpoint: The address of the endpoint.
    :param states: The states wanted, in the server's words.
    :param ignore_abort: Whether an aborted deployment may still reach them.
    :param state: The state that the node was last met in, ``None`` before the first poll.
    :param done: Whether a wanted state was reached.
    :param failed: Whether none of them can be reached any more.
    :param reason: Why it failed, ``None`` if it did not.
    :param history: Each state that the node was met in, in order.
    """

    node_id: str
    node_name: str
    endpoint: str
    states: tuple[str, ...]
    ignore_abort: bool = False
    state: str | None = None
    done: bool = False
    failed: bool = False
    reason: str | None = None
    history: tuple[StateChange, ...] = ()
    _driver: Driver | None = attrs.field(default=None, init=False)

    def __repr__(self) -> str:
        target = " or ".join(self.states)
        if self.failed:
            return f"<NodeOperation: node {self.node_id} is {self.state} and cannot be {target}.>"
        if self.done:
            return f"<NodeOperation: node {self.node_id} is {self.state}, as it should be.>"
        state = f"is {self.state}" if self.state else "has not been read"
        return f"<NodeOperation: node {self.node_id} waits to be {target}; its state {state}.>"

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], NodeOperation], tuple[Any]]:
        return type(self).from_dict, (self.to_dict(),)

    def poll(self) -> NodeOperation:
        """
        Ask once where the node stands, unless the end is known.

        That the node has failed is no exception here, but noted in ``failed`` and ``reason``.

        :returns: The handle itself.
        :raises BadInput: If it has no driver; see :meth:`resume`.
        :raises DriverError: If there is no answer; nothing has changed then.
        """
        if not (self.done or self.failed):
            with suppress(WaitTimeout, NodeFailed):
                self._poll(wait_period=0, timeout=0)
        return self

    def wait(
        self, wait_period: float = 10, timeout: float = 600, *, progress: Progress | None = None
    ) -> NodeOperation:
        """
        Wait until the node is in one of the states.

        :param wait_period: The longest pause between two polls in seconds.
        :param timeout: Seconds after which to give up.
        :keyword progress: Called with each state, a :class:`~slipstream.values.DeploymentState`.
        :returns: The handle itself, which is ``done``.
        :raises NodeFailed: If the node failed, or can no longer get there.
        :raises WaitTimeout: If the time is over; the handle can be waited for again.
        :raises BadInput: If it has no driver; see :meth:`resume`.
        """
        if self.failed:
            raise self._failure()
        if not self.done:
            self._poll(wait_period=wait_period, timeout=timeout, progress=progress)
        return self

    def resume(self, driver: Driver) -> NodeOperation:
        """
        Go on with a driver.

        :param driver: A driver for the same endpoint.
        :returns: The handle itself.
        :raises BadInput: If the driver is one for another endpoint.
        """
        if not hasattr(driver, "ex_endpoint"):
            raise TypeError(f"driver must be a driver, not {type(driver).__name__}.")
        if driver.ex_endpoint != self.endpoint:
            raise BadInput(
                f"The operation on {self.node_id} belongs to {self.endpoint}, not to"
                f" {driver.ex_endpoint}. Log in there to go on with it.",
                endpoint=driver.ex_endpoint,
            )
        self._driver = driver
        return self

    def to_dict(self) -> dict[str, Any]:
        """All that it knows, as texts, flags and lists that JSON can hold."""
        document = attrs.asdict(self, filter=lambda field, _: field.name != "_driver")
        changes = [
            {**change, "moment": change["moment"].isoformat()} for change in document["history"]
        ]
        return {**document, "states": list(self.states), "history": changes}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> NodeOperation:
        """
        A handle from what :meth:`to_dict` gave; it has no driver yet.

        :param document: The document.
        :raises BadInput: If it cannot come from there.
        """
        try:
            changes = tuple(
                StateChange(**{**change, "moment": datetime.fromisoformat(change["moment"])})
                for change in document["history"]
            )
            states = tuple(document["states"])
            return cls(**{**document, "states": states, "history": changes})
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"This is no document of a NodeOperation ({type(error).__name__}: {error})."
                " Give what to_dict() returned."
            ) from error

    def _poll(
        self, *, wait_period: float, timeout: float, progress: Progress | None = None
    ) -> None:
        def note(answer: DeploymentState) -> None:
            self._note(answer)
            if progress is not None:
                progress(answer)

        driver = self._attached()
        try:
            driver.ex_wait_node_in_state(
                self.node_id, self.states, wait_period, timeout, self.ignore_abort, progress=note
            )
        except NodeFailed as error:
            self.failed, self.reason = True, error.reason or error.value
            raise
        self.done = True

    def _attached(self) -> Driver:
        if self._driver is None:
            raise BadInput(
                f"The operation on {self.node_id} has no driver. Log in on {self.endpoint} and"
                " call resume(driver).",
                endpoint=self.endpoint,
            )
        return self._driver

    def _note(self, answer: DeploymentState) -> None:
        last = self.history[-1] if self.history else None
        if last is None or (last.state, last.failure) != (answer.state, answer.failure):
            now = datetime.fromtimestamp(clock.now(), UTC)
            change = StateChange(moment=now, state=answer.state, failure=answer.failure)
            self.history = (*self.history, change)
        self.state = answer.state

    def _failure(self) -> NodeFailed:
        return NodeFailed(
            f"Deployment {self.node_id} failed in state {self.state}: {self.reason}",
            state=self.state or "",
            reason=self.reason,
            node_ids=[self.node_id],
            endpoint=self.endpoint,
        )
