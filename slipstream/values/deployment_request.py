"""A deployment request, as typed values without the names of a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import attrs

from slipstream.errors import BadInput
from slipstream.values.fields import Record, to_tuple
from slipstream.values.plain import announces_secret
from slipstream.values.resources import Module
from slipstream.values.ssh_key import SSHKey


class Role(Enum):
    """What a parameter of a deployment decides."""

    INPUT = "parameter"
    LOCATION = "location"
    SIZE = "size"
    MULTIPLICITY = "multiplicity"
    TOLERATED_FAILURES = "number of tolerated failures"


@attrs.frozen(kw_only=True)
class Parameter(Record):
    """
    One parameter of a deployment request.

    :param value: The value, as text.
    :param role: What it decides.
    :param name: The parameter's name; only an input has one.
    :param node: The application's node that it is for; ``None`` means the component, or every
        node of the application.
    """

    value: str = attrs.field(repr=False)
    role: Role = Role.INPUT
    name: str = ""
    node: str | None = None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (self.role is Role.INPUT) != bool(self.name):
            raise BadInput(f"A {self.role.value} {'needs a' if not self.name else 'has no'} name.")


KEEP_RUNNING = ("always", "never", "on-success", "on-error")


@attrs.frozen(kw_only=True)
class DeploymentRequest(Record):
    """
    What to deploy, and how.

    :param module_id: The component or application.
    :param name: The name of the deployment.
    :param tags: Further tags.
    :param parameters: What it decides, at most one of a kind for a node.
    :param keep_running: One of :data:`KEEP_RUNNING`; ``None`` leaves it to the user's profile.
    :param scalable: Whether machines can be added and removed while it runs.
    :param check_ssh_key: Whether to refuse when the user has no SSH key.
    :param ssh_key: A public key to put into the machines; only for backends with
        ``takes_ssh_keys``.
    :param raw: Documents of the image and of the location from earlier reads. A backend may use
        them instead of a request, after a check that they are of this image and location.
    :param region: The location, its id or its name, to deploy on when no parameter decides one.
    """

    module_id: str
    name: str | None = None
    tags: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    parameters: tuple[Parameter, ...] = attrs.field(default=(), converter=to_tuple)
    keep_running: str | None = attrs.field(default=None)
    scalable: bool = False
    check_ssh_key: bool = False
    ssh_key: SSHKey | None = None
    raw: tuple[Mapping[str, Any], ...] = attrs.field(
        default=(), converter=to_tuple, repr=False, eq=False
    )
    region: str | None = None

    @keep_running.validator
    def _check_keep_running(self, _: object, value: str | None) -> None:
        if value is not None and value not in KEEP_RUNNING:
            raise BadInput(
                f"ex_keep_running must be one of {', '.join(KEEP_RUNNING)}, not {value!r}."
            )

    def decides(self, role: Role) -> tuple[Parameter, ...]:
        """
        The parameters of one role.

        :param role: The role.
        :returns: Those parameters, in their order.
        """
        return tuple(p for p in self.parameters if p.role is role)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values of the inputs whose names announce a secret."""
        return tuple(p.value for p in self.parameters if announces_secret(p.name))

    def locations(self, module: Module | None = None) -> dict[str | None, str | None]:
        """
        List where every machine would start, as the user has written it; policies ask
        ``Backend.deployment_locations``, which knows the server.

        :param module: What is deployed. With it, every node of an application is listed.
        :returns: The location by the application's node, ``region`` where no parameter decides
            one, and ``None`` where the server decides. The node ``None`` is the component itself,
            or every node that is not listed.
        """
        locations: dict[str | None, str | None] = {}
        for parameter in self.decides(Role.LOCATION):
            locations.setdefault(parameter.node, parameter.value or None)
        default = locations.pop(None, self.region)
        for node in module.nodes if module is not None else ():
            locations.setdefault(node.name, default)
        if module is None or not module.nodes:
            locations[None] = default
        return locations

    def with_roles(
        self, roles: Mapping[str, Role], location_name: Callable[[str], str] = str
    ) -> DeploymentRequest:
        """
        The same request, with the roles of its inputs by their names.

        :param roles: What else is decided by an input of a name, on the server in use.
        :param location_name: Returns the one name of a location for each way to write it.
        :returns: A request in which those have their role; each goes before another parameter
            of the same role.
        """
        parameters = [
            attrs.evolve(p, role=roles[p.name], name="") if p.name in roles else p
            for p in self.parameters
        ]
        return attrs.evolve(
            self,
            region=location_name(self.region) if self.region else None,
            parameters=[
                attrs.evolve(p, value=location_name(p.value)) if p.role is Role.LOCATION else p
                for p in parameters
            ],
        )
