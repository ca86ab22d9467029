"""A handle for a wait, which can be stored and resumed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import attrs

from slipstream.errors import BadInput, NodeFailed, WaitTimeout
from slipstream.session.polling import Progress
from slipstream.transport import calls
from slipstream.values import DeploymentState
from slipstream.values.fields import check_number
from slipstream.values.plain import safe_text


@attrs.frozen(kw_only=True)
class StateChange:
    """
    A state that a node was first seen in.

    :param timestamp: When it was seen, in UTC; it may have come earlier.
    :param state: The server's word for it.
    :param failure: The reason of an abort, ``None`` if there is none.
    """

    timestamp: datetime
    state: str
    failure: str | None = None


@attrs.define(kw_only=True, eq=False)
class NodeOperation:
    """
    A wait for one of some states of a node, made by :meth:`~.SlipStreamNodeDriver.ex_operation`.

    It can be pickled, without the driver and without secrets. An unpickled one has no
    driver until :meth:`resume`. Once ``done`` or ``failed``, it sends no more requests. It is not
    made to be shared by threads.

    :param node_id: The node's id.
    :param node_name: The node's name.
    :param endpoint: The address of the endpoint.
    :param states: The states to reach, in the server's words.
    :param ignore_abort: Whether an aborted deployment may still reach them.
    :param state: The state at the last poll, ``None`` before the first one.
    :param done: Whether one of the states was reached.
    :param failed: Whether none of them can be reached any more.
    :param reason: Why it failed, ``None`` if it did not.
    :param history: Each state that the node was seen in, in order.
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
    _driver: Any = attrs.field(default=None, init=False)

    def __repr__(self) -> str:
        target, state = " or ".join(self.states), self.state or "unknown"
        if self.failed:
            reason = safe_text(self.reason or f"it cannot be {target}").rstrip(".")
            state = f"failed in state {state}: {reason}."
        return f"<NodeOperation: node {self.node_id}, until it is {target}: {state}>"

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], NodeOperation], tuple[Any]]:
        return type(self).from_dict, (self.to_dict(),)

    def poll(self) -> NodeOperation:
        """
        Read the state once, unless it is ``done`` or ``failed``.

        That the node has failed is no exception here, but noted in ``failed`` and ``reason``.

        :returns: The handle itself.
        :raises BadInput: If it has no driver; see :meth:`resume`.
        :raises DriverError: If there is no response; nothing has changed then.
        """
        if not (self.done or self.failed):
            with suppress(WaitTimeout, NodeFailed):
                self._wait(0, 0, None)
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
        check_number("wait_period", wait_period)
        check_number("timeout", timeout)
        if self.failed:
            message = f"Deployment {self.node_id} failed in state {self.state}: {self.reason}"
            raise NodeFailed(
                safe_text(message),
                state=self.state or "",
                reason=self.reason,
                node_ids=[self.node_id],
                endpoint=self.endpoint,
            )
        if not self.done:
            self._wait(wait_period, timeout, progress)
        return self

    def resume(self, driver: Any) -> NodeOperation:
        """
        Attach a driver.

        :param driver: A :class:`~slipstream.libcloud.compute_driver.SlipStreamNodeDriver` for the
            same endpoint.
        :returns: The handle itself.
        :raises BadInput: If the driver is one for another endpoint.
        """
        if not hasattr(driver, "ex_endpoint"):
            raise TypeError(f"driver must be a SlipStreamNodeDriver, not {type(driver).__name__}.")
        if driver.ex_endpoint != self.endpoint:
            raise BadInput(
                f"The operation on {self.node_id} belongs to {self.endpoint}, not to"
                f" {driver.ex_endpoint}. Log in there to go on with it.",
                endpoint=driver.ex_endpoint,
            )
        self._driver = driver
        return self

    def to_dict(self) -> dict[str, Any]:
        """All its attributes but the driver, for JSON."""
        document = attrs.asdict(self, filter=lambda field, _: field.name != "_driver")
        for change in document["history"]:
            change["timestamp"] = change["timestamp"].isoformat()
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> NodeOperation:
        """
        A handle, without a driver, from what :meth:`to_dict` returned.

        :param document: The document.
        :raises BadInput: If it is not such a document.
        """
        try:
            changes = tuple(
                StateChange(**{**change, "timestamp": datetime.fromisoformat(change["timestamp"])})
                for change in document["history"]
            )
            states = tuple(document["states"])
            return cls(**{**document, "states": states, "history": changes})
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"This is not a document of a NodeOperation ({type(error).__name__}: {error})."
                " Pass the result of to_dict()."
            ) from error

    def _wait(self, period: float, timeout: float, progress: Progress | None) -> None:
        if self._driver is None:
            raise BadInput(
                f"The operation on {self.node_id} has no driver. Log in on {self.endpoint} and"
                " call resume(driver).",
                endpoint=self.endpoint,
            )

        def note(state: DeploymentState) -> None:
            last = self.history[-1] if self.history else None
            if last is None or (last.state, last.failure) != (state.state, state.failure):
                now = datetime.fromtimestamp(calls.now(), UTC)
                change = StateChange(timestamp=now, state=state.state, failure=state.failure)
                self.history = (*self.history, change)
            self.state = state.state
            if progress is not None:
                progress(state)

        try:
            self._driver.ex_wait_node_in_state(
                self.node_id, self.states, period, timeout, self.ignore_abort, progress=note
            )
        except NodeFailed as error:
            self.failed, self.reason = True, error.reason or error.value
            raise
        self.done = True
