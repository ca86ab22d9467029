"""The operations of the driver, and the base of all backends."""

# Most operations are declared without a body.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Self, TypeVar, cast

import attrs

from slipstream.errors import BadInput, DriverError, NotFound, NotSupported, UnknownName, nearest
from slipstream.session.login import Client, Login, LoginAttempt
from slipstream.session.session import Session
from slipstream.transport.messages import Request, Response
from slipstream.values import (
    GONE,
    Connector,
    Deployment,
    DeploymentRequest,
    DeploymentState,
    Module,
    Phase,
    Role,
    RunParameter,
    ServiceOffer,
    SSHKey,
    VirtualMachine,
)

READY = "Ready"
"""What the driver waits for when the user names no state."""

F = TypeVar("F", bound=Callable[..., Any])


class Answered(Exception):
    """
    Raised by a wrapper before its yield, to return a result instead of the operation.

    The outer wrappers get the result from their yields, as if the backend had returned it.

    :param result: What the operation returns.
    """

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


@attrs.frozen
class Operation:
    """
    One operation of a backend.

    :param name: The name of the method.
    :param phrase: What it does, in words that go after "cannot".
    :param changes: Whether it changes something on the server.
    """

    name: str
    phrase: str
    changes: bool


OPERATIONS: dict[str, Operation] = {}
"""Every operation, by the name of its method."""

WITHOUT_OPERATION = (
    *("create_image", "copy_image", "list_volumes", "create_volume", "attach_volume"),
    *("detach_volume", "destroy_volume", "list_volume_snapshots", "create_volume_snapshot"),
    "destroy_volume_snapshot",
)
"""
The methods of libcloud's driver that no backend has an operation for. In ``cannot`` of a backend,
``list_volumes`` stands for all that have to do with volumes.
"""


def _operation(phrase: str, *, changes: bool = False, default: bool = False) -> Callable[[F], F]:
    """Declare an operation, which is refused unless it has a default or a class overrides it."""

    def register(method: F) -> F:
        name = method.__name__
        OPERATIONS[name] = Operation(name, phrase, changes)

        @functools.wraps(method)
        def refuse(self: Backend, *_: Any, **__: Any) -> NoReturn:
            raise self.unsupported(name)

        return method if default else cast(F, refuse)

    return register


def _check_tables(cls: type[Backend]) -> None:
    """Check the names and the values of the tables of a class."""
    operations = {*OPERATIONS, *WITHOUT_OPERATION}
    for name in cls.cannot.keys() - operations:
        raise UnknownName("operation", name, operations, f"in 'cannot' of {cls.__name__}")
    for name, reason in cls.cannot.items():
        if not (isinstance(reason, str) and reason.strip()):
            raise BadInput(f"'cannot' of {cls.__name__} has no reason for {name!r}.")
    for state, phase in cls.states.items():
        if not (isinstance(state, str) and isinstance(phase, Phase)):
            raise BadInput(f"The state {state!r} of {cls.__name__} has no Phase: {phase!r}.")
    for word, state in cls.state_aliases.items():
        if state not in cls.states:
            where = f"as the meaning of {word!r} in {cls.__name__}"
            raise UnknownName("state", state, cls.states, where)
    for parameter, role in cls.parameter_roles.items():
        if not isinstance(role, Role):
            raise BadInput(f"{parameter!r} of {cls.__name__} has no Role: {role!r}.")


def _check_spelling(cls: type[Backend]) -> None:
    """Refuse a misspelt operation, which would not be supported without a word."""
    for name, member in vars(cls).items():
        is_method = callable(member) and not name.startswith("_")
        if is_method and not hasattr(Backend, name) and nearest(name, OPERATIONS, cutoff=0.9):
            raise UnknownName(
                "operation",
                name,
                OPERATIONS,
                f"as a method of {cls.__name__}; a method that is no operation and has such a"
                " name begins with an underscore",
            )


def _check_arguments(cls: type[Backend], name: str) -> None:
    """
    Refuse an operation that leaves out an argument, since users' values of it would be ignored.

    An argument that is added to an operation later has a default here, and may be left out.
    """
    own, right = getattr(cls, name), getattr(Backend, name)
    if own is right:
        return
    if not inspect.isfunction(inspect.unwrap(own)):
        raise BadInput(f"{name} of {cls.__name__} is not a method.")
    declared, takes = (inspect.signature(method).parameters for method in (right, own))
    needed = [argument for argument, p in declared.items() if p.default is p.empty][1:]
    arguments = list(takes)[1:]
    if (
        any(p.kind != p.POSITIONAL_OR_KEYWORD or p.default != p.empty for p in takes.values())
        or arguments[: len(needed)] != needed
        or not declared.keys() >= set(arguments)
    ):
        raise BadInput(
            f"{name}() of {cls.__name__} does not take the arguments of its operation.",
            hint=f"Write: def {name}({', '.join(declared)}), without defaults.",
        )


_COMING = {
    Phase.TERMINATED: frozenset[Phase](),
    Phase.ERROR: frozenset({Phase.STOPPING, Phase.STOPPED, Phase.TERMINATED}),
}
"""What a deployment can still reach from a phase, where that is little."""


class Backend:
    """
    The protocol of one family of servers, for one session.

    An object of it is made at each login; its caches and locks are its own. Operations that a
    class does not override are refused with :class:`~slipstream.errors.NotSupported` and the
    reason in ``cannot``. For a protocol with few differences derive a class.

    An operation gets its arguments checked, and its result is checked for its type. Lists may be
    generators that read page after page. ``deployment_id`` is the ``id`` of a
    :class:`~slipstream.values.Deployment`. A change returns ``True`` once the server has accepted
    it.

    :param session: The session; not logged in yet when the object is made.
    """

    name: ClassVar[str] = ""
    """What the family is called."""
    states: ClassVar[Mapping[str, Phase]] = MappingProxyType({})
    """The words for the states of a deployment, in the order of its life, and their meaning."""
    state_aliases: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Words of other families for a state, and the word of this one."""
    parameter_roles: ClassVar[Mapping[str, Role]] = MappingProxyType({})
    """The names of parameters by which users can decide a location, a size and the like."""
    takes_ssh_keys: ClassVar[bool] = False
    """Whether :meth:`deploy` uses ``ssh_key``; requests with a key are refused otherwise."""
    cannot: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """
    Why an operation is not supported and what to do instead, by the operation's name; or why a
    method of libcloud's in :data:`WITHOUT_OPERATION` is not.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_spelling(cls)
        for name in OPERATIONS:
            _check_arguments(cls, name)
        if cls.states and Phase.TERMINATED not in cls.states.values():
            # What the server has deleted can be waited for on every server.
            cls.states = MappingProxyType({**cls.states, GONE: Phase.TERMINATED})
        aliases = dict(cls.state_aliases)
        if "state_aliases" not in vars(cls):  # those of a parent may be of states of its own
            aliases = {word: state for word, state in aliases.items() if state in cls.states}
        running = [state for state, phase in cls.states.items() if phase is Phase.RUNNING]
        if running and READY not in {*cls.states, *aliases}:
            aliases[READY] = running[0]
        cls.state_aliases = MappingProxyType(aliases)
        _check_tables(cls)

    def __init__(self, session: Session) -> None:
        self.session = session

    def with_session(self, session: Session) -> Self:
        """Make a backend for a dry run's session that shares caches and locks with this one."""
        twin = copy.copy(self)
        twin.session = session
        return twin

    @classmethod
    def supports(cls, operation: str) -> bool:
        """Whether the class has an operation, by its name."""
        own = getattr(cls, operation) is not getattr(Backend, operation)
        by_default = operation in {"get_deployments", "get_state"}
        return own or (by_default and cls.supports("get_deployment"))

    def unsupported(self, operation: str) -> NotSupported:
        """
        Make the exception for an operation that the servers of this family do not have.

        :returns: The exception, not raised.
        """
        return NotSupported(
            f"{self.session.kind.name} endpoints cannot {OPERATIONS[operation].phrase}.",
            endpoint=self.session.endpoint.url,
            hint=self.cannot.get(operation),
        )

    # The login, and what every request needs.

    def log_in(self, attempt: LoginAttempt, template: str, fields: Mapping[str, object]) -> Login:
        """
        Create a session on the server from one of its session templates.

        :param attempt: Sends the requests and keeps the cookies.
        :param template: The template's name, as in ``internal``.
        :param fields: The template's fields.
        :returns: ``attempt.finish()``.
        :raises InvalidCredentials: If the server does not accept them.
        """
        raise NotSupported(
            f"{self.session.kind.name} endpoints have no session templates.",
            endpoint=self.session.endpoint.url,
            hint="Name another login method as ex_login_method.",
        )

    def accepts_session(self, client: Client) -> bool:
        """Whether the server accepts the cookies of a client as a login; for cookie files."""
        return False

    def read_user_name(self, client: Client) -> str | None:
        """
        Read the name of the logged-in user; needed if the login method does not know it.

        :returns: The user's name, ``None`` if the server does not return it.
        """
        return None

    def act_for(self, attempt: LoginAttempt, group: str) -> None:
        """
        Act for a group of the user, once logged in.

        :raises BadInput: If the endpoint has no groups.
        """
        raise BadInput(
            f"{self.session.kind.name} endpoints have no groups to act for.",
            hint="Leave ex_group out.",
        )

    def authorise(self, request: Request) -> Request:
        """
        Authorise a request beside cookies: by a header or a signature.

        Called each time that a request is sent, after the login; ``self.session.login.data`` is
        the ``data`` of the login method.
        """
        return request

    def error_detail(self, response: Response) -> str | None:
        """Read the server's own words in a response with an error status, if it has any."""
        return None

    def session_ended(self, response: Response) -> bool:
        """
        Whether a response of status 401 or 403 means that the login has expired.

        The backend may send a request if the response alone is not enough.
        """
        return response.status == 401

    @staticmethod
    def location_name(location: str) -> str:
        """
        Normalise a location for :meth:`deploy` and its wrappers.

        :param location: The user's name of it, or an id of ``list_connectors``.
        """
        return location

    def deployment_locations(self, request: DeploymentRequest) -> Mapping[str | None, str | None]:
        """
        The location of every machine of a deployment, in one spelling; for policies.

        :param request: What would be deployed; reading is allowed.
        :returns: The location by the application's node, ``None`` where the server decides. The
            node ``None`` is the module itself.
        """
        return request.locations(self.get_module(request.module_id))

    def preflight(self, request: DeploymentRequest) -> Iterable[DriverError]:
        """
        Find the refusals of a deployment before it is requested; for dry runs.

        :param request: What would be deployed.
        :returns: Every refusal that can be known beforehand; reading is allowed.
        """
        return ()

    # The operations.

    @_operation("list deployments")
    def list_deployments(self, active_only: bool, addresses: bool) -> Iterable[Deployment]:
        """
        List the user's deployments, newest first.

        :param active_only: Leave out those that have ended.
        :param addresses: Fill in the addresses of the machines, without a request for each.
        :returns: Every deployment, however many pages that takes.
        """

    @_operation("read a deployment")
    def get_deployment(self, deployment_id: str) -> Deployment:
        """
        Read one deployment with its parameters.

        :raises NotFound: If there is none of that id.
        """

    @_operation("read deployments", default=True)
    def get_deployments(self, deployment_ids: Sequence[str]) -> Iterable[Deployment]:
        """
        Read several deployments, in as few requests as the server allows; by default one by one.

        :param deployment_ids: Their ids; one may be there more than once.
        :returns: One deployment for each id, in that order: its state, and the reason of a
            failure; all that a list tells if it runs, and its addresses once all of them run. One
            that the server does not have any more is in phase ``TERMINATED``.
        """
        for deployment_id in deployment_ids:
            try:
                yield self.get_deployment(deployment_id)
            except NotFound:
                yield Deployment(id=deployment_id, state=GONE, phase=Phase.TERMINATED)

    @_operation("read the state of a deployment", default=True)
    def get_state(self, deployment_id: str, states: frozenset[str]) -> DeploymentState:
        """
        Read the state of a deployment, as cheaply as possible; by default the whole deployment.

        A deployment that has ended or failed can reach few other states, so the default ends a
        wait for any other one. A wait for its end succeeds if the server does not have it any
        more.

        :param states: The states waited for, which decide ``attainable``.
        :raises NotFound: If there is none of that id, and its end is not waited for.
        """
        try:
            deployment = self.get_deployment(deployment_id)
        except NotFound:
            end = next((s for s in sorted(states) if self._phase(s) is Phase.TERMINATED), None)
            if end is None:
                raise
            return DeploymentState(state=end, phase=Phase.TERMINATED, deployment_id=deployment_id)
        coming = _COMING.get(deployment.phase)
        return DeploymentState(
            state=deployment.state,
            phase=deployment.phase,
            failure=deployment.failure,
            attainable=coming is None
            or deployment.state in states
            or any(self._phase(state) in coming for state in states),
            deployment_id=deployment_id,
        )

    def _phase(self, state: str) -> Phase:
        return Phase.TERMINATED if state == GONE else self.states.get(state, Phase.UNKNOWN)

    @_operation("deploy", changes=True)
    def deploy(self, request: DeploymentRequest) -> Deployment:
        """
        Deploy a module.

        :param request: What to deploy and how.
        :returns: The new deployment, not running yet.
        :raises BadInput: If the request cannot be right; nothing was deployed then.
        :raises AnswerLost: If it is not known whether the deployment was made.
        """

    @_operation("terminate a deployment", changes=True)
    def terminate(self, deployment_id: str, force: bool, raw: Mapping[str, Any]) -> bool:
        """
        Terminate a deployment and its machines.

        :param force: Whether to delete it although it cannot be stopped, where the server can;
            what it runs then goes on running.
        :param raw: Its document from an earlier read; it may be empty.
        :returns: ``True`` once it has ended, or the server has accepted and will end it.
        :raises Conflict: If it does not end.
        """

    @_operation("start a deployment", changes=True)
    def start_deployment(self, deployment_id: str) -> bool:
        """Start a deployment that exists and is not running."""

    @_operation("stop a deployment", changes=True)
    def stop_deployment(self, deployment_id: str) -> bool:
        """Stop a deployment without deleting it."""

    @_operation("reboot a deployment", changes=True)
    def reboot_deployment(self, deployment_id: str) -> bool:
        """Restart the machines of a running deployment."""

    @_operation("update a deployment", changes=True)
    def update_deployment(self, deployment_id: str) -> bool:
        """Apply a running deployment's application again, with its present values."""

    @_operation("read logs", changes=True)
    def get_logs(
        self, deployment_id: str, components: Iterable[str], lines: int, timeout: float
    ) -> dict[str, list[str]]:
        """
        Read the last lines that the components of a deployment have logged.

        :param components: The names of the components; none means the only one there is.
        :param lines: How many lines of each.
        :param timeout: Seconds after which to give up.
        :returns: The lines, by component.
        """

    @_operation("list modules")
    def list_modules(
        self, path: str | None, recurse: bool, connector: str | None
    ) -> Iterable[Module]:
        """
        List modules.

        :param path: The project to list, empty for the root; ``None`` for the App Store.
        :param recurse: Whether to go down into the projects below it.
        :param connector: Leave out modules that are known not to run on this connector.
        :returns: Components and applications; projects are left out.
        """

    @_operation("read a module")
    def get_module(self, module_id: str) -> Module:
        """
        Read one module with its parameters.

        :param module_id: Its id, or its path for the latest version.
        :raises NotFound: If there is none of that id.
        """

    @_operation("delete a module", changes=True)
    def delete_module(self, module_id: str, all_versions: bool) -> bool:
        """
        Delete a module.

        :param module_id: Its id.
        :param all_versions: Whether to delete every version of it, not just this one.
        :returns: ``True`` once it is deleted.
        """

    @_operation("list service offers")
    def list_service_offers(
        self, connector: str | None, usable_only: bool
    ) -> Iterable[ServiceOffer]:
        """
        List the sizes of machine on offer.

        :param connector: Only those of this connector.
        :param usable_only: Without a connector, leave out offers of connectors that the user
            cannot deploy on.
        """

    @_operation("list connectors")
    def list_connectors(self) -> Iterable[Connector]:
        """List the clouds that the user can deploy on."""

    @_operation("list virtual machines")
    def list_virtual_machines(
        self, connector: str | None, deployment_id: str | None, raw: Mapping[str, Any]
    ) -> Iterable[VirtualMachine]:
        """
        List machines.

        :param connector: Only those on this connector.
        :param deployment_id: Only those of this deployment.
        :param raw: The deployment's document from an earlier read; it may be empty.
        """

    @_operation("read a parameter")
    def get_parameter(self, deployment_id: str, name: str, ignore_abort: bool) -> RunParameter:
        """
        Read one parameter of a deployment.

        :param name: The parameter's name.
        :param ignore_abort: Whether to return it although the deployment was aborted.
        :returns: The parameter; its value is ``None`` while it is not set.
        :raises UnknownName: If the deployment has no such parameter.
        :raises NodeFailed: If it was aborted and that is not to be ignored.
        """

    @_operation("list SSH keys")
    def list_ssh_keys(self) -> Iterable[SSHKey]:
        """List the user's public SSH keys."""

    @_operation("add an SSH key", changes=True)
    def add_ssh_key(self, key: SSHKey) -> SSHKey:
        """
        Add a public SSH key to the user's.

        :param key: The key.
        :returns: The key as the server stores it.
        :raises KeyPairConflict: If its name is taken by another key.
        """

    @_operation("delete an SSH key", changes=True)
    def delete_ssh_key(self, key: SSHKey) -> bool:
        """
        Remove a public SSH key from the user's; every other one stays as it is.

        :param key: The key.
        :raises KeyPairMissing: If the user has no such key.
        """
