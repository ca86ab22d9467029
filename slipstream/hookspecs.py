"""
The hooks: what a plugin can contribute, answer or wrap.

Two hooks contribute records. All others are operations that the driver asks for: the first
answer that is not ``None`` counts, so a backend answers for its own kind of endpoint (marked
with :func:`serves`) and leaves the rest alone. Any plugin may wrap an operation with
``@hookimpl(wrapper=True)``: look at what is asked, change or refuse it, look at the answer.
A wrapper refuses by raising one of :mod:`slipstream.errors`.

Lists are handed over lazily: an answer may be a generator that asks the server page by page.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

if TYPE_CHECKING:
    from slipstream.plugins.contributions import EndpointKind, LoginMethod
    from slipstream.session import Session
    from slipstream.values import (
        Connector,
        Deployment,
        DeploymentState,
        Module,
        RunParameter,
        ServiceOffer,
        VirtualMachine,
    )
    from slipstream.values.deployment_request import DeploymentRequest
    from slipstream.values.ssh_key import SSHKey

PROJECT = "slipstream"
"""The name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

SERVES = "slipstream_serves"
"""The attribute by which an implementation tells whose endpoints it answers for."""

F = TypeVar("F", bound=Callable[..., Any])


def serves(backend: str) -> Callable[[F], F]:
    """
    Let a hook implementation answer for the endpoints of one backend only.

    Write it under ``@hookimpl``; the implementation takes ``session``.

    :param backend: The name of the :class:`~slipstream.plugins.contributions.Backend`.
    :returns: A decorator.
    :raises TypeError: If what it is written over does not take ``session``.
    """

    def decorate(function: F) -> F:
        names = list(inspect.signature(function).parameters)
        if "session" not in names:
            raise TypeError(f"{function.__name__} needs an argument 'session' to serve {backend}.")
        position = names.index("session")

        @functools.wraps(function)
        def answer(*args: Any) -> Any:
            session: Session = args[position]
            return function(*args) if session.kind.backend.name == backend else None

        setattr(answer, SERVES, backend)
        return cast(F, answer)

    return decorate


@hookspec
def slipstream_login_methods() -> Iterable[LoginMethod]:
    """
    Contribute login methods.

    :returns: The methods, each with a name of its own.
    """
    raise NotImplementedError


@hookspec
def slipstream_endpoints() -> Iterable[EndpointKind]:
    """
    Contribute kinds of endpoint.

    :returns: The kinds, each with a name of its own.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def slipstream_list_deployments(
    session: Session, active_only: bool, addresses: bool
) -> Iterable[Deployment] | None:
    """
    List the user's deployments, newest first.

    :param session: The logged-in session.
    :param active_only: Leave out those that have ended.
    :param addresses: Fill in the addresses of the machines, without a request for each.
    :returns: Every deployment, however many pages that takes.
    """


@hookspec(firstresult=True)
def slipstream_get_deployment(session: Session, deployment_id: str) -> Deployment | None:
    """
    Read one deployment with its parameters.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :raises NotFound: If there is none of that id.
    """


@hookspec(firstresult=True)
def slipstream_get_deployments(
    session: Session, deployment_ids: Sequence[str]
) -> Iterable[Deployment] | None:
    """
    Read several deployments, in as few requests as the server allows.

    Where no plugin answers, each is read by itself.

    :param session: The logged-in session.
    :param deployment_ids: Their ids; one may be there more than once.
    :returns: One deployment for each id, in that order: its state, and the reason of a failure;
        all that a list tells if it runs, and its addresses once all of them run. One that the
        server does not have any more is in phase ``TERMINATED``.
    """


@hookspec(firstresult=True)
def slipstream_get_state(
    session: Session, deployment_id: str, wanted: frozenset[str]
) -> DeploymentState | None:
    """
    Read where a deployment stands, as cheaply as the server can tell.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :param wanted: The states hoped for, so that ``attainable`` can be answered.
    :raises NotFound: If there is none of that id.
    """


@hookspec(firstresult=True)
def slipstream_deploy(session: Session, request: DeploymentRequest) -> Deployment | None:
    """
    Deploy a module.

    :param session: The logged-in session.
    :param request: What to deploy and how.
    :returns: The new deployment, still on its way.
    :raises BadInput: If the request cannot be right; nothing was deployed then.
    :raises AnswerLost: If it is not known whether the deployment was made.
    """


@hookspec(firstresult=True)
def slipstream_terminate(session: Session, deployment_id: str) -> bool | None:
    """
    Terminate a deployment and its machines.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :returns: ``True`` once the server has accepted.
    """


@hookspec(firstresult=True)
def slipstream_start_deployment(session: Session, deployment_id: str) -> bool | None:
    """
    Start a deployment that exists and is not running.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :returns: ``True`` once the server has accepted.
    """


@hookspec(firstresult=True)
def slipstream_stop_deployment(session: Session, deployment_id: str) -> bool | None:
    """
    Stop a deployment without deleting it.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :returns: ``True`` once the server has accepted.
    """


@hookspec(firstresult=True)
def slipstream_reboot_deployment(session: Session, deployment_id: str) -> bool | None:
    """
    Restart the machines of a running deployment, which stays the same one.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :returns: ``True`` once the server has accepted.
    """


@hookspec(firstresult=True)
def slipstream_update_deployment(session: Session, deployment_id: str) -> bool | None:
    """
    Apply a running deployment's application again, with its present values.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :returns: ``True`` once the server has accepted.
    """


@hookspec(firstresult=True)
def slipstream_get_logs(
    session: Session, deployment_id: str, components: Iterable[str], lines: int, timeout: float
) -> dict[str, list[str]] | None:
    """
    Read the last lines that the components of a deployment have logged.

    :param session: The logged-in session.
    :param deployment_id: Its id.
    :param components: The names of the components.
    :param lines: How many lines of each.
    :param timeout: Seconds after which to give up.
    :returns: The lines, by component.
    """


@hookspec(firstresult=True)
def slipstream_list_modules(
    session: Session, path: str | None, recurse: bool
) -> Iterable[Module] | None:
    """
    List modules.

    :param session: The logged-in session.
    :param path: The project to list, empty for the root; ``None`` for the App Store.
    :param recurse: Whether to go down into the projects below it.
    :returns: Components and applications; projects are left out.
    """


@hookspec(firstresult=True)
def slipstream_get_module(session: Session, module_id: str) -> Module | None:
    """
    Read one module with its parameters.

    :param session: The logged-in session.
    :param module_id: Its id, or its path for the latest version.
    :raises NotFound: If there is none of that id.
    """


@hookspec(firstresult=True)
def slipstream_delete_module(session: Session, module_id: str, all_versions: bool) -> bool | None:
    """
    Delete a module.

    :param session: The logged-in session.
    :param module_id: Its id.
    :param all_versions: Whether to delete every version of it, not just this one.
    :returns: ``True`` once it is deleted.
    """


@hookspec(firstresult=True)
def slipstream_list_service_offers(
    session: Session, connector: str | None
) -> Iterable[ServiceOffer] | None:
    """
    List the sizes of machine on offer.

    :param session: The logged-in session.
    :param connector: Only those of this connector.
    """


@hookspec(firstresult=True)
def slipstream_list_connectors(session: Session) -> Iterable[Connector] | None:
    """
    List the clouds that the user can deploy on.

    :param session: The logged-in session.
    """


@hookspec(firstresult=True)
def slipstream_list_virtual_machines(
    session: Session,
    connector: str | None,
    deployment_id: str | None,
    known: Mapping[str, Any],
) -> Iterable[VirtualMachine] | None:
    """
    List machines.

    :param session: The logged-in session.
    :param connector: Only those on this connector.
    :param deployment_id: Only those of this deployment.
    :param known: What the server said of that deployment before; it may be empty.
    """


@hookspec(firstresult=True)
def slipstream_get_parameter(
    session: Session, deployment_id: str, name: str, ignore_abort: bool
) -> RunParameter | None:
    """
    Read one parameter of a deployment.

    :param session: The logged-in session.
    :param deployment_id: The deployment's id.
    :param name: The parameter's name.
    :param ignore_abort: Whether to answer although the deployment was aborted.
    :returns: The parameter; its value is ``None`` while it is not set.
    :raises UnknownName: If the deployment has no such parameter.
    :raises NodeFailed: If it was aborted and that is not to be ignored.
    """


@hookspec(firstresult=True)
def slipstream_list_ssh_keys(session: Session) -> Iterable[SSHKey] | None:
    """
    List the user's public SSH keys.

    :param session: The logged-in session.
    """


@hookspec(firstresult=True)
def slipstream_add_ssh_key(session: Session, key: SSHKey) -> SSHKey | None:
    """
    Add a public SSH key to the user's.

    :param session: The logged-in session.
    :param key: The key.
    :returns: The key as the server holds it.
    :raises KeyPairConflict: If its name is taken by another key.
    """


@hookspec(firstresult=True)
def slipstream_delete_ssh_key(session: Session, key: SSHKey) -> bool | None:
    """
    Remove a public SSH key from the user's; every other one stays as it is.

    :param session: The logged-in session.
    :param key: The key.
    :returns: ``True`` once it is gone.
    :raises KeyPairMissing: If the user has no such key.
    """
