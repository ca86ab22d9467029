"""From an address and credentials to a logged-in session."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipstream.errors import (
    BadInput,
    DriverError,
    MalformedAnswer,
    RedirectRefused,
    RequestFailed,
    UnknownName,
)
from slipstream.hookspecs import EndpointKind, LoginMethod
from slipstream.plugins.named_contributions import recognises
from slipstream.plugins.registry import Plugins, default_plugins
from slipstream.session import Session
from slipstream.session.discovery import read_entry_point
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.messages import Request, Response
from slipstream.values.credentials import Credentials
from slipstream.values.endpoint import Endpoint, join_address

_NO_LETTER = re.compile(r"[^a-z0-9]")


def connect(
    endpoint: Endpoint,
    credentials: Credentials,
    *,
    kind: str | None = None,
    api_version: str | None = None,
    settings: TransportSettings | None = None,
    plugins: Plugins | None = None,
) -> Session:
    """
    Log in on an endpoint.

    :param endpoint: The server's address.
    :param credentials: What to log in with.
    :param kind: The name of the kind of endpoint; ``None`` finds it out.
    :param api_version: The version of the protocol, which decides the kind too.
    :param settings: How to talk to it.
    :param plugins: The plugins to use; ``None`` for those of the environment.
    :returns: The session, logged in.
    :raises InvalidCredentials: If the server does not accept the credentials.
    :raises BadInput: If the credentials or the names cannot be right.
    :raises NoAnswer: If the server cannot be reached.
    """
    plugins = plugins or default_plugins()
    transport = Transport(endpoint, settings)
    try:
        if kind:
            chosen = _named(kind, api_version, plugins)
        elif api_version:
            chosen = kind_of_version(api_version, plugins)
        else:
            chosen = find_kind(transport, plugins)
        method = choose_login(chosen, credentials, plugins)
        _check_parameters(method, credentials)
        session = Session(transport, chosen, method, credentials)
        session.log_in()
    except BaseException:
        transport.close()
        raise
    return session


def _named(kind: str, api_version: str | None, plugins: Plugins) -> EndpointKind:
    chosen = plugins.endpoint_kinds.get(kind)
    if api_version is not None and str(api_version) != chosen.api_version:
        speaks = chosen.api_version or "none that has a number"
        raise BadInput(
            f"api_version {str(api_version)!r} is not that of {kind} endpoints: {speaks}.",
            hint="Give one of api_version and ex_endpoint_kind.",
        )
    return chosen


def kind_of_version(api_version: str, plugins: Plugins) -> EndpointKind:
    """
    The kind of endpoint that a version of the protocol stands for.

    :param api_version: The version.
    :param plugins: The plugins that know kinds of endpoint.
    :returns: The kind.
    :raises UnknownName: If no kind has that version.
    """
    kinds = plugins.endpoint_kinds
    contributions = [
        contribution for contribution in kinds.contributions() if contribution.record.api_version
    ]
    chosen = kinds.matching(
        (
            contribution
            for contribution in contributions
            if contribution.record.api_version == str(api_version)
        ),
        f"api_version {api_version!r}",
    )
    if chosen is None:
        known = {contribution.record.api_version or "" for contribution in contributions}
        raise UnknownName("api_version", str(api_version), known)
    return chosen


def find_kind(transport: Transport, plugins: Plugins) -> EndpointKind:
    """
    Find the kind of an endpoint: by its host, its cloud entry point, or the probes of the kinds.

    :param transport: Sends the requests, without a login.
    :param plugins: The plugins that know kinds of endpoint.
    :returns: The kind.
    :raises MalformedAnswer: If no kind recognises it.
    """
    endpoint = transport.endpoint
    kinds = plugins.endpoint_kinds
    # A kind that names the port too means this server more than one that names the host alone.
    for address in (join_address(endpoint.host, endpoint.port), join_address(endpoint.host)):
        kind = kinds.matching(
            (c for c in kinds.contributions() if address in c.record.hosts),
            f"the host {address}",
        )
        if kind is not None:
            return kind
    kind, error = _by_entry_point(transport, plugins)
    kind = kind or _by_probe(transport, plugins)
    if kind is None:
        installed = f"Installed kinds of endpoint: {', '.join(kinds.names)}."
        hint = f"{installed} If it is one of them, name it as ex_endpoint_kind."
        error.hint = f"{error.hint} {hint}" if error.hint else hint
        raise error
    return kind


def _by_entry_point(
    transport: Transport, plugins: Plugins
) -> tuple[EndpointKind | None, DriverError]:
    kinds, endpoint = plugins.endpoint_kinds, transport.endpoint
    try:
        entry_point = read_entry_point(transport)
    except (MalformedAnswer, RedirectRefused, RequestFailed) as error:
        return None, error
    kind = kinds.matching(kinds.recognising(entry_point), f"the server at {endpoint}")
    return kind, MalformedAnswer(
        f"{endpoint} has a cloud entry point of a family that no plugin knows.",
        endpoint=endpoint.url,
    )


def _by_probe(transport: Transport, plugins: Plugins) -> EndpointKind | None:
    kinds = plugins.endpoint_kinds
    responses: dict[str, Response | None] = {}
    for contribution in kinds.contributions():
        path = contribution.record.probe_path
        if path and path not in responses:
            request = Request(method="GET", path=path, repeatable=True)
            try:
                responses[path] = transport.send(request)
            except DriverError:
                responses[path] = None
    return kinds.matching(
        (
            c
            for c in kinds.contributions()
            if (response := responses.get(c.record.probe_path)) is not None
            and recognises(c, c.record.recognises_response, response)
        ),
        f"the server at {transport.endpoint}",
    )


def _check_parameters(method: LoginMethod, credentials: Credentials) -> None:
    for name in credentials.parameters if method.parameters is not None else ():
        if name not in (method.parameters or ()):
            where = f"of the login method {method.name}"
            raise UnknownName("ex_login_parameter", name, method.parameters or (), where)


def choose_login(kind: EndpointKind, credentials: Credentials, plugins: Plugins) -> LoginMethod:
    """
    The login method that the user names, or that the look of the credentials asks for.

    :param kind: The kind of endpoint.
    :param credentials: What to log in with.
    :param plugins: The plugins that know login methods.
    :returns: The method.
    :raises BadInput: If the kind of endpoint does not take it.
    """
    methods = plugins.login_methods
    name = credentials.method or next(
        (
            contribution.record.name
            for contribution in methods.recognising(credentials)
            if _taken(kind, contribution.record.name)
        ),
        kind.default_login,
    )
    if name not in methods:
        _check_spelling(name, [entry.record.name for entry in methods.contributions()])
    if not _taken(kind, name):
        raise BadInput(
            f"{kind.name} endpoints do not take the login method {name!r}.",
            hint=f"They take: {', '.join(kind.login_methods)}.",
        )
    if name in methods:
        return methods.get(name)
    methods.raise_if_broken(name)
    fallback = methods.matching(
        (contribution for contribution in methods.contributions() if contribution.record.fallback),
        "every other login method",
    )
    return fallback or methods.get(name)


def _check_spelling(name: str, methods: Iterable[str]) -> None:
    """Refuse ``apikey`` for ``api-key``, which would be looked up as a session template."""
    for method in methods:
        if _NO_LETTER.sub("", name.lower()) == _NO_LETTER.sub("", method.lower()):
            raise BadInput(
                f"Unknown login method {name!r}; did you mean {method!r}?",
                hint=f"For a template of that name write 'session-template/{name}'.",
            )


def _taken(kind: EndpointKind, name: str) -> bool:
    return not kind.login_methods or name in kind.login_methods
