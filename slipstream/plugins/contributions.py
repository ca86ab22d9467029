"""What a plugin contributes: login methods, kinds of endpoint, and the dialect they speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from slipstream import hookspecs
from slipstream.errors import BadInput, UnknownName
from slipstream.transport.messages import Response
from slipstream.values import CloudEntryPoint, Phase
from slipstream.values.credentials import Credentials
from slipstream.values.deployment_request import Role

if TYPE_CHECKING:
    from slipstream.session import Session

_PREFIX = f"{hookspecs.PROJECT}_"


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _hosts(value: Iterable[str]) -> frozenset[str]:
    return frozenset(host.lower() for host in _names(value))


def _check_name(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not value or value != value.strip():
        raise BadInput(f"{value!r} is no {attribute.name} for something a plugin contributes.")


def _never(_: Any) -> bool:
    return False


def _check_hooks(_: object, attribute: attrs.Attribute[Any], value: Mapping[str, str]) -> None:
    known = [name[len(_PREFIX) :] for name in vars(hookspecs) if name.startswith(_PREFIX)]
    for name in value:
        if name not in known:
            raise UnknownName("hook", str(name), known, f"in {attribute.name} of a backend")


def _sentences(value: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class LoginMethod:
    """
    A way to log in, contributed by ``slipstream_login_methods``.

    :param name: What users write as ``ex_login_method``.
    :param authenticate: Turns the credentials into a session: called with the
        :class:`~slipstream.session.Session` to log in and the
        :class:`~slipstream.values.Credentials`, first at login and again when the session
        has expired. It raises :class:`~slipstream.errors.InvalidCredentials` when the
        server refuses.
        Most methods are one call of :meth:`Session.log_in_with_template
        <slipstream.session.Session.log_in_with_template>`.
    :param description: One line for people.
    :param recognises: Whether the look of the credentials asks for this method, when the user
        named none.
    :param fallback: Whether it serves every name that no other method bears.
    """

    name: str = attrs.field(validator=_check_name)
    authenticate: Callable[[Session, Credentials], None]
    description: str = ""
    recognises: Callable[[Credentials], bool] = _never
    fallback: bool = False


@attrs.frozen(kw_only=True)
class Backend:
    """
    The wire protocol of one server family, as far as every conversation needs it. The rest of
    a backend are its answers to the hooks, marked with :func:`~slipstream.hookspecs.serves`.

    :param name: What :func:`~slipstream.hookspecs.serves` refers to.
    :param states: The words for the states of a deployment, in the order of its life, and what
        each means.
    :param state_aliases: Words of other families for a state, and the one meant here.
    :param parameter_roles: The names of parameters by which users can decide a location, a size
        and the like, so that who wraps deploying sees them as what they are.
    :param log_in: Creates a session on the server: called with the session, the name of a
        session template and its fields.
    :param accepts_session: Whether the server takes the session that the cookies hold.
    :param act_for: Goes on as a group of the user: called with the session and the group's name;
        ``None`` where there are no groups.
    :param takes_ssh_keys: Whether what is deployed can be given an SSH key, so that
        ``slipstream_deploy`` heeds the ``ssh_key`` of a request. Requests with a key are refused
        where it does not.
    :param detail: The server's own words in an answer with an error status, ``None`` if it has
        none.
    :param session_ended: Whether an answer means that the login has expired. It may ask the
        server when the answer alone does not tell.
    :param cannot: Why the server has not what a hook is for, and what to do instead: sentences
        by the hook's name without ``slipstream_``. Users read it in the error when nobody
        answers the hook.
    """

    name: str = attrs.field(validator=_check_name)
    states: Mapping[str, Phase]
    state_aliases: Mapping[str, str] = attrs.field(factory=dict)
    parameter_roles: Mapping[str, Role] = attrs.field(factory=dict)
    log_in: Callable[[Session, str, Mapping[str, object]], None]
    accepts_session: Callable[[Session], bool]
    act_for: Callable[[Session, str], None] | None = None
    takes_ssh_keys: bool = False
    detail: Callable[[Response], str | None]
    session_ended: Callable[[Session, Response], bool]
    cannot: Mapping[str, str] = attrs.field(
        factory=dict, converter=_sentences, validator=_check_hooks
    )


@attrs.frozen(kw_only=True)
class EndpointKind:
    """
    A kind of endpoint, contributed by ``slipstream_endpoints``.

    :param name: What users write as ``ex_endpoint_kind``.
    :param backend: The protocol it speaks.
    :param hosts: Host names that are known to be of this kind, so that no question is asked.
    :param recognises: Whether a cloud entry point is one of this kind; asked for hosts that no
        kind knows.
    :param api_version: What users write as ``api_version`` to say that an endpoint is of this
        kind; no question is asked then.
    :param login_methods: The login methods it takes; empty for all.
    :param default_login: The login method when neither the user nor the look of the
        credentials names one.
    :param description: One line for people.
    """

    name: str = attrs.field(validator=_check_name)
    backend: Backend
    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=_hosts)
    recognises: Callable[[CloudEntryPoint], bool] = _never
    api_version: str | None = None
    login_methods: tuple[str, ...] = attrs.field(default=(), converter=_names)
    default_login: str = "internal"
    description: str = ""
