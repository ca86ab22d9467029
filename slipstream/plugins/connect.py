"""Make a logged-in session from an address and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import attrs

from slipstream.errors import (
    BadInput,
    DriverError,
    MalformedAnswer,
    RedirectRefused,
    RequestFailed,
    UnknownName,
)
from slipstream.hookspecs import Backend, EndpointKind, LoginMethod
from slipstream.plugins import Plugins, default_plugins
from slipstream.session import Session
from slipstream.session.login import read_entry_point
from slipstream.transport import Transport, TransportSettings
from slipstream.transport.messages import Request, Response
from slipstream.transport.settings import authorities
from slipstream.values.endpoint import Credentials, Endpoint, join_address

PROBE_TIMEOUT = 10.0
"""Seconds to wait for the response to a probe."""

COOKIE_FILE: Final = "cookie-file"
"""The login method that takes a cookie file."""

_NO_LETTER = re.compile(r"[^a-z0-9]")


def connect(
    endpoint: Endpoint,
    credentials: Credentials,
    *,
    kind: str | None = None,
    api_version: str | None = None,
    settings: TransportSettings | None = None,
    plugins: Plugins | None = None,
    trust_kind: bool = True,
) -> Session:
    """
    Log in on an endpoint.

    :param endpoint: The server's address.
    :param credentials: What to log in with.
    :param kind: The name of the kind of endpoint; ``None`` finds it out.
    :param api_version: The version of the protocol, which decides the kind too.
    :param settings: How to talk to it.
    :param plugins: The plugins to use; ``None`` for those of the environment.
    :param trust_kind: Whether the certificates that a kind brings are used; not where the user has
        named others.
    :returns: The session, logged in.
    :raises InvalidCredentials: If the server does not accept the credentials.
    :raises BadInput: If the credentials or the names cannot be right.
    :raises NoAnswer: If the server cannot be reached.
    """
    plugins = plugins or default_plugins()
    if kind:
        chosen: EndpointKind | None = _named(kind, api_version, plugins)
    elif api_version:
        chosen = kind_of_version(api_version, plugins)
    else:
        chosen = kind_of_host(endpoint, plugins)
    settings = settings or TransportSettings()
    if trust_kind and settings.verify and chosen is not None and chosen.ca_cert is not None:
        trusted = authorities(chosen.ca_cert, f"ca_cert of {chosen.name} endpoints")
        settings = attrs.evolve(settings, verify=trusted)
    transport = Transport(endpoint, settings)
    try:
        chosen = chosen or find_kind(transport, plugins)
        method = choose_login(chosen, credentials, plugins)
        for name in credentials.parameters:
            if method.parameters is not None and name not in method.parameters:
                where = f"of the login method {method.name}"
                raise UnknownName("ex_login_parameter", name, method.parameters, where)
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
            hint="Pass one of api_version and ex_endpoint_kind.",
        )
    return chosen


def kind_of_version(api_version: str, plugins: Plugins) -> EndpointKind:
    """Find the kind of an endpoint by the version of the protocol."""
    version, kinds = str(api_version), plugins.endpoint_kinds
    kind = kinds.choose(lambda c: c.record.api_version == version, f"api_version {version!r}")
    if kind is None:
        versions = {c.record.api_version for c in kinds if c.record.api_version}
        raise UnknownName("api_version", version, versions)
    return kind


def kind_of_host(endpoint: Endpoint, plugins: Plugins) -> EndpointKind | None:
    """Find the kind of an endpoint by its host; nothing is sent."""
    # A kind that names the port too means this server more than one that names the host alone.
    for address in (join_address(endpoint.host, endpoint.port), join_address(endpoint.host)):
        what = f"the host {address}"
        kind = plugins.endpoint_kinds.choose(lambda c: address in c.record.hosts, what)  # noqa: B023
        if kind is not None:
            return kind
    return None


def find_kind(transport: Transport, plugins: Plugins) -> EndpointKind:
    """Find the kind of an endpoint by its cloud entry point, or by the probes of the kinds."""
    endpoint, kinds = transport.endpoint, plugins.endpoint_kinds
    what, kind = f"the server at {endpoint.url}", None
    error: DriverError | None = None
    try:
        entry_point = read_entry_point(transport)
        kind = kinds.choose(lambda c: c.recognises(entry_point, c.record.recognises), what)
    except (MalformedAnswer, RedirectRefused, RequestFailed) as failure:
        error = failure
    if kind is None:
        responses = _probe(transport, {c.record.probe_path for c in kinds})
        kind = kinds.choose(
            lambda c: (
                c.record.probe_path in responses
                and c.recognises(responses[c.record.probe_path], c.record.recognises_response)
            ),
            what,
        )
    if kind is None:
        error = error or MalformedAnswer(
            f"{endpoint} has a cloud entry point of a family that no plugin knows.",
            endpoint=endpoint.url,
        )
        hint = f"Installed kinds of endpoint: {', '.join(kinds.names)}. If it is one of them, name"
        hint += " it as ex_endpoint_kind."
        error.hint = f"{error.hint} {hint}" if error.hint else hint
        raise error
    return kind


def _probe(transport: Transport, paths: Iterable[str]) -> dict[str, Response]:
    responses = {}
    for path in sorted(filter(None, paths)):
        # Sent once: a server that does not respond to it may be any other one.
        request = Request(method="GET", path=path, read_timeout=PROBE_TIMEOUT)
        with suppress(DriverError):
            responses[path] = transport.send(request)
    return responses


def choose_login(kind: EndpointKind, credentials: Credentials, plugins: Plugins) -> LoginMethod:
    """Choose the login method: the user's, one that recognises the credentials, or the default."""
    methods, allowed = plugins.login_methods, kind.login_methods
    name = credentials.method or next(
        (
            contribution.record.name
            for contribution in methods
            if (not allowed or contribution.record.name in allowed)
            and contribution.recognises(credentials, contribution.record.recognises)
        ),
        # A file that is given is never ignored.
        kind.default_login if credentials.cookie_file is None else COOKIE_FILE,
    )
    if name not in methods.names:
        _check_spelling(name, methods.names)
    if allowed and name not in allowed:
        raise BadInput(
            f"{kind.name} endpoints do not take the login method {name!r}.",
            hint=f"They take: {', '.join(allowed)}.",
        )
    # Only users may name a session template.
    if name in methods.names or not credentials.method:
        return methods.get(name)
    methods.raise_if_left_out(name)
    # The built-in methods log in by session templates.
    has_templates = kind.backend.log_in is not Backend.log_in
    usable = [c.record.name for c in methods if has_templates or not c.plugin.built_in]
    fallback = methods.choose(
        lambda c: c.record.fallback and c.record.name in usable, "every other login method"
    )
    if fallback is None:
        raise UnknownName("login method", name, usable, f"for {kind.name} endpoints")
    return fallback


def _check_spelling(name: str, methods: Iterable[str]) -> None:
    """Refuse ``apikey`` for ``api-key``, which would be looked up as a session template."""
    for method in methods:
        if _NO_LETTER.sub("", name.lower()) == _NO_LETTER.sub("", method.lower()):
            raise BadInput(
                f"Unknown login method {name!r}; did you mean {method!r}?",
                hint=f"For a template of that name write 'session-template/{name}'.",
            )
