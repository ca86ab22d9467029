"""
The contract with plugins: contributions, operations of backends, and wrappers.

A plugin contributes login methods and kinds of endpoint by two hooks. A kind of endpoint brings
a :class:`Backend`: a class whose methods are the operations that the driver calls. Each operation
is a hook as well, named ``slipstream_`` and the method's name, so that any plugin can wrap it::

    @hookimpl(wrapper=True)
    def slipstream_deploy(session, request):
        ...look at the request, or refuse it by raising one of slipstream.errors...
        deployment = yield
        ...look at the result...
        return deployment

A wrapper takes those of the method's arguments that it needs, ``session``, and ``backend``, whose
methods it may call to read more; such calls go past all wrappers. It is left out of dry runs
(``ex_explain``) unless it takes ``dry_run`` too, which says whether this is one.
``slipstream_operation`` wraps every operation. Only the backend implements an operation, but a
wrapper can do so by raising :class:`Answered` before its yield.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from slipstream.hookspecs.backend import (
    OPERATIONS,
    READY,
    WITHOUT_OPERATION,
    Answered,
    Backend,
    Operation,
)
from slipstream.hookspecs.contributions import EndpointKind, LoginMethod
from slipstream.session.session import Session

__all__ = [
    "OPERATIONS",
    "PROJECT",
    "READY",
    "WITHOUT_OPERATION",
    "Answered",
    "Backend",
    "EndpointKind",
    "LoginMethod",
    "Operation",
    "hookimpl",
    "hookspec",
    "slipstream_endpoints",
    "slipstream_login_methods",
    "slipstream_operation",
]

PROJECT = "slipstream"
"""The name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


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
def slipstream_operation(
    session: Session,
    backend: Backend,
    dry_run: bool,
    operation: Operation,
    arguments: Mapping[str, Any],
) -> Any:
    """
    Wrap every operation, outside the wrappers of the single operation.

    :param session: The logged-in session.
    :param backend: Its backend; calls of its methods go past all wrappers.
    :param dry_run: Whether changes are only planned (``ex_explain``); see the module's text.
    :param operation: Which one: its ``name``, and whether it ``changes`` something.
    :param arguments: The arguments of the backend's method.
    :returns: What the operation returns.
    """
    raise NotImplementedError
