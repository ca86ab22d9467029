"""Wait until several nodes run and have addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from slipstream.errors import BadInput, NodeFailed, WaitTimeout
from slipstream.libcloud.convert import split
from slipstream.session.polling import Progress, poll, progress_field
from slipstream.values import Deployment, DeploymentState, Phase

GRACE = 3  # further polls after which a node that runs has no address, if it still has none
NAMED = 5  # nodes that a message names
_ENDED = {Phase.ERROR, Phase.STOPPING, Phase.STOPPED, Phase.TERMINATED}
_OTHER = {"public_ips": "private_ips", "private_ips": "public_ips"}


def check_interface(interface: object) -> None:
    """Refuse a name that is none of the two kinds of addresses."""
    if interface not in _OTHER:
        raise BadInput(f"ssh_interface must be 'public_ips' or 'private_ips', not {interface!r}.")


@attrs.frozen(kw_only=True)
class RunningWait:
    """A wait until nodes run and have public or private addresses, with or without IPv6."""

    names: Mapping[str, str]
    interface: str = attrs.field()
    only_ipv4: bool
    period: float
    timeout: float
    progress: Progress | None = progress_field()

    @interface.validator
    def _check_interface(self, _: object, value: object) -> None:
        check_interface(value)

    def addresses(self, deployment: Deployment) -> list[str]:
        """The addresses of a deployment that match; host names are among them."""
        public, private = split(deployment.addresses)
        addresses = public if self.interface == "public_ips" else private
        return [address for address in addresses if not (self.only_ipv4 and _is_ipv6(address))]

    def until(self, read: Callable[[], Sequence[Deployment]]) -> Sequence[Deployment]:
        """Poll until all of them run and have addresses."""
        what, polls_without_address = f"the state of {len(self.names)} nodes", 0
        late: list[Deployment] = []
        unreachable: list[Deployment] = []
        for deployments in poll(read, what=what, period=self.period, timeout=self.timeout):
            self._check(deployments)
            late = [d for d in deployments if d.phase is not Phase.RUNNING]
            if late:
                continue
            unreachable = [d for d in deployments if not self.addresses(d)]
            if not unreachable:
                return deployments
            # Servers may list a machine some time after they say that it runs.
            polls_without_address += any(
                d.addresses or d.parameters is not None for d in unreachable
            )
            if polls_without_address > GRACE:
                break
        if late:
            raise WaitTimeout(
                f"Timed out after {self.timeout:g} seconds, not all that was waited for runs:"
                f" {_joined(f'{self._name(d)} is {d.state}' for d in late)}",
                hint="The nodes go on; wait again with a longer timeout, or destroy them.",
            )
        others, advice = self._others(unreachable[0])
        raise NodeFailed(
            _joined(map(self._without_address, unreachable)),
            state=unreachable[0].state,
            node_ids=[d.id for d in unreachable],
            hint=advice
            if others
            else "It may get one later; wait again, or look at its machines.",
        )

    def _check(self, deployments: Iterable[Deployment]) -> None:
        """Report all states, and raise if a deployment has failed."""
        failures = [d for d in deployments if _has_failed(d)]
        if self.progress is not None:
            for deployment in deployments:
                state = DeploymentState(
                    state=deployment.state,
                    phase=deployment.phase,
                    failure=deployment.failure,
                    attainable=not _has_failed(deployment),
                    deployment_id=deployment.id,
                )
                self.progress(state)
        if failures:
            raise NodeFailed(
                _joined(map(self._failure, failures)),
                state=failures[0].state,
                reason=failures[0].failure,
                node_ids=[d.id for d in failures],
                hint="Destroy the failed nodes; the others go on.",
            )

    def _failure(self, deployment: Deployment) -> str:
        name = self._name(deployment)
        if deployment.failure:
            return f"{name} was aborted in state {deployment.state}: {deployment.failure}"
        return f"{name} is {deployment.state} and cannot run any more"

    def _without_address(self, deployment: Deployment) -> str:
        others, _ = self._others(deployment)
        but = f", but {', '.join(others)}" if others else ""
        kind = f"{self.interface.removesuffix('_ips')} {'IPv4 ' if self.only_ipv4 else ''}address"
        return f"{self._name(deployment)} runs and has no {kind}{but}"

    def _others(self, deployment: Deployment) -> tuple[list[str], str]:
        """The addresses that do not match, and the argument that would accept them."""
        either = attrs.evolve(self, only_ipv4=False).addresses(deployment)
        if either:
            return either, "Pass force_ipv4=False to take them."
        other = attrs.evolve(self, interface=_OTHER[self.interface])
        return other.addresses(deployment), f"Pass ssh_interface={other.interface!r} to take them."

    def _name(self, deployment: Deployment) -> str:
        name = self.names.get(deployment.id) or deployment.name
        if name and name != deployment.id:
            return f"{name} ({deployment.id})"
        return f"Deployment {deployment.id}"


def _has_failed(deployment: Deployment) -> bool:
    return bool(deployment.failure) or deployment.phase in _ENDED


def _joined(sentences: Iterable[str]) -> str:
    parts = list(sentences)
    if len(parts) > NAMED:
        parts[NAMED:] = [f"and {len(parts) - NAMED} more"]
    return f"{'; '.join(parts)}."


def _is_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False  # a host name
