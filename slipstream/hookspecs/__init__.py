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

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pluggy

from slipstream.errors import BadInput
from slipstream.hookspecs.backend import (
    OPERATIONS,
    READY,
    WITHOUT_OPERATION,
    Answered,
    Backend,
    Operation,
)
from slipstream.session.login import Login, LoginAttempt
from slipstream.session.session import Session
from slipstream.transport.messages import Request, Response
from slipstream.values import CloudEntryPoint, Credentials, Endpoint
from slipstream.values.endpoint import split_address
from slipstream.values.fields import Record

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


def _to_names(value: Iterable[str]) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise TypeError("One of the names is empty, or no text.")
    return names


def _to_hosts(value: Iterable[str]) -> frozenset[str]:
    return frozenset(host.lower() for host in _to_names(value))


def _check_name(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not value or value != value.strip():
        raise BadInput(f"{value!r} cannot be the {attribute.name} of what a plugin contributes.")


def _to_endpoint(value: str | Endpoint | None) -> Endpoint | None:
    return Endpoint.parse(value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True)
class LoginMethod(Record):
    """
    A way to log in, contributed by ``slipstream_login_methods``.

    :param name: What users write as ``ex_login_method``.
    :param authenticate: Called with a :class:`~slipstream.session.login.LoginAttempt` and the
        :class:`~slipstream.values.Credentials`, first at login and again when the session has
        expired. It returns a :class:`~slipstream.session.login.Login`, made by
        ``attempt.finish()`` or by ``attempt.log_in_with_template()``, and raises
        :class:`~slipstream.errors.InvalidCredentials` when the server refuses.
    :param description: One line for ``slipstream plugins``.
    :param recognises: Whether the look of the credentials asks for this method, when the user
        named none.
    :param fallback: Whether it serves every name that no other method has.
    :param parameters: The names allowed in ``ex_login_parameters``; ``None`` for
        any. Other ones are refused before a request is sent.
    :param secret_fields: Names of fields, headers and parameters whose values are secrets, beside
        those that sound like one. They are masked in logs, errors and cassettes from the first
        request on.
    """

    name: str = attrs.field(validator=_check_name)
    authenticate: Callable[[LoginAttempt, Credentials], Login]
    description: str = ""
    recognises: Callable[[Credentials], bool] | None = None
    fallback: bool = False
    parameters: tuple[str, ...] | None = attrs.field(
        default=None, converter=attrs.converters.optional(_to_names)
    )
    secret_fields: tuple[str, ...] = attrs.field(default=(), converter=_to_names)


@attrs.frozen(kw_only=True)
class EndpointKind(Record):
    """
    A kind of endpoint, contributed by ``slipstream_endpoints``.

    :param name: What users write as ``ex_endpoint_kind``.
    :param backend: The class that speaks its protocol.
    :param hosts: Hosts that are known to be of this kind, as ``"host"`` or ``"host:port"``;
        nothing is read to find out then.
    :param title: The provider's name, for users; ``name`` when left out.
    :param website: The provider's page.
    :param endpoint: The address when the user passes none, as in ``"https://cloud.example"``.
    :param ca_cert: The path of the certificates of the authorities to trust when the user names
        none: for servers that are known by their host, or by ``ex_endpoint_kind``.
    :param recognises: Whether a cloud entry point is one of this kind; called for hosts that no
        kind knows.
    :param api_version: What users write as ``api_version`` to say that an endpoint is of this
        kind.
    :param login_methods: The login methods it takes; empty for all.
    :param default_login: The login method when neither the user nor the look of the
        credentials names one. Left out, ``internal``, or the first of ``login_methods``.
    :param description: One line for ``slipstream plugins``.
    :param probe_path: A path to read when the server has no cloud entry point, or one that no
        kind recognises.
    :param recognises_response: Whether the response to that request, sent without a login, comes
        from a server of this kind.
    :param secret_fields: As for :class:`LoginMethod`.
    """

    name: str = attrs.field(validator=_check_name)
    backend: type[Backend]
    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=_to_hosts)
    recognises: Callable[[CloudEntryPoint], bool] | None = None
    api_version: str | None = None
    login_methods: tuple[str, ...] = attrs.field(default=(), converter=_to_names)
    default_login: str = attrs.field()
    description: str = ""
    title: str = ""
    website: str = ""
    endpoint: Endpoint | None = attrs.field(default=None, converter=_to_endpoint)
    ca_cert: str | Path | None = None
    probe_path: str = ""
    recognises_response: Callable[[Response], bool] | None = None
    secret_fields: tuple[str, ...] = attrs.field(default=(), converter=_to_names)

    @default_login.default
    def _default_login(self) -> str:
        names = self.login_methods
        return names[0] if names and "internal" not in names else "internal"

    def __attrs_post_init__(self) -> None:
        if not (inspect.isclass(self.backend) and issubclass(self.backend, Backend)):
            raise BadInput(f"backend must be a class derived from Backend, not {self.backend!r}.")
        super().__attrs_post_init__()
        for host in self.hosts:
            if any(character in host for character in "/@? *"):
                raise BadInput(
                    f"{host!r} is not a host name: leave scheme, path and patterns out."
                )
            split_address(host)
        if self.probe_path:
            Request(method="GET", path=self.probe_path)
        if self.login_methods and self.default_login not in self.login_methods:
            raise BadInput(
                f"default_login {self.default_login!r} is none of the login_methods of"
                f" {self.name!r}."
            )
