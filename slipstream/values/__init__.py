"""
The records that backends and hooks exchange, the same for every family of servers.

All are frozen. ``raw`` keeps everything that the server said beside what has a name here, so
that nothing is lost on the way to ``extra``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from slipstream.errors import BadInput, MalformedAnswer
from slipstream.values.endpoint import DEFAULT_PORTS, Credentials, Endpoint
from slipstream.values.fields import Record, to_mapping, to_tuple
from slipstream.values.plain import announces_secret, parse_timestamp, safe_text
from slipstream.values.ssh_key import SSHKey, generate

__all__ = [
    "DEFAULT_PORTS",
    "GONE",
    "KEEP_RUNNING",
    "CloudEntryPoint",
    "Connector",
    "Credentials",
    "Deployment",
    "DeploymentRequest",
    "DeploymentState",
    "Endpoint",
    "Module",
    "ModuleKind",
    "ModuleNode",
    "ModuleParameter",
    "Parameter",
    "Phase",
    "Role",
    "RunParameter",
    "SSHKey",
    "ServiceOffer",
    "VirtualMachine",
    "generate",
    "parse_timestamp",
    "safe_text",
]

Raw = Mapping[str, Any]

GONE = "Deleted"
"""The state of a deployment that the server does not have any more, for want of its own word."""


def _raw() -> Any:
    return attrs.field(factory=dict, converter=to_mapping, repr=False, eq=False)


def _check_id(record: object, _: object, value: object) -> None:
    if value == "":
        raise MalformedAnswer(f"The server returned a {type(record).__name__} whose id is empty.")


def _id() -> Any:
    return attrs.field(validator=_check_id)


def _check_finite(record: object, field: Any, value: object) -> None:
    most = sys.float_info.max
    # Comparisons are false for NaN, and safe for an int that no float can hold.
    if isinstance(value, int | float) and not -most <= value <= most:
        raise ValueError(f"{field.name} of {type(record).__name__} is not a finite number.")


def _number() -> Any:
    return attrs.field(default=None, validator=_check_finite)


class Phase(Enum):
    """The meaning of a state, for all servers."""

    __hash__ = object.__hash__  # many are looked up; that of Enum is written in Python

    PENDING = "pending"
    STARTING = "starting"
    CONFIGURING = "configuring"
    RUNNING = "running"
    UPDATING = "updating"
    REBOOTING = "rebooting"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    ERROR = "error"
    UNKNOWN = "unknown"


class ModuleKind(Enum):
    """What a module is: a folder of modules, one machine, or several machines together."""

    PROJECT = "project"
    COMPONENT = "component"
    APPLICATION = "application"


@attrs.frozen(kw_only=True)
class CloudEntryPoint(Record):
    """
    What a server says of itself at its cloud entry point.

    :param collections: Address of each collection below ``/api/``, by the collection's name.
    :param base_uri: The address that the server believes to have.
    :param raw: The whole document.
    """

    collections: Mapping[str, str] = attrs.field(converter=to_mapping)
    base_uri: str | None = None
    raw: Raw = _raw()


@attrs.frozen(kw_only=True)
class ModuleParameter(Record):
    """
    One parameter that a module declares.

    :param name: Its name.
    :param category: ``Input``, ``Output``, or another word of the server.
    :param value: The default.
    :param type: The server's type word.
    :param description: A text for users.
    :param mandatory: Whether it must have a value.
    :param choices: The values allowed, where the server restricts them.
    :param mapped_to: The parameter of another node that gives it its value, as in
        ``apache:port``; a user's value has no effect then.
    """

    name: str
    category: str = ""
    value: str | None = None
    type: str = ""
    description: str = ""
    mandatory: bool = False
    choices: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    mapped_to: str | None = None


@attrs.frozen(kw_only=True)
class ModuleNode(Record):
    """
    One node of an application.

    :param name: The node's name.
    :param module_id: The component that it runs.
    :param multiplicity: How many instances start by default.
    :param connector: The cloud that the application names for it, if any.
    :param parameters: What can be set on it.
    :param image_ids: The component's machine image on each connector that has one.
    """

    name: str
    module_id: str = ""
    multiplicity: int = 1
    connector: str | None = None
    parameters: tuple[ModuleParameter, ...] = attrs.field(default=(), converter=to_tuple)
    image_ids: Mapping[str, str] = attrs.field(factory=dict, converter=to_mapping)


@attrs.frozen(kw_only=True)
class Module(Record):
    """
    Something that can be deployed, or a folder of such things.

    :param id: What names this version: path and version.
    :param path: What names all its versions.
    :param name: The last part of the path.
    :param kind: Project, component or application.
    :param version: The version number.
    :param description: A text for users.
    :param parameters: The parameters of a component.
    :param nodes: The nodes of an application.
    :param image_ids: A component's machine image on each connector that has one.
    :param connectors: The connectors that the user may run it on, where the server says so.
    :param parent_id: The module that it is built on.
    :param created: When this version was made.
    :param modified: When it was last changed.
    :param raw: The server's document.
    """

    id: str = _id()
    path: str
    name: str
    kind: ModuleKind
    version: str | None = None
    description: str = ""
    parameters: tuple[ModuleParameter, ...] = attrs.field(default=(), converter=to_tuple)
    nodes: tuple[ModuleNode, ...] = attrs.field(default=(), converter=to_tuple)
    image_ids: Mapping[str, str] = attrs.field(factory=dict, converter=to_mapping)
    connectors: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    parent_id: str | None = None
    created: datetime | None = None
    modified: datetime | None = None
    raw: Raw = _raw()


@attrs.frozen(kw_only=True)
class ServiceOffer(Record):
    """
    A size of machine.

    :param id: The offer's id.
    :param name: A text for users.
    :param connectors: The names of the connectors that offer it; empty if it is bound to none.
    :param cpu: Number of virtual CPUs.
    :param ram: Memory in MiB.
    :param disk: Root disk in GiB.
    :param price: Cost of one unit of time, in ``currency``.
    :param currency: ISO 4217 code.
    :param price_unit: The unit of time of the price, as in ``HUR`` for an hour (UN/CEFACT
        Recommendation 20).
    :param country: ISO 3166 code of the country it runs in.
    :param raw: The server's document.
    """

    id: str = _id()
    name: str
    connectors: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    cpu: float | None = _number()
    ram: float | None = _number()
    disk: float | None = _number()
    price: float | None = _number()
    currency: str | None = None
    price_unit: str | None = None
    country: str | None = None
    raw: Raw = _raw()


@attrs.frozen(kw_only=True)
class Connector(Record):
    """
    A cloud that the user can deploy on.

    :param id: The connector's id.
    :param name: Its name.
    :param country: ISO 3166 code of its country, ``None`` where no offer states it.
    :param raw: The server's document.
    """

    id: str = _id()
    name: str
    country: str | None = None
    raw: Raw = _raw()


@attrs.frozen(kw_only=True)
class Deployment(Record):
    """
    A running or ended deployment.

    :param id: The deployment's id.
    :param name: The name from its creation, ``None`` without one.
    :param state: The server's word for its state.
    :param phase: What that word means.
    :param failure: The reason of an abort, ``None`` while all is well.
    :param module_id: What was deployed.
    :param module_name: The name of that module, ``None`` where the server does not state it.
    :param size: The size of its machines as a :class:`ServiceOffer`, of which the id and the name
        are enough, where it has one for all of them and tells it; it becomes ``node.size``.
    :param tags: Its tags, the name not among them.
    :param connectors: The names of the clouds it runs on.
    :param user: The owner's name.
    :param started: When it was created.
    :param service_url: The address of the deployed service, once it says so.
    :param scalable: Whether machines can be added while it runs; ``None`` when not known.
    :param addresses: The IP addresses of its machines, as far as they are known from it alone.
    :param parameters: Every run parameter and its value (``None``: not set yet); ``None`` when
        only a summary was read.
    :param raw: The server's document.
    """

    id: str = _id()
    name: str | None = None
    state: str = ""
    phase: Phase = Phase.UNKNOWN
    failure: str | None = None
    module_id: str = ""
    module_name: str | None = None
    size: ServiceOffer | None = None
    tags: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    connectors: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    user: str | None = None
    started: datetime | None = None
    service_url: str | None = None
    scalable: bool | None = None
    addresses: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    parameters: Mapping[str, str | None] | None = attrs.field(
        default=None, converter=attrs.converters.optional(to_mapping), repr=False
    )
    raw: Raw = _raw()


@attrs.frozen(kw_only=True)
class DeploymentState(Record):
    """
    The state of a deployment, from one cheap request.

    :param state: The server's word.
    :param phase: What it means.
    :param failure: The reason of an abort, ``None`` while all is well.
    :param attainable: Whether one of the states waited for can still come.
    :param deployment_id: The deployment, for those who watch several.
    """

    state: str
    phase: Phase
    failure: str | None = None
    attainable: bool = True
    deployment_id: str | None = None


@attrs.frozen(kw_only=True)
class RunParameter(Record):
    """
    One parameter of a deployment.

    :param name: Its name.
    :param value: Its value, ``None`` while it is not set. It may be a password.
    :param secret: Whether the module declares it as a password.
    """

    name: str
    value: str | None = attrs.field(default=None, repr=False)
    secret: bool = False


@attrs.frozen(kw_only=True)
class VirtualMachine(Record):
    """
    A machine of a deployment, or one that the user runs besides.

    :param id: The machine's id on the server.
    :param name: Its name on the cloud.
    :param state: The cloud's word for its state.
    :param phase: What that word means.
    :param addresses: Its IP addresses.
    :param connector: The connector it runs on.
    :param deployment_id: The deployment it belongs to, if any.
    :param offer: The size it has, as far as it is known.
    :param created: When the server first saw it.
    :param raw: The server's document.
    """

    id: str = _id()
    name: str
    state: str = ""
    phase: Phase = Phase.UNKNOWN
    addresses: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    connector: str | None = None
    deployment_id: str | None = None
    offer: ServiceOffer | None = None
    created: datetime | None = None
    raw: Raw = _raw()


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
