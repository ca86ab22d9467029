"""
Apache Libcloud driver for SlipStream and Nuvla.

Users import :mod:`slipstream.libcloud.compute_driver`. The names here are for those who write
plugins, or talk to a server without libcloud.
"""

from slipstream.environment import check_environment

check_environment()

from slipstream.hookspecs import (  # noqa: E402
    Answered,
    Backend,
    EndpointKind,
    LoginMethod,
    Operation,
    hookimpl,
)
from slipstream.session import Session  # noqa: E402
from slipstream.session.login import Login, LoginAttempt  # noqa: E402
from slipstream.transport.messages import Request, Response  # noqa: E402
from slipstream.values.credentials import Credentials  # noqa: E402
from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role  # noqa: E402
from slipstream.values.endpoint import Endpoint  # noqa: E402
from slipstream.version import VERSION  # noqa: E402

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
