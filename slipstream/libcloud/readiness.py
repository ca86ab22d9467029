"""Waiting until several nodes run and can be reached."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from slipstream.errors import BadInput, DriverError, NodeFailed, WaitTimeout
from slipstream.libcloud.convert import split
from slipstream.session.polling import Progress, notify, poll
from slipstream.values import Deployment, DeploymentState, Phase

GRACE = 3
"""Further questions after which a node that runs has no address, if it still has none."""

NAMED = 5
"""Nodes that a message names."""

_HOPELESS = {Phase.ERROR, Phase.STOPPING, Phase.STOPPED, Phase.TERMINATED}
_OTHER = {"public_ips": "private_ips", "private_ips": "public_ips"}


@attrs.frozen(kw_only=True)
class Reach:
    """
    The addresses by which nodes are to be reached.

    :param interface: ``public_ips`` or ``private_ips``.
    :param only_ipv4: Whether IPv6 addresses are left out.
    """

    interface: str = attrs.field()
    only_ipv4: bool

    @interface.validator
    def _check_interface(self, _: object, value: object) -> None:
        if value not in _OTHER:
            raise BadInput(
                f"ssh_interface is {value!r}: it is either 'public_ips' or 'private_ips'."
            )

    def addresses(self, deployment: Deployment) -> list[str]:
        """
        The addresses that are wanted of those that a deployment has; host names are among them.

        :param deployment: The deployment.
        """
        public, private = split(deployment.addresses)
        found = public if self.interface == "public_ips" else private
        return [one for one in found if not (self.only_ipv4 and _is_ipv6(one))]

    def others(self, deployment: Deployment) -> tuple[list[str], str]:
        """
        The addresses that it has besides, and how to ask for them.

        :param deployment: The deployment.
        """
        either = attrs.evolve(self, only_ipv4=False).addresses(deployment)
        if either:
            return either, "Pass force_ipv4=False to take them."
        other = attrs.evolve(self, interface=_OTHER[self.interface])
        return other.addresses(deployment), f"Pass ssh_interface={other.interface!r} to take them."

    @property
    def words(self) -> str:
        """What is wanted, for messages."""
        version = "IPv4 " if self.only_ipv4 else ""
        return f"{self.interface.removesuffix('_ips')} {version}address"


@attrs.frozen(kw_only=True)
class Start:
    """
    Nodes that are waited for until they run and can be reached.

    :param names: What to call each deployment, by its id.
    :param reach: The addresses wanted.
    :param period: The longest pause between two questions in seconds.
    :param timeout: Seconds after which to give up; the first question is always asked.
    :param progress: Called with where each deployment stands, at every question.
    """

    names: Mapping[str, str]
    reach: Reach
    period: float
    timeout: float
    progress: Progress | None = None

    def until(self, ask: Callable[[], Sequence[Deployment]]) -> Sequence[Deployment]:
        """
        Ask until all of them run and have addresses.

        :param ask: Reads the deployments.
        :returns: What it read last.
        :raises NodeFailed: If one was aborted or cannot run any more, or runs and gets no
            address.
        :raises WaitTimeout: If the time is over.
        """
        what, unreached = f"the state of {len(self.names)} nodes", 0
        found: Sequence[Deployment] = ()
        for found in poll(ask, what=what, period=self.period, timeout=self.timeout):
            self._tell(found)
            self._check(found)
            if _not_running(found):
                continue
            without = self._unreached(found)
            if not without:
                return found
            unreached += any(map(_is_told, without))
            if unreached > GRACE:
                break
        raise self._timed_out(found) if _not_running(found) else self._no_address(found)

    def _tell(self, found: Iterable[Deployment]) -> None:
        if self.progress is None:
            return
        for deployment in found:
            notify(
                self.progress,
                DeploymentState(
                    state=deployment.state,
                    phase=deployment.phase,
                    failure=deployment.failure,
                    attainable=not _is_hopeless(deployment),
                    deployment_id=deployment.id,
                ),
            )

    def _check(self, found: Sequence[Deployment]) -> None:
        hopeless = [deployment for deployment in found if _is_hopeless(deployment)]
        if hopeless:
            raise NodeFailed(
                _listed(map(self._fate, hopeless)),
                state=hopeless[0].state,
                reason=hopeless[0].failure,
                node_ids=[deployment.id for deployment in hopeless],
                hint="Destroy what has failed; whatever else was waited for goes on.",
            )

    def _unreached(self, found: Iterable[Deployment]) -> list[Deployment]:
        return [deployment for deployment in found if not self.reach.addresses(deployment)]

    def _fate(self, deployment: Deployment) -> str:
        name = self._name(deployment)
        if deployment.failure:
            return f"{name} was aborted in state {deployment.state}: {deployment.failure}"
        return f"{name} is {deployment.state} and cannot run any more"

    def _name(self, deployment: Deployment) -> str:
        name = self.names.get(deployment.id) or deployment.name
        known = name and name != deployment.id
        return f"{name} ({deployment.id})" if known else f"Deployment {deployment.id}"

    def _no_address(self, found: Iterable[Deployment]) -> DriverError:
        unreached = self._unreached(found)
        first = unreached[0]
        others, how = self.reach.others(first)
        return NodeFailed(
            _listed(self._without_address(deployment) for deployment in unreached),
            state=first.state,
            node_ids=[deployment.id for deployment in unreached],
            hint=how if others else "It may get one later; wait again, or look at its machines.",
        )

    def _without_address(self, deployment: Deployment) -> str:
        others, _ = self.reach.others(deployment)
        has = f", but {', '.join(others)}" if others else ""
        return f"{self._name(deployment)} runs and has no {self.reach.words}{has}"

    def _timed_out(self, found: Iterable[Deployment]) -> DriverError:
        late = _listed(f"{self._name(one)} is {one.state}" for one in _not_running(found))
        return WaitTimeout(
            f"Timed out after {self.timeout:g} seconds, not all that was waited for runs: {late}",
            hint="The nodes go on; wait again with a longer timeout, or destroy them.",
        )


def _not_running(found: Iterable[Deployment]) -> list[Deployment]:
    return [deployment for deployment in found if deployment.phase is not Phase.RUNNING]


def _is_told(deployment: Deployment) -> bool:
    """Whether the server has told the addresses; it may tell them some time after the state."""
    return bool(deployment.addresses) or deployment.parameters is not None


def _is_hopeless(deployment: Deployment) -> bool:
    return bool(deployment.failure) or deployment.phase in _HOPELESS


def _listed(sentences: Iterable[str]) -> str:
    every = list(sentences)
    more = len(every) - NAMED
    return "; ".join([*every[:NAMED], *([f"and {more} more"] if more > 0 else [])]) + "."


def _is_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False
