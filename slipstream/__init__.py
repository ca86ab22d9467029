"""
Apache Libcloud driver for SlipStream and Nuvla.

Users import :mod:`slipstream.libcloud.compute_driver`. The names here are for those who write
plugins, or talk to a server without libcloud.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slipstream.version import VERSION, check_environment

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
    from slipstream.values import DeploymentRequest, Parameter, Role
    from slipstream.values.endpoint import Credentials, Endpoint

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

_MODULES = ("values", "transport.messages", "session", "session.login", "hookspecs")


# Importing any module of the package imports this one: what it names is loaded when it is used.
def __getattr__(name: str) -> Any:
    """Import a public name from where it is defined."""
    for module in _MODULES if name in __all__ else ():
        members = vars(import_module(f"slipstream.{module}"))
        if name in members:
            return members[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
