"""
The libcloud compute driver. Importing this module registers it::

    import slipstream.libcloud.compute_driver
    from libcloud.compute.providers import get_driver

    ss = get_driver("slipstream")("username", "password")

A node is a deployment, an image a component or an application, a size a service offer, and a
location a cloud connector of the user. What the driver knows of a server it knows through the
hooks (:mod:`slipstream.hookspecs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from slipstream.environment import check_environment

check_environment()

from slipstream.libcloud import convert, register  # noqa: E402
from slipstream.libcloud.catalogue import CatalogueMethods  # noqa: E402
from slipstream.libcloud.connection import SessionConnection  # noqa: E402
from slipstream.libcloud.creation import CreationMethods  # noqa: E402
from slipstream.libcloud.explaining import ExplainingMethods  # noqa: E402
from slipstream.libcloud.key_pairs import KeyPairMethods  # noqa: E402
from slipstream.libcloud.lifecycle import LifetimeMethods  # noqa: E402
from slipstream.libcloud.machines import MachineMethods  # noqa: E402
from slipstream.libcloud.nodes import NodeMethods  # noqa: E402
from slipstream.libcloud.operation import operation  # noqa: E402
from slipstream.libcloud.provisioning import ProvisioningMethods  # noqa: E402
from slipstream.libcloud.settings import CertificatePaths, endpoint_of, settings_of  # noqa: E402
from slipstream.libcloud.unsupported import RefusedMethods  # noqa: E402
from slipstream.libcloud.virtual_machine import VirtualMachine  # noqa: E402
from slipstream.libcloud.waits import WaitingMethods  # noqa: E402
from slipstream.plugins import Plugins, default_plugins  # noqa: E402
from slipstream.plugins.connect import connect  # noqa: E402
from slipstream.session.cookie_files import save_cookies  # noqa: E402
from slipstream.values.credentials import Credentials  # noqa: E402

__all__ = ["SlipStreamNodeDriver", "VirtualMachine"]


class SlipStreamNodeDriver(
    LifetimeMethods,
    NodeMethods,
    CreationMethods,
    ProvisioningMethods,
    WaitingMethods,
    MachineMethods,
    CatalogueMethods,
    KeyPairMethods,
    ExplainingMethods,
    RefusedMethods,
):
    """
    A driver for one account on one endpoint. Making one logs in.

    Key pairs work in another way than on most clouds: where a server puts SSH keys into machines,
    it puts in every key of the user. ``features`` of a driver tells whether its endpoint does, so
    that ``create_node`` takes a key as ``auth``.

    :param key: User name, or the id of an API key (``credential/<uuid>``).
    :type key: ``str``

    :param secret: Password, or the secret of the API key.
    :type secret: ``str``

    :param secure: Use https. With ``False`` everything, the password included, goes over plain
        http; certificates are checked as ``libcloud.security`` says either way.
    :type secure: ``bool``

    :param host: Host name or address of the endpoint, ``nuv.la`` when left out
        (``get_driver("nuvla")``: ``nuvla.io``). A port may follow it.
    :type host: ``str``

    :param port: Port of the endpoint, 443 or 80 when left out.
    :type port: ``int``

    :param api_version: The version of the protocol, ``'1'`` or ``'2'``; found out when left out.
    :type api_version: ``str``

    :keyword region: Not used.

    :keyword timeout: Seconds to wait for a connection (10 at most), for an answer to begin, and
        then for its next bytes; 60 when left out. The whole answer may take ten times as long.
    :type timeout: ``float``

    :keyword retry_delay: Seconds before a request that is safe to repeat is sent again.
    :type retry_delay: ``float``

    :keyword backoff: By how much each further pause is longer.
    :type backoff: ``float``

    :keyword proxy_url: A proxy, as in ``http://user:password@host:3128``; the environment's
        when left out.
    :type proxy_url: ``str``

    :keyword ex_verify: Whether to check the server's certificate, as
        ``libcloud.security.VERIFY_SSL_CERT`` says when left out. With ``False`` the connection is
        still encrypted, but with whoever answers; a warning says so once.
    :type ex_verify: ``bool``

    :keyword ex_ca_cert: The path of the certificates of the authorities to trust: a file in PEM
        format, or a directory as ``openssl rehash`` makes it. When left out,
        ``libcloud.security.CA_CERTS_PATH`` says it.
    :type ex_ca_cert: ``str``

    :keyword ex_client_cert: The path of a certificate to show to the server, in one PEM file with
        its key, or those of both: ``(certificate, key)``. The key must not be encrypted.
    :type ex_client_cert: ``str`` or ``tuple``

    :keyword ex_endpoint: The endpoint as a URL, as in ``https://nuv.la``; wins over ``secure``,
        ``host`` and ``port``. A base path is allowed.
    :type ex_endpoint: ``str``

    :keyword ex_cookie_file: A cookie file in Netscape format whose session is used instead of
        key and secret.
    :type ex_cookie_file: ``str``

    :keyword ex_login_method: ``internal`` for a user name and a password, ``api-key``,
        ``cookie-file``, one that a plugin adds, or any session template of the server. When
        left out, the look of the key decides.
    :type ex_login_method: ``str``

    :keyword ex_login_parameters: Further fields of the session template.
    :type ex_login_parameters: ``dict``

    :keyword ex_endpoint_kind: The kind of endpoint, when it should not be found out.
    :type ex_endpoint_kind: ``str``

    :keyword ex_group: A group of the user to act for, where the server has groups.
    :type ex_group: ``str``

    :keyword ex_disable_plugins: Names of plugins or distributions not to load; wins over the
        environment variable ``SLIPSTREAM_DISABLE_PLUGINS``.
    :type ex_disable_plugins: ``list`` of ``str``

    :raises InvalidCredentials: If the server does not accept the credentials.
    :raises NoAnswer: If the endpoint cannot be reached, or redirects to another address.
    :raises BadInput: If an argument cannot be right.
    """

    name = "SlipStream"
    website = "https://sixsq.com/slipstream"
    type = "slipstream"
    api_name = "slipstream"
    _hosted_at = "nuv.la"
    connectionCls = SessionConnection  # noqa: N815 - libcloud's name
    # What the default host can do; a driver in use says what its own endpoint can.
    features: dict[str, list[str]] = {  # noqa: RUF012 - as in the base class
        "create_node": ["ssh_key"]
    }
    NODE_STATE_MAP = {  # noqa: RUF012 - as in the base class
        phase.value: state for phase, state in convert.NODE_STATES.items()
    }

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
        endpoint = endpoint_of(
            ex_endpoint, secure, self._hosted_at if host is None else host, port
        )
        settings = settings_of(
            timeout=timeout,
            retry_delay=retry_delay,
            backoff=backoff,
            proxy_url=proxy_url,
            verify=ex_verify,
            ca_cert=ex_ca_cert,
            client_cert=ex_client_cert,
        )
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
        self._plugins = (
            default_plugins()
            if ex_disable_plugins is None
            else Plugins(disabled=ex_disable_plugins)
        )
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
        )
        self._backend = self._plugins.operations(self._session)
        self.api_version = self._session.kind.api_version or api_version
        takes_keys = self._backend.takes_ssh_keys
        self.features = {"create_node": ["ssh_key"] if takes_keys else []}

    @operation
    def ex_save_cookies(self, path: str | Path) -> None:
        """
        Save the session for a later ``ex_cookie_file``, in a file that only you can read.

        :param path: The file, replaced if it exists.
        :type path: ``str``

        :requests: SlipStream none, Nuvla none.
        :raises BadInput: If it cannot be written.
        """
        save_cookies(self._session.cookies, Path(path).expanduser())


register()
