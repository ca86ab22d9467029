"""
The driver: one class, its methods in the order of use.

What it knows of a server it knows through the hooks (:mod:`slipstream.hookspecs`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self, cast
from uuid import UUID

import attrs
from libcloud.compute.base import (
    NODE_ONLINE_WAIT_TIMEOUT,
    SSH_CONNECT_TIMEOUT,
    KeyPair,
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
    NodeDriver,
    NodeImage,
    NodeLocation,
    NodeSize,
)
from libcloud.compute.deployment import Deployment as Steps

from slipstream.errors import (
    BadInput,
    DriverError,
    InvalidCredentials,
    KeyPairConflict,
    KeyPairMissing,
    NotFound,
    NotSupported,
    UnknownName,
    nearest,
)
from slipstream.hookspecs import Backend
from slipstream.libcloud import arguments, connection, convert
from slipstream.libcloud.connection import CertificatePaths, SessionConnection
from slipstream.libcloud.explaining import Explanation, method_name, run
from slipstream.libcloud.node_operation import NodeOperation
from slipstream.libcloud.operation import (
    alias,
    check_keywords,
    iterating,
    keywords_of,
    listing,
    listing_by,
    operation,
    unsupported,
)
from slipstream.libcloud.profiles import driver_arguments
from slipstream.libcloud.ssh_setup import SSHSetup, reporting
from slipstream.libcloud.virtual_machine import VirtualMachine
from slipstream.libcloud.waiting import RunningWait
from slipstream.plugins import Plugins, default_plugins
from slipstream.plugins.connect import connect
from slipstream.session import Session
from slipstream.session.cookie_files import save_cookies
from slipstream.session.polling import Progress, Wait
from slipstream.transport import TransportSettings
from slipstream.transport.settings import client_certificate
from slipstream.values import (
    Deployment,
    DeploymentRequest,
    DeploymentState,
    ModuleKind,
    Phase,
    Role,
    ServiceOffer,
)
from slipstream.values.endpoint import Credentials, Endpoint
from slipstream.values.fields import Pages, by_page, check_number
from slipstream.values.plain import user_path
from slipstream.values.ssh_key import SSHKey, generate

__all__ = ["SlipStreamNodeDriver", "VirtualMachine"]


def complete_first(offers: Iterable[ServiceOffer], *, all_of_them: bool) -> Iterator[ServiceOffer]:
    """
    Put offers that leave memory, disk or price open last.

    Leave them out, unless ``all_of_them`` is true or there is no other.
    """
    incomplete, has_complete = [], False
    for offer in offers:
        if None in (offer.ram, offer.disk, offer.price):
            incomplete.append(offer)
        else:
            has_complete = True
            yield offer
    if all_of_them or not has_complete:
        yield from incomplete


def _size_order(size: NodeSize) -> tuple[bool, list[str]]:
    return bool(size.extra["unknown"]), size.extra["locations"]


@attrs.frozen(kw_only=True)
class _Detached:
    """The session of an unpickled driver; it has no secrets and sends nothing."""

    endpoint: Endpoint
    kind: SimpleNamespace
    closed = False

    def ensure_open(self) -> None:
        raise InvalidCredentials(
            "This driver was pickled without its secrets, so it is not logged in on"
            f" {self.endpoint}.",
            hint=f"Make a new driver for {self.endpoint}, and pass this object to it.",
        )

    def close(self) -> None:
        """There is nothing to close."""


class SlipStreamNodeDriver(NodeDriver):
    """
    A driver for one account on one endpoint. Making one logs in.

    Key pairs work in another way than on most clouds: where a server puts SSH keys into machines,
    it puts in every key of the user. ``features`` of a driver says whether its endpoint does, so
    that ``create_node`` takes a key as ``auth``.

    :param key: User name, or the id of an API key (``credential/<uuid>``).
    :param secret: Password, or the secret of the API key.
    :param secure: Use https. With ``False`` everything, the password included, goes over plain
        http; certificates are checked as ``libcloud.security`` says either way.
    :param host: Host name or address of the endpoint, ``nuv.la`` when left out
        (``get_driver("nuvla")``: ``nuvla.io``; a kind of endpoint may bring another one). A port
        may follow it.
    :param port: Port of the endpoint, 443 or 80 when left out.
    :param api_version: The version of the protocol, ``'1'`` or ``'2'``; detected when left out.
    :keyword region: The id or name of the location for :meth:`create_node` without one; of no
        effect on SlipStream.
    :keyword timeout: Seconds to wait for a connection (10 at most), for a response to begin, and
        then for its next bytes; 60 when left out. The whole response may take ten times as long.
    :keyword retry_delay: Seconds before a request that is safe to repeat is sent again.
    :keyword backoff: By how much each further pause is longer.
    :keyword proxy_url: A proxy, as in ``http://user:password@host:3128``; else that of the
        environment.
    :keyword ex_verify: Whether to check the server's certificate, as
        ``libcloud.security.VERIFY_SSL_CERT`` says when left out. With ``False`` the connection is
        still encrypted, but with any server; a warning says so once.
    :keyword ex_ca_cert: The path of the certificates of the authorities to trust: a file in PEM
        format, or a directory as ``openssl rehash`` makes it. When left out,
        ``libcloud.security.CA_CERTS_PATH`` says it.
    :keyword ex_client_cert: The path of a certificate to show to the server, in one PEM file with
        its key, or those of both: ``(certificate, key)``. The key must not be encrypted.
    :keyword ex_endpoint: The URL of the endpoint, which may have a base path; wins over
        ``secure``, ``host`` and ``port``.
    :keyword ex_cookie_file: A cookie file in Netscape format, used instead of key and secret.
    :keyword ex_login_method: ``internal`` for a user name and a password, ``api-key``,
        ``cookie-file``, one that a plugin adds, or any session template of the server. When
        left out, the form of the key decides.
    :keyword ex_login_parameters: Further fields of the session template.
    :keyword ex_endpoint_kind: The kind of endpoint, when it should not be detected.
    :keyword ex_group: A group of the user to act for, where the server has groups.
    :keyword ex_disable_plugins: Names of plugins or distributions not to load; wins over the
        environment variable ``SLIPSTREAM_DISABLE_PLUGINS``.
    :raises InvalidCredentials: If the server does not accept the credentials.
    :raises NoAnswer: If the endpoint cannot be reached, or redirects to another address.
    :raises BadInput: If an argument cannot be right.
    """

    name = "SlipStream"
    website = "https://sixsq.com/slipstream"
    type = "slipstream"
    api_name = "slipstream"
    connectionCls = SessionConnection  # noqa: N815 - libcloud's name
    # What the default host can do; a driver in use says what its own endpoint can.
    features: dict[str, list[str]] = {  # noqa: RUF012 - as in the base class
        "create_node": ["ssh_key"]
    }
    NODE_STATE_MAP = {  # noqa: RUF012 - as in the base class
        phase.value: state for phase, state in convert.NODE_STATES.items()
    }
    _default_host = "nuv.la"
    _kind: str | None = None
    __signature__: ClassVar[inspect.Signature]
    _plugins: Plugins
    _backend: Backend
    _session: Session = cast(Session, None)  # until the login

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._show_host()

    @classmethod
    def _show_host(cls) -> None:
        """Show the default host in the signature, unless the constructor is another one."""
        _, *parameters = inspect.signature(cls.__init__).parameters.values()
        if cls.__init__ is SlipStreamNodeDriver.__init__ and cls._kind is None:
            parameters = [
                p.replace(default=cls._default_host) if p.name == "host" else p for p in parameters
            ]
        cls.__signature__ = inspect.Signature(parameters)

    @operation
    def __init__(
        self,
        key: str | None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        *,
        region: str | None = None,
        timeout: float | None = None,
        retry_delay: float | None = None,
        backoff: float | None = None,
        proxy_url: str | None = None,
        ex_verify: bool | None = None,
        ex_ca_cert: str | Path | None = None,
        ex_client_cert: CertificatePaths | None = None,
        ex_endpoint: str | None = None,
        ex_cookie_file: str | Path | None = None,
        ex_login_method: str | None = None,
        ex_login_parameters: Mapping[str, object] | None = None,
        ex_endpoint_kind: str | None = None,
        ex_group: str | None = None,
        ex_disable_plugins: Iterable[str] | None = None,
    ) -> None:
        for option, text in {"region": region, "ex_endpoint_kind": ex_endpoint_kind}.items():
            if text is not None:
                arguments.checked(option, text, str, "a string")
        self._plugins = (
            default_plugins()
            if ex_disable_plugins is None
            else Plugins(disabled=ex_disable_plugins)
        )
        ex_endpoint_kind = ex_endpoint_kind or self._kind
        if host is None and ex_endpoint is None and ex_endpoint_kind is not None:
            ex_endpoint = self._plugins.address_of(ex_endpoint_kind)
            if ex_endpoint is None and self._kind is not None:
                raise BadInput(
                    f"{ex_endpoint_kind} endpoints have no usual address.",
                    hint="Pass one as ex_endpoint, as in 'https://cloud.example'.",
                )
        endpoint = connection.endpoint_of(
            ex_endpoint, secure, self._default_host if host is None else host, port
        )
        settings = TransportSettings(
            verify=connection.trust(ex_verify, ex_ca_cert),
            client_cert=None
            if ex_client_cert is None
            else client_certificate(ex_client_cert, "ex_client_cert"),
            user_agent=connection.USER_AGENT,
            observer=connection.write_debug_file,
        )
        for option, value in {
            "timeout": timeout,
            "retry_delay": retry_delay,
            "backoff": backoff,
            "proxy_url": proxy_url,
        }.items():
            settings = connection.with_option(settings, option, value)
        super().__init__(  # type: ignore[no-untyped-call]
            key or "",
            secret or "",
            secure=endpoint.secure,
            host=endpoint.host,
            port=endpoint.port,
            api_version=api_version,
            region=region,
            timeout=settings.read_timeout,
            retry_delay=settings.retry_delay,
            backoff=settings.backoff,
            proxy_url=proxy_url,
        )
        self.connection.request_path = endpoint.base_path
        self._session = connect(
            endpoint,
            Credentials(
                key=key,
                secret=secret,
                parameters=ex_login_parameters or {},
                cookie_file=ex_cookie_file,
                method=ex_login_method,
                group=ex_group,
            ),
            kind=ex_endpoint_kind,
            api_version=api_version,
            settings=settings,
            plugins=self._plugins,
            trust_kind=ex_ca_cert is None,
        )
        self._backend = self._plugins.operations(self._session)
        self.api_version = self._session.kind.api_version or api_version
        takes_keys = self._backend.takes_ssh_keys
        self.features = {"create_node": ["ssh_key"] if takes_keys else []}

    @classmethod
    def ex_from_profile(cls, name: str | None = None, **options: Any) -> Self:
        """
        Make a driver with the endpoint and credentials of the environment or of a profile.

        The environment is used if it has any of ``SLIPSTREAM_ENDPOINT``, ``SLIPSTREAM_USERNAME``,
        ``SLIPSTREAM_PASSWORD``, ``SLIPSTREAM_KEY`` and ``SLIPSTREAM_SECRET``, otherwise a profile
        in ``profiles.toml`` in the user's configuration directory. The two are never mixed.

        :param name: The profile, which wins over the environment; else that of
            ``SLIPSTREAM_PROFILE``, or ``default``.
        :keyword options: Arguments of the driver, which win over those of the profile.
        :requests: those of a login.
        :raises BadInput: If there are no credentials, or the file is wrong.
        :raises InvalidCredentials: If the server does not accept the credentials.
        """
        return cls(**driver_arguments(name, **options))

    @property
    def ex_endpoint(self) -> str:
        """The address of the endpoint."""
        return self._session.endpoint.url

    def __repr__(self) -> str:
        cls = self.__class__.__name__
        session: Any = self._session
        if session is None:  # its constructor has failed
            return f"<{cls}, not logged in>"
        state = ", closed" if session.closed else ""
        if isinstance(session, _Detached):
            state = ", without its secrets"
        return f"<{cls} for {session.endpoint} ({session.kind.name}){state}>"

    @listing
    def list_locations(self) -> Iterator[NodeLocation]:
        """
        List the cloud connectors that the user can deploy on, sorted by name.

        :requests: SlipStream 3, and 1 more after a login, for the user's name. Nuvla 2 for each
            500 services and credentials.
        :returns: Locations; ``country`` is an ISO 3166 code, empty if the server states none.
        """
        connectors = self._backend.list_connectors()
        return (convert.location(connector, self) for connector in connectors)

    ex_iterate_locations = iterating(list_locations)

    @listing_by(_size_order)
    def list_sizes(
        self, location: NodeLocation | str | None = None, *, ex_all: bool = False
    ) -> Iterator[NodeSize]:
        """
        List the service offers for machines on the user's own locations, by location.

        Offers that leave memory, disk or price open are left out, unless all do: programs
        compare sizes, and what is unknown is 0. The generator has them in the server's order.

        :param location: Only those of this location, which may be any.
        :keyword ex_all: List those of other locations too, and last those that leave something
            open.
        :requests: SlipStream 3: the user's profile and credentials, and 1 for each 1,000 service
            offers; only the last with a location or ``ex_all``. Nuvla none. 2 more on SlipStream
            for a location that offers nothing, and 1 on Nuvla for one that was not listed before.
        :returns: Sizes with ``ram`` in MiB, ``disk`` in GiB and ``price`` per
            ``extra['price_unit']`` in ``extra['currency']``; what an offer leaves open is 0 and
            listed in ``extra['unknown']``. ``extra['locations']`` names where it is offered.
        :raises UnknownName: If there is no such location; those that there are are listed.
        """
        location_id = self._location_id(location)
        arguments.check_flags(ex_all=ex_all)
        offers = self._backend.list_service_offers(location_id, usable_only=not ex_all)
        return (convert.size(offer, self) for offer in complete_first(offers, all_of_them=ex_all))

    ex_iterate_sizes = iterating(list_sizes)

    @listing
    def list_images(
        self,
        location: NodeLocation | str | None = None,
        ex_path: str | None = None,
        ex_recurse: bool = False,
    ) -> Iterator[NodeImage]:
        """
        List components and applications: those of the App Store, or those of a project.

        :param location: Only those that can run there. On Nuvla the kind of the application
            decides; on SlipStream all are listed, since a list does not name clouds.
        :param ex_path: The project, as in ``examples/images``; empty for the root projects.
        :param ex_recurse: List the projects below it too, one request each. A project that
            may not be read is skipped, and a warning names it.
        :requests: SlipStream 1, and with ``ex_recurse`` 1 more for each project below; 2 for a
            location that was not listed before. Nuvla 1 for each 500 modules; 1 more for a
            location.
        :raises BadInput: If ``ex_recurse`` is passed without ``ex_path``, or there is no such
            location.
        """
        arguments.check_flags(ex_recurse=ex_recurse)
        if ex_path is not None:
            arguments.text("ex_path", ex_path, plain=False)
        if ex_recurse and ex_path is None:
            raise BadInput(
                "ex_recurse needs ex_path: the App Store is one flat list.",
                hint="Pass ex_path='' for everything below the root.",
            )
        modules = self._backend.list_modules(
            path=ex_path, recurse=ex_recurse, connector=self._location_id(location)
        )
        return (convert.image(module, self) for module in modules)

    ex_iterate_images = iterating(list_images)

    @operation
    def get_image(self, image_id: str) -> NodeImage:
        """
        Get a component or an application with its parameters.

        :param image_id: Its id, as in ``apps/WordPress/wordpress/478``; else the latest version.
        :requests: SlipStream 1. Nuvla 1; by path 2. 1 or 2 more when there is none, for the paths
            that resemble it.
        :raises NotFound: If there is none of that id; a path that resembles it is named.
        """
        module_id = arguments.object_id(self, image_id, NodeImage, "image")
        try:
            module = self._backend.get_module(module_id)
        except NotFound as error:
            self._suggest_path(error, module_id)
            raise
        if module.kind is ModuleKind.PROJECT:
            raise BadInput(
                f"{module.path} is a project, not an image.",
                hint=f"List its content with list_images(ex_path={module.path!r}).",
            )
        return convert.image(module, self)

    def _suggest_path(self, error: NotFound, module_id: str) -> None:
        path = arguments.nearest_path(self._backend, module_id)
        if path is not None:
            error.hint = f"There is no such image; did you mean {path!r}?"
        error.hint = error.hint or "See list_images()."

    @operation
    def ex_find_image(self, name: str) -> NodeImage:
        """
        Find the component or application of the App Store that has exactly this name.

        :param name: Its name, as in ``wordpress``; :meth:`get_image` takes a path.
        :requests: those of :meth:`list_images`: SlipStream 1. Nuvla 1 for each 500 modules.
        :raises BadInput: If none or several have this name; the candidates are listed.
        """
        name = arguments.text("The name of the image", name)
        modules = list(self._backend.list_modules(path=None, recurse=False, connector=None))
        module = arguments.only_match(
            "image", name, [(module.name, module.path, module) for module in modules], "get_image"
        )
        return convert.image(module, self)

    @operation
    def create_node(
        self,
        name: str | None = None,
        size: NodeSize | str | None = None,
        image: NodeImage | str | None = None,
        location: NodeLocation | str | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        *,
        ex_tags: str | Iterable[str] | None = None,
        ex_cloud: str | Mapping[str, str] | None = None,
        ex_parameters: Mapping[str, Any] | None = None,
        ex_keep_running: str | None = None,
        ex_multiplicity: Mapping[str, int] | None = None,
        ex_tolerate_failures: Mapping[str, int] | None = None,
        ex_check_ssh_key: bool = False,
        ex_scalable: bool = False,
    ) -> Node:
        """
        Deploy a component or an application. Returns at once; see
        :meth:`ex_wait_node_in_state`.

        The request is sent once. When its response is lost, the error says so
        (``may_have_happened``) and nothing is sent again.

        :param name: The node's name: the first tag of the deployment.
        :param size: The service offer for every machine; each one's own default when left out.
        :param image: What to deploy. (required)
        :param location: The cloud for every machine; the user's default when left out.
        :param auth: A public key that lets in to the machines, where ``features`` says
            ``ssh_key``; refused elsewhere. It is added to the user's key pairs unless it is there,
            and stays, since machines are given their keys when they start.
        :keyword ex_tags: Tags to find or annotate the node by; as text, separated by commas.
        :keyword ex_cloud: Instead of ``location``: a cloud, or a dict of node names and clouds.
        :keyword ex_parameters: Values for the parameters: of a component by their names, of an
            application by node names and dicts of names and values.
        :keyword ex_keep_running: Whether the machines stay once the deployment is ready:
            ``always``, ``never``, ``on-success`` or ``on-error``; the user's default when left
            out. Of no effect on a component, which stays, and with ``ex_scalable``, which acts
            as ``always``.
        :keyword ex_multiplicity: Applications only: how many instances of a node to start.
        :keyword ex_tolerate_failures: Applications only: how many instances of a node may fail.
        :keyword ex_check_ssh_key: Refuse to deploy when the user has no SSH key.
        :keyword ex_scalable: Applications only: allow adding and removing machines later.
        :requests: SlipStream 2: the deployment, and its document; 1 more for the image, unless it
            is a component that was read before, 1 for each image that it is built on when a
            parameter is not its own, and with ``auth`` 1, or 4 when the key is new. Nuvla 3: to
            make, to set up, to start; 1 or 2 more for an image that was listed and not read, and
            1 or 2 for a location that was not listed.
        :returns: The new node.
        :raises BadInput: If the request cannot be right; nothing was deployed then.
        :raises RequestFailed: If the server refuses; nothing was deployed then.
        :raises NoAnswer: If ``may_have_happened``, look for the node before trying again.
        """
        if image is None:
            raise BadInput(
                "create_node needs an image.", hint="See list_images() and get_image()."
            )
        arguments.check_flags(ex_check_ssh_key=ex_check_ssh_key, ex_scalable=ex_scalable)
        request = DeploymentRequest(
            module_id=arguments.object_id(self, image, NodeImage, "image"),
            name=None if name is None else arguments.label("name", name),
            tags=arguments.tags(ex_tags),
            parameters=[
                *arguments.inputs(ex_parameters),
                *arguments.placement(self, size, location, ex_cloud),
                *arguments.counts("ex_multiplicity", ex_multiplicity, Role.MULTIPLICITY),
                *arguments.counts(
                    "ex_tolerate_failures", ex_tolerate_failures, Role.TOLERATED_FAILURES
                ),
            ],
            keep_running=ex_keep_running,
            scalable=ex_scalable,
            check_ssh_key=ex_check_ssh_key,
            ssh_key=None if auth is None else arguments.ssh_key(auth),
            raw=[raw for item in (image, location) if (raw := getattr(item, "extra", None))],
            region=self.region or None,
        )
        try:
            return convert.node(self._backend.deploy(request), self)
        except NotFound as error:
            self._suggest_path(error, request.module_id)
            raise

    @operation
    def deploy_node(
        self,
        deploy: Steps,
        ssh_username: str = "root",
        ssh_alternate_usernames: list[str] | None = None,
        ssh_port: int = 22,
        ssh_timeout: float | None = 10,
        ssh_key: str | PathLike[str] | list[str] | None = None,
        ssh_key_password: str | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        timeout: float = SSH_CONNECT_TIMEOUT,
        max_tries: int = 3,
        ssh_interface: str = "public_ips",
        at_exit_func: Callable[..., object] | None = None,
        wait_period: float = 5,
        **create_node_kwargs: Any,
    ) -> Node:
        """
        Deploy, wait until the node runs, log in to it by SSH and run steps there.

        All arguments are checked before anything is created. Of a node of several machines it is
        the first one that has an address, in the order of the machines' names. paramiko is
        needed: install the extra ``ssh``. It accepts any host key, as libcloud has it.

        :param deploy: What to do on the machine.
        :param ssh_username: The name to log in under.
        :param ssh_alternate_usernames: Other names, tried in turn until one can log in.
        :param ssh_port: The port of the SSH server.
        :param ssh_timeout: Seconds for one attempt to connect.
        :param ssh_key: Files with private keys; else those of the SSH agent and of ``~/.ssh``.
        :param ssh_key_password: What opens the private key, where it is encrypted.
        :param auth: A public key for the machines; see :meth:`create_node`.
        :param timeout: Seconds until the node runs, and again until it lets one of the names in.
        :param max_tries: Accepted for programs written for other drivers, and changes nothing:
            a step that fails may be half done, and is not run again.
        :param ssh_interface: Which address to use, ``public_ips`` or ``private_ips``.
        :param at_exit_func: Called as the process ends, with ``driver`` and ``node``, when it
            was interrupted while there is a node that is not set up.
        :param wait_period: The longest pause between two polls for the node, in seconds.
        :param create_node_kwargs: The arguments of :meth:`create_node`.
        :requests: those of :meth:`create_node` (SlipStream 2, Nuvla 3), then those of
            :meth:`wait_until_running`.
        :returns: The node as it runs.
        :raises DeployFailed: If it was created, and does not run, refuses the login, or a step
            fails; it is ``node`` of the exception, and still exists.
        :raises BadInput: If an argument cannot be right; nothing was created then.
        :raises NotSupported: If paramiko, or a key, is missing; nothing was created then.
        """
        keywords = [*keywords_of(type(self).deploy_node), *keywords_of(type(self).create_node)]
        check_keywords("deploy_node", create_node_kwargs, keywords)
        if auth is None and not ssh_key:
            raise NotSupported(
                "deploy_node needs a key to log in with: no machine here has a password.",
                hint="Pass ssh_key, the file of a private key, or auth=NodeAuthSSHKey(pubkey).",
            )
        setup = SSHSetup(
            deploy=deploy,
            ssh_username=ssh_username,
            ssh_alternate_usernames=ssh_alternate_usernames,
            ssh_port=ssh_port,
            ssh_timeout=ssh_timeout,
            ssh_key=ssh_key,
            ssh_key_password=ssh_key_password,
            timeout=timeout,
            max_tries=max_tries,
            ssh_interface=ssh_interface,
        )
        if at_exit_func is not None and not callable(at_exit_func):
            raise TypeError(f"at_exit_func must be a function, not {type(at_exit_func).__name__}.")
        check_number("wait_period", wait_period)
        if auth is not None:
            create_node_kwargs["auth"] = auth
        node = self.create_node(**create_node_kwargs)
        with reporting(node, self, at_exit_func):
            [(node, addresses)] = self.wait_until_running(
                [node],
                wait_period,
                timeout or NODE_ONLINE_WAIT_TIMEOUT,
                ssh_interface,
                force_ipv4=False,
            )
            setup.run(node, addresses)
        return node

    @operation
    def wait_until_running(
        self,
        nodes: Iterable[Node | str],
        wait_period: float = 5,
        timeout: float = 600,
        ssh_interface: str = "public_ips",
        force_ipv4: bool = True,
        ex_list_nodes_kwargs: Mapping[str, Any] | None = None,
        *,
        progress: Progress | None = None,
    ) -> list[tuple[Node, list[str]]]:
        """
        Wait until nodes run and have addresses.

        All of them are polled at once, by few requests however many they are. It ends at once
        when one of them was aborted, is stopping, or has ended; and when all run, but one has no
        such address, three polls after the server has listed its addresses. Temporary faults are
        survived.

        :param nodes: The nodes.
        :param wait_period: The longest pause between two polls in seconds; the first are shorter.
        :param timeout: Seconds after which to give up; the first poll is always made.
        :param ssh_interface: Which addresses to wait for, ``public_ips`` or ``private_ips``.
        :param force_ipv4: Leave out IPv6 addresses; names of hosts are addresses either way.
        :param ex_list_nodes_kwargs: Accepted for programs written for other drivers; it must be
            keywords of :meth:`list_nodes`, and changes nothing: nodes are read by their ids.
        :keyword progress: Called at each poll, for each node, with a
            :class:`~slipstream.values.DeploymentState` whose ``deployment_id`` is the node's.
        :requests: SlipStream 2 for nodes that run: at each poll 1 for each 500 deployments of
            the user until all are found, and once they run 1 for each 100 nodes for the addresses;
            up to 3 more where machines are not listed yet. Nuvla 2 for each 100 nodes that run:
            1 at each poll, and 1 for the addresses.
        :returns: The present nodes, once each, in the order of ``nodes``, with their addresses.
        :raises NodeFailed: If a node failed, has ended, or has no such address (``node_ids``
            says which, ``reason`` why).
        :raises WaitTimeout: If the time is over; the deployments go on.
        """
        if isinstance(nodes, Node):
            raise TypeError("nodes must be a list of nodes, not a Node: write [node].")
        names = {
            self._node_id(node): getattr(node, "name", "")
            for node in arguments.items("nodes", nodes)
        }
        if ex_list_nodes_kwargs is not None:
            options = arguments.checked(
                "ex_list_nodes_kwargs",
                ex_list_nodes_kwargs,
                Mapping,  # type: ignore[type-abstract]
                "a dict",
            )
            check_keywords("list_nodes", options, keywords_of(type(self).list_nodes))
        wait = RunningWait(
            names=names,
            interface=ssh_interface,
            only_ipv4=bool(force_ipv4),
            period=check_number("wait_period", wait_period),
            timeout=check_number("timeout", timeout),
            progress=progress,
        )
        if not names:
            return []

        def read() -> list[Deployment]:
            # One node may be given twice, by two spellings of its id.
            deployments = self._backend.get_deployments(tuple(names))
            return list({deployment.id: deployment for deployment in deployments}.values())

        return [
            (convert.node(deployment, self), wait.addresses(deployment))
            for deployment in wait.until(read)
        ]

    @operation
    def ex_wait_node_in_state(
        self,
        node: Node | str,
        states: str | Iterable[str] = "Ready",
        wait_period: float = 10,
        timeout: float = 600,
        ignore_abort: bool = False,
        *,
        progress: Progress | None = None,
    ) -> str:
        """
        Wait until a node is in one of some states.

        It ends at once when the deployment was aborted, or can no longer get there. Each poll is
        one cheap request. Temporary faults are survived.

        The node object is updated: each poll sets its ``state``, and once the state is reached its
        addresses and ``extra`` are those that :meth:`ex_get_node` returns. Of a node that has
        ended only the state is set.

        :param node: The node.
        :param states: One state or several, in the server's words or libcloud's.
        :param wait_period: The longest pause between two polls in seconds; the first are shorter.
        :param timeout: Seconds after which to give up; the first poll is always made. A
            poll that is under way then still takes its time, see the driver's ``timeout``.
        :param ignore_abort: Wait on although the deployment was aborted.
        :keyword progress: Called at each poll with a
            :class:`~slipstream.values.DeploymentState`; see
            :class:`~slipstream.libcloud.progress.ProgressLine`.
        :requests: SlipStream 2: 1 at each poll, and 1 to update the node once it is there; 2 more
            when it was aborted. Nuvla 3: 1 at each poll, and 2 to update the node; 2 more when it
            is in error, or a few while the reason is not written yet. None to update the node
            when the argument is an id.
        :returns: The state reached.
        :raises NodeFailed: If it was aborted (``reason`` says why) or has ended.
        :raises WaitTimeout: If the time is over; the deployment goes on.
        """
        node_id = self._node_id(node)
        arguments.check_flags(ignore_abort=ignore_abort)
        wait = Wait(
            what=f"Deployment {node_id}",
            states=arguments.states(states, self._backend),
            period=check_number("wait_period", wait_period),
            timeout=check_number("timeout", timeout),
            ignore_abort=ignore_abort,
            progress=progress,
        )

        def read() -> DeploymentState:
            state = self._backend.get_state(node_id, wait.states)
            if isinstance(node, Node):
                convert.update_state(node, state)
                if state.state in wait.states and state.phase is not Phase.TERMINATED:
                    convert.update(node, self._backend.get_deployment(node_id), self)
            return attrs.evolve(state, deployment_id=node_id)

        return wait.until(read).state

    @operation
    def ex_operation(
        self,
        node: Node | str,
        states: str | Iterable[str] = "Ready",
        *,
        ignore_abort: bool = False,
    ) -> NodeOperation:
        """
        Get a handle to wait for one of some states of a node. No request is sent.

        It can be polled at any time, written to a file, and resumed in another process.

        :param node: The node.
        :param states: One state or several, in the server's words or libcloud's.
        :keyword ignore_abort: Go on although the deployment was aborted.
        :requests: SlipStream none, Nuvla none; a poll costs those of
            :meth:`ex_wait_node_in_state`.
        """
        node_id = self._node_id(node)
        arguments.check_flags(ignore_abort=ignore_abort)
        return NodeOperation(
            node_id=node_id,
            node_name=(node.name if isinstance(node, Node) else None) or node_id,
            endpoint=self.ex_endpoint,
            states=tuple(sorted(arguments.states(states, self._backend))),
            ignore_abort=ignore_abort,
        ).resume(self)

    @listing
    def list_nodes(
        self,
        *,
        location: NodeLocation | str | None = None,
        ex_active_only: bool = True,
        ex_addresses: bool = True,
    ) -> Iterator[Node]:
        """
        List the deployments of the user, newest first, with the addresses of their machines.

        On SlipStream the addresses of an application include that of its orchestrator, which the
        server does not tell apart there. The address of the service comes first, where there is
        one; until its own machines are up, none is listed. :meth:`ex_get_node` leaves the
        orchestrator out.

        :keyword location: Only those that run there, on one of their machines at least. The
            deployments are filtered after they are read. An id or a name is looked up first, by
            the requests of :meth:`list_locations`.
        :keyword ex_active_only: Leave out those that have ended.
        :keyword ex_addresses: Fill in the addresses of the machines; ``False`` saves requests.
        :requests: SlipStream 2, Nuvla 2: 1 for each 500 deployments, and 1 for the addresses of
            each 250 (Nuvla: 100), however many machines these have; without addresses
            SlipStream 1, Nuvla 1.
        """
        names = None if location is None else self._location_names(location)
        arguments.check_flags(ex_active_only=ex_active_only, ex_addresses=ex_addresses)
        deployments = self._backend.list_deployments(ex_active_only, ex_addresses)
        return Pages(
            [
                convert.node(deployment, self)
                for deployment in page
                if names is None or not names.isdisjoint(deployment.connectors)
            ]
            for page in by_page(deployments)
        )

    ex_iterate_nodes = iterating(list_nodes)

    @operation
    def ex_get_node(self, node_id: str | UUID | Node) -> Node:
        """
        Get one deployment, ended ones included, with the addresses of its machines.

        :param node_id: Its id, or the node as it was read before.
        :requests: SlipStream 1. Nuvla 2, and 2 more for the reason when it is in error.
        :raises NotFound: If there is none of that id.
        """
        return convert.node(self._backend.get_deployment(self._node_id(node_id)), self)

    @operation
    def ex_find_node(self, name: str) -> Node:
        """
        Find the one deployment that has exactly this name, and get it as :meth:`ex_get_node` does.

        Those that have ended are left out.

        :param name: Its name; a node without a name is called by its id.
        :requests: SlipStream 2: 1 for each 500 deployments, and 1 for the node. Nuvla 3: 1 for
            each 500, and 2 for the node.
        :raises BadInput: If none or several have this name; the candidates are listed.
        """
        name = arguments.text("The name of the node", name)
        deployments = self._backend.list_deployments(active_only=True, addresses=False)
        candidates = [(d.name or d.id, d.id, d.id) for d in deployments]
        node_id = arguments.only_match("node", name, candidates, "ex_get_node")
        return convert.node(self._backend.get_deployment(node_id), self)

    @operation
    def ex_get_node_parameter(
        self, node: Node | str, parameter_name: str, ignore_abort: bool = True
    ) -> str | None:
        """
        Get the value of a run parameter, as in ``machine:hostname``.

        :param node: The node.
        :param parameter_name: The parameter's name.
        :param ignore_abort: Return the value although the deployment was aborted.
        :requests: SlipStream 1. Nuvla 1; 2 for one that is not set or does not exist, and 1 more
            without ``ignore_abort``, or when none is set; 2 more for the reason of an error.
        :returns: The value, ``None`` while it is not set.
        :raises BadInput: If the node has no such parameter; those that it has are listed.
        :raises NodeFailed: If it was aborted and ``ignore_abort`` is ``False``.
        """
        node_id = self._node_id(node)
        name = arguments.text("The name of the parameter", parameter_name)
        arguments.check_flags(ignore_abort=ignore_abort)
        return self._backend.get_parameter(node_id, name, ignore_abort=ignore_abort).value

    @listing
    def ex_list_virtual_machines(
        self, location: NodeLocation | str | None = None, node: Node | str | None = None
    ) -> Iterator[VirtualMachine]:
        """
        List machines: all of the user's, those on a location, or those of a node.

        :param location: Only those on this location.
        :param node: Only those of this node.
        :requests: SlipStream 1 for each 1,000 machines. Nuvla 2 for each 100 edges, and 1 for each
            500; of a node none or 1, or 2 where its document is not at hand; of a location 1 more.
            On SlipStream 2 more for a location without machines that was not listed before, and 1
            for the id of a node without machines.
        :raises NotFound: If there is no such node.
        :raises UnknownName: If there is no such location.
        """
        machines = self._backend.list_virtual_machines(
            connector=self._location_id(location),
            deployment_id=None if node is None else self._node_id(node),
            raw=(node.extra or {}) if isinstance(node, Node) else {},
        )
        return (convert.virtual_machine(machine, self) for machine in machines)

    ex_iterate_virtual_machines = iterating(ex_list_virtual_machines)

    @operation
    def ex_get_node_logs(
        self,
        node: Node | str,
        components: Iterable[str] | None = None,
        *,
        lines: int = 200,
        timeout: float = 60,
    ) -> dict[str, list[str]]:
        """
        Get the last lines that the components of a deployment have logged.

        :param node: The node.
        :param components: The names of the components, as in ``['web']``. A deployment with a
            single one needs none, which takes 1 request more.
        :keyword lines: How many lines of each.
        :keyword timeout: Seconds after which to give up.
        :requests: SlipStream none. Nuvla 4, and 1 for each poll that comes too early.
        :returns: The lines, by component.
        :raises NotSupported: If the endpoint has no such operation.
        """
        if not self._backend.supports("get_logs"):
            return self._backend.get_logs("", [], lines, 0)  # always refused
        if isinstance(components, str):
            components = [components]
        return self._backend.get_logs(
            self._node_id(node),
            components=[
                arguments.text("The name of a component", name)
                for name in arguments.items("components", components)
                if name
            ],
            lines=arguments.whole_number("lines", lines),
            timeout=check_number("timeout", timeout),
        )

    @operation
    def start_node(self, node: Node | str) -> bool:
        """
        Start a deployment that was stopped. The ``state`` of the node object is updated.

        :param node: The node.
        :requests: SlipStream none, Nuvla 2.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :raises NotSupported: If deployments of this endpoint cannot be stopped and started.
        """
        return self._change(node, self._backend.start_deployment, Phase.STARTING)

    ex_start_node = alias("ex_start_node", start_node)

    @operation
    def stop_node(self, node: Node | str) -> bool:
        """
        Stop a deployment without destroying it. The ``state`` of the node object is updated.

        :param node: The node.
        :requests: SlipStream none, Nuvla 2.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :raises NotSupported: If deployments of this endpoint cannot be stopped and started.
        """
        return self._change(node, self._backend.stop_deployment, Phase.STOPPING)

    ex_stop_node = alias("ex_stop_node", stop_node)

    @operation
    def reboot_node(self, node: Node | str) -> bool:
        """
        Restart a deployment, where the server can.

        On Nuvla: stop, wait until it is stopped, and start, within 600 seconds. Its containers
        are made anew; volumes stay.

        :param node: The node.
        :requests: SlipStream none. Nuvla 3, and 1 at each poll.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :raises NotSupported: On SlipStream. The message says what to do instead.
        :raises NodeFailed: If it cannot be stopped; it was not started then.
        :raises WaitTimeout: If it is not stopped in time; it was not started then.
        """
        return self._change(node, self._backend.reboot_deployment, Phase.REBOOTING, Phase.STARTING)

    @operation
    def ex_update_node(self, node: Node | str) -> bool:
        """
        Apply a running deployment's application again, in place.

        :param node: The node.
        :requests: SlipStream none, Nuvla 1.
        :returns: ``True`` once the server has accepted; a failure is an exception.
        :raises NotSupported: If the endpoint has no such operation.
        """
        return self._backend.update_deployment(self._node_id(node))

    @operation
    def destroy_node(self, node: Node | str, *, ex_force: bool = False) -> bool:
        """
        Terminate a deployment and its machines.

        On SlipStream a node whose machine is just being started is terminated again until the
        machine is gone, for at most 120 seconds; one that could not be launched is cancelled.
        On Nuvla a node that runs is stopped and deleted by the server after this has returned.
        One that is in error, is just being stopped, or was constructed of a component, is waited
        for until it is gone, at most 300 seconds.

        :param node: The node; one that has ended already is accepted.
        :keyword ex_force: Nuvla only: delete the deployment although it cannot be stopped. What
            it runs then goes on running. It is stopped properly where that is possible, and
            waited for, so this takes longer.
        :requests: SlipStream 1, and 2 more each time that it is terminated again. Nuvla 1; 2 for
            one that is not running, 1 more for one whose document is not at hand or that another
            user shares, and a few more while one is waited for.
        :returns: ``True`` once it has ended or is sure to; a failure is an exception.
        :raises Conflict: If it cannot be stopped; the message says why and what can be done.
        """
        arguments.check_flags(ex_force=ex_force)
        node_id, raw = self._node_id(node), {}
        # The copy of the driver that explains a call has the same connection.
        if isinstance(node, Node) and getattr(node.driver, "connection", 0) is self.connection:
            raw = node.extra or {}
        return self._backend.terminate(node_id, force=ex_force, raw=raw)

    @listing
    def list_key_pairs(self) -> Iterator[KeyPair]:
        """
        List the user's public SSH keys.

        :requests: SlipStream 1, and 1 more after a login, for the user's name. Nuvla 1 for each
            500 keys.
        :returns: Key pairs, named by their comments or else by their SHA-256 fingerprints.
        """
        return (convert.key_pair(key, self) for key in self._backend.list_ssh_keys())

    ex_iterate_key_pairs = iterating(list_key_pairs)

    @operation
    def get_key_pair(self, name: str) -> KeyPair:
        """
        Get one of the user's public SSH keys.

        :param name: Its name or its fingerprint.
        :requests: those of :meth:`list_key_pairs`: SlipStream 1, Nuvla 1.
        :raises KeyPairMissing: If there is none of that name.
        :raises KeyPairConflict: If there are several; pass the fingerprint then.
        """
        return convert.key_pair(self._ssh_key(name), self)

    @operation
    def create_key_pair(self, name: str) -> KeyPair:
        """
        Make an ED25519 key pair here and add the public half to the user's keys.

        :param name: Its name.
        :requests: SlipStream 4: the profile is read, read again, written and looked at, since
            others may change it meanwhile; again as often while they do. Nuvla 2.
        :returns: The key pair; its ``private_key``, in OpenSSH's format, exists nowhere else.
        :raises KeyPairConflict: If the name is taken.
        :raises DriverError: With the private key in its ``private_key``, if the public half may
            have been added all the same (``may_have_happened``).
        """
        key, private_key = generate(arguments.label("key name", name))
        self._session.hide(private_key)
        try:
            return convert.key_pair(self._backend.add_ssh_key(key), self, private_key)
        except DriverError as error:
            if error.may_have_happened:
                error.private_key = private_key
            raise
        except BaseException as interruption:
            vars(interruption)["private_key"] = private_key
            interruption.add_note(
                "The public key may have been added; this exception has the private_key."
            )
            raise

    @operation
    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        """
        Add a public SSH key to the user's keys.

        :param name: Its name, which replaces the key's comment.
        :param key_material: The key in OpenSSH's one-line format; options before it are kept.
        :requests: SlipStream 4: the profile is read, read again, written and looked at, since
            others may change it meanwhile; again as often while they do. Nuvla 2.
        :returns: The key pair. If the user has this key under that name, nothing is changed.
        :raises BadInput: If it is no public key.
        :raises KeyPairConflict: If the name is taken by another key.
        """
        material = arguments.checked("key_material", key_material, str, "a string")
        key = SSHKey.parse(material).check()
        if name or not key.comment:
            key = attrs.evolve(key, comment=arguments.label("key name", name))
        return convert.key_pair(self._backend.add_ssh_key(key), self)

    @operation
    def import_key_pair_from_file(self, name: str, key_file_path: str) -> KeyPair:
        """
        Add a public SSH key from a file; see :meth:`import_key_pair_from_string`.

        :param name: Its name, which replaces the key's comment.
        :param key_file_path: The file, usually ``~/.ssh/*.pub``.
        :requests: those of :meth:`import_key_pair_from_string`: SlipStream 4, Nuvla 2.
        :raises BadInput: If the file cannot be read or holds no public key.
        """
        content = arguments.read_file("key file", key_file_path)
        try:
            material = content.decode()
        except UnicodeDecodeError:
            raise BadInput(f"Cannot read the key file {key_file_path}: it is not text.") from None
        return self.import_key_pair_from_string(name, material)

    @operation
    def delete_key_pair(self, key_pair: KeyPair | str) -> bool:
        """
        Remove a public SSH key from the user's keys; every other one stays.

        :param key_pair: The key pair; one that the caller constructed is looked up by its name.
        :requests: SlipStream 4, Nuvla 1; to look it up those of :meth:`get_key_pair` more.
        :returns: ``True``; a failure is an exception.
        :raises KeyPairMissing: If the user has no such key.
        """
        if isinstance(key_pair, str):
            return self._backend.delete_ssh_key(self._ssh_key(key_pair))
        arguments.check_owner(self, key_pair, KeyPair, "key pair")
        if key_pair.public_key:
            key = attrs.evolve(SSHKey.parse(key_pair.public_key), id=key_pair.extra.get("id"))
            if key_pair.name and not key.is_called(key_pair.name):
                key = attrs.evolve(key, comment=key_pair.name)
        else:
            key = self._ssh_key(key_pair.name)
        return self._backend.delete_ssh_key(key)

    def _ssh_key(self, name: str) -> SSHKey:
        arguments.text("The name of the key pair", name, plain=False)
        keys = list(self._backend.list_ssh_keys())
        matches = [key for key in keys if key.is_called(name)]
        if not matches:
            near = nearest(name, [key.name for key in keys])
            raise KeyPairMissing(
                f"There is no key pair {name!r}.",
                name=name,
                hint=f"Did you mean {near!r}?" if near else "list_key_pairs() lists the names.",
            )
        if len(matches) > 1:
            fingerprints = ", ".join(key.fingerprint_sha256 for key in matches)
            raise KeyPairConflict(
                f"{len(matches)} key pairs are named {name!r}.",
                name=name,
                hint=f"Pass a fingerprint instead of the name: {fingerprints}.",
            )
        return matches[0]

    @operation
    def delete_image(self, node_image: NodeImage | str, *, ex_all_versions: bool = False) -> bool:
        """
        Delete a version of a component or an application, the one that the image's id names.

        The version before it becomes the latest then, and shows in listings again.

        :param node_image: The image.
        :keyword ex_all_versions: Delete every version.
        :requests: SlipStream 1. Nuvla 1; by path 2, and 1 more where the id names no version.
        :returns: ``True``; a failure is an exception.
        """
        module_id = arguments.object_id(self, node_image, NodeImage, "image")
        arguments.check_flags(ex_all_versions=ex_all_versions)
        return self._backend.delete_module(module_id, all_versions=ex_all_versions)

    @operation
    def ex_explain(
        self, method: str | Callable[..., object], /, *args: Any, **kwargs: Any
    ) -> Explanation:
        """
        Dry run of a call: the requests that it would send, and why it would be refused.

        Reads are done. Changes are not sent; where a response is needed to go on, the one that
        the server is expected to give is made up.

        :param method: The name of a method that does not wait, as in ``'create_node'``.
        :param args: Its arguments; so are the keywords.
        :requests: SlipStream 1, Nuvla 1 for ``'ex_get_node_parameter'``: those of the method that
            change nothing, and some that look for what would be refused.
        :raises BadInput: If there is no such method.
        :raises TypeError: If the method does not take the arguments.
        """
        name = method_name(method, type(self))
        session, transport = self._session.dry_run()
        driver = object.__new__(type(self))
        vars(driver).update(vars(self), _session=session)
        refusals: list[DriverError] = []
        driver._backend = self._plugins.operations(session, refusals)
        complete = run(getattr(driver, name), args, kwargs, refusals)
        return Explanation(
            method=name,
            requests=tuple(transport.requests),
            refusals=tuple(dict.fromkeys(map(str, refusals))),
            complete=complete,
        )

    @operation
    def ex_save_cookies(self, path: str | Path) -> None:
        """
        Save the session for a later ``ex_cookie_file``, in a file that only you can read.

        :param path: The file, replaced if it exists.
        :requests: SlipStream none, Nuvla none.
        :raises BadInput: If it cannot be written.
        """
        save_cookies(self._session.cookies, user_path("path", path))

    def close(self) -> None:
        """
        Close the driver: it sends nothing more, and its connections are closed.

        Calls under way in other threads end with their responses, or like every later call with
        :class:`~slipstream.libcloud.errors.DriverClosed`. The server's session is not ended: it
        expires by itself, and a file of :meth:`ex_save_cookies` stays valid until then. Closing
        twice does no harm. Without it, connections are closed with the last reference to the
        driver.

        :requests: SlipStream none, Nuvla none.
        """
        if self._session is not None:  # a login that has failed left none
            self._session.close()

    @operation
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """The driver itself, so that copies of nodes still belong to it."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Named one by one, so that no secret gets into a pickle.
        session = self._session
        return {
            "endpoint": session.endpoint.url,
            "kind": session.kind.name,
            "api_version": self.api_version,
            "region": self.region,
            "features": self.features,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        endpoint = Endpoint.parse(state["endpoint"])
        super().__init__(  # type: ignore[no-untyped-call]
            "",
            "",
            secure=endpoint.secure,
            host=endpoint.host,
            port=endpoint.port,
            api_version=state["api_version"],
            region=state["region"],
        )
        self.connection.request_path = endpoint.base_path
        self.features = state["features"]
        detached = _Detached(endpoint=endpoint, kind=SimpleNamespace(name=state["kind"]))
        self._session = cast(Session, detached)

    def _ensure_usable(self) -> None:
        """Refuse a closed session, and connections that a test has replaced."""
        cls: Any = self.connectionCls
        current = vars(self).get("connection")
        if not (isinstance(cls, type) and issubclass(cls, SessionConnection)):
            raise connection.unused("connectionCls", cls)
        if not isinstance(current, SessionConnection | None):
            raise connection.unused("connection", current)
        if cls.conn_class not in connection.USUAL_CLASSES:
            raise connection.unused("connectionCls.conn_class", cls.conn_class)
        if self._session is not None:
            self._session.ensure_open()

    def _change(self, node: Any, change: Callable[[str], bool], *phases: Phase) -> bool:
        """Make a change, and set the state that it has written, if a phase has but one state."""
        accepted = change(self._node_id(node))
        for phase in phases if isinstance(node, Node) else ():
            states = [state for state, other in self._backend.states.items() if other is phase]
            if len(states) == 1:
                convert.update_state(node, DeploymentState(state=states[0], phase=phase))
                break
        return accepted

    def _node_id(self, node: object) -> str:
        return arguments.object_id(self, node, Node, "node")

    def _location_id(self, location: object) -> str | None:
        if location is None:
            return None
        return arguments.object_id(self, location, NodeLocation, "location")

    def _location_names(self, location: object) -> set[str]:
        """The names by which a deployment may know a location."""
        location_id = arguments.object_id(self, location, NodeLocation, "location")
        if isinstance(location, NodeLocation) and "unknown" in (location.extra or {}):
            # As list_locations() gives it.
            return {location_id, self._backend.location_name(location_id), location.name}
        connectors = list(self._backend.list_connectors())
        for connector in connectors:
            if location_id in {connector.id, connector.name}:
                return {connector.id, connector.name}
        raise UnknownName("location", location_id, {connector.name for connector in connectors})

    # What libcloud has and no server here does.

    create_image = unsupported("create_image")
    copy_image = unsupported("copy_image")
    list_volumes = unsupported("list_volumes")
    create_volume = unsupported("create_volume")
    attach_volume = unsupported("attach_volume")
    detach_volume = unsupported("detach_volume")
    destroy_volume = unsupported("destroy_volume")
    list_volume_snapshots = unsupported("list_volume_snapshots")
    create_volume_snapshot = unsupported("create_volume_snapshot")
    destroy_volume_snapshot = unsupported("destroy_volume_snapshot")


SlipStreamNodeDriver._show_host()  # noqa: SLF001 - of this module
