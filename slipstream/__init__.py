"""
Apache Libcloud driver for SlipStream and Nuvla.

Users import :mod:`slipstream.libcloud.compute_driver`. The names here are for those who write
plugins, or talk to a server without libcloud.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slipstream.environment import check_environment
from slipstream.version import VERSION

check_environment()

if TYPE_CHECKING:
    from slipstream.hookspecs import (
        Answered,
        Backend,
        EndpointKind,
        LoginMethod,
        Operation,
        hookimpl,
    )
    from slipstream.session import Session
    from slipstream.session.login import Login, LoginAttempt
    from slipstream.transport.messages import Request, Response
    from slipstream.values.credentials import Credentials
    from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role
    from slipstream.values.endpoint import Endpoint

__version__ = VERSION

__all__ = [
    "Answered",
    "Backend",
    "Credentials",
    "DeploymentRequest",
    "Endpoint",
    "EndpointKind",
    "Login",
    "LoginAttempt",
    "LoginMethod",
    "Operation",
    "Parameter",
    "Request",
    "Response",
    "Role",
    "Session",
    "__version__",
    "hookimpl",
]

_MODULES = {
    "slipstream.hookspecs": (
        "Answered",
        "Backend",
        "EndpointKind",
        "LoginMethod",
        "Operation",
        "hookimpl",
    ),
    "slipstream.session": ("Session",),
    "slipstream.session.login": ("Login", "LoginAttempt"),
    "slipstream.transport.messages": ("Request", "Response"),
    "slipstream.values.credentials": ("Credentials",),
    "slipstream.values.deployment_request": ("DeploymentRequest", "Parameter", "Role"),
    "slipstream.values.endpoint": ("Endpoint",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


# Importing any module of the package imports this one: what it names is loaded when it is used.
def __getattr__(name: str) -> Any:
    """Import a public name from where it is defined."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)
