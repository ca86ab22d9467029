"""Making nodes and setting them up by SSH."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import Any, cast

from libcloud.common.types import LibcloudError
from libcloud.compute.base import (
    NODE_ONLINE_WAIT_TIMEOUT,
    SSH_CONNECT_TIMEOUT,
    SSH_TIMEOUT_EXCEPTION_CLASSES,
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
)
from libcloud.compute.deployment import Deployment
from libcloud.compute.ssh import BaseSSHClient

from slipstream.errors import NotSupported
from slipstream.libcloud.base import DriverBase, seconds
from slipstream.libcloud.errors import DeployFailed, DriverError
from slipstream.libcloud.operation import check_keywords, keywords_of, operation
from slipstream.libcloud.ssh_access import Access, check_client
from slipstream.transport import clock
from slipstream.transport.backoff import Backoff

_PASSING = (*SSH_TIMEOUT_EXCEPTION_CLASSES, EOFError)
"""What an SSH server does while its machine is still starting, and after."""


class ProvisioningMethods(DriverBase):
    """The part of the driver that makes nodes and sets them up."""

    @operation
    def deploy_node(
        self,
        deploy: Deployment,
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

        Everything that can be checked is, before anything is made. Of a node of several machines
        it is the first one that has an address, in the order of the machines' names. paramiko is
        needed: install the extra ``ssh``. It accepts whatever host key the
        machine shows, as libcloud has it.

        :param deploy: What to do on the machine.
        :type deploy: :class:`~libcloud.compute.deployment.Deployment`

        :param ssh_username: The name to log in under.
        :type ssh_username: ``str``

        :param ssh_alternate_usernames: Other names, tried in turn when all fails under that one.
        :type ssh_alternate_usernames: ``list`` of ``str``

        :param ssh_port: The port of the SSH server.
        :type ssh_port: ``int``

        :param ssh_timeout: Seconds for one attempt to connect.
        :type ssh_timeout: ``float``

        :param ssh_key: The file with the private key, or several; without it, keys of the SSH
            agent and of ``~/.ssh`` are tried.
        :type ssh_key: ``str`` or ``list`` of ``str``

        :param ssh_key_password: What opens the private key, where it is encrypted.
        :type ssh_key_password: ``str``

        :param auth: A public key for the machines; see :meth:`create_node`.
        :type auth: :class:`~libcloud.compute.base.NodeAuthSSHKey`

        :param timeout: Seconds until the node runs, and again until it lets each name in.
        :type timeout: ``float``

        :param max_tries: How often to try each step that fails.
        :type max_tries: ``int``

        :param ssh_interface: Which address to use, ``public_ips`` or ``private_ips``.
        :type ssh_interface: ``str``

        :param at_exit_func: Called as the process ends, with ``driver`` and ``node``, when it
            was interrupted while there is a node that is not set up.
        :type at_exit_func: ``callable``

        :param wait_period: The longest pause between two questions for the node, in seconds.
        :type wait_period: ``float``

        :param create_node_kwargs: The arguments of :meth:`create_node`.

        :requests: those of :meth:`create_node` (SlipStream 3, Nuvla 3), then those of
            :meth:`wait_until_running`.
        :returns: The node as it runs.
        :rtype: :class:`~libcloud.compute.base.Node`
        :raises DeployFailed: If it was made, and did not run, let nobody in, or a step failed;
            it is ``node`` of the exception, and still there.
        :raises BadInput: If an argument cannot be right; nothing was made then.
        :raises NotSupported: If paramiko, or a key, is missing; nothing was made then.
        """
        known = [*keywords_of(type(self).deploy_node), *keywords_of(type(self).create_node)]
        check_keywords("deploy_node", create_node_kwargs, known)
        check_client()
        _check_steps(deploy, at_exit_func)
        if auth is None and not ssh_key:
            raise NotSupported(
                "deploy_node needs a key to log in with: no machine here has a password.",
                hint="Give ssh_key, the file of a private key, or auth=NodeAuthSSHKey(pubkey).",
            )
        access = Access.check(
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
        period = seconds("wait_period", wait_period)
        if auth is not None:
            create_node_kwargs["auth"] = auth
        node = self.create_node(**create_node_kwargs)
        with _answering_for(node, self, at_exit_func):
            [(node, addresses)] = self.wait_until_running(
                [node],
                wait_period=period,
                timeout=cast(int, access.timeout or NODE_ONLINE_WAIT_TIMEOUT),
                ssh_interface=access.interface,
                force_ipv4=False,
            )
            # The first one, but an IPv6 address only where there is nothing else.
            address = min(addresses, key=lambda one: ":" in one)
            self._set_up(node, address, deploy, access)
        return node

    def _set_up(self, node: Node, address: str, deploy: Deployment, access: Access) -> None:
        """Run the steps under the first name under which they succeed."""
        failure = None
        for user in access.users:
            try:
                self._connect_and_run_deployment_script(
                    task=deploy,
                    node=node,
                    ssh_hostname=address,
                    ssh_port=access.port,
                    ssh_username=user,
                    ssh_password=None,
                    ssh_key_file=access.key_files,
                    ssh_key_password=access.passphrase,
                    ssh_timeout=cast(int, access.attempt),
                    timeout=cast(int, access.timeout or SSH_CONNECT_TIMEOUT),
                    max_tries=access.tries,
                )
            except Exception as error:  # noqa: BLE001 - steps are anybody's code
                failure = error
            else:
                return
        if failure is not None:
            raise failure

    def _run_deployment_script(
        self, task: Deployment, node: Node, ssh_client: BaseSSHClient, max_tries: int = 3
    ) -> Node:
        """Run the steps; libcloud's own leaves the connection open when they fail."""
        try:
            return super()._run_deployment_script(task, node, ssh_client, max_tries)
        finally:
            ssh_client.close()

    def _ssh_client_connect(
        self, ssh_client: BaseSSHClient, wait_period: float = 1.5, timeout: float = 300
    ) -> BaseSSHClient:
        """
        Connect, trying again while the machine lets nobody in.

        libcloud's own takes what paramiko says of a key that was refused for a broken key, and
        does not tell why it gave up.
        """
        deadline = clock.monotonic() + timeout
        pauses = Backoff(start=wait_period, ceiling=wait_period).pauses()
        while True:
            try:
                ssh_client.connect()
            except _PASSING as error:
                reason = _refusal(ssh_client, error)
                ssh_client.close()
            else:
                return ssh_client
            pause = next(pauses)
            if clock.monotonic() + pause > deadline:
                raise LibcloudError(
                    f"{ssh_client.username}@{ssh_client.hostname}, port {ssh_client.port}, cannot"
                    f" be reached by SSH within {timeout:g} seconds: {reason}",
                    driver=self,
                )
            clock.sleep(pause)


def _check_steps(deploy: Any, at_exit_func: Any) -> None:
    if not isinstance(deploy, Deployment):
        raise TypeError(f"deploy is a Deployment of libcloud, not {type(deploy).__name__}.")
    if at_exit_func is not None and not callable(at_exit_func):
        raise TypeError(f"at_exit_func is a function, not {type(at_exit_func).__name__}.")


@contextmanager
def _answering_for(
    node: Node, driver: DriverBase, at_exit_func: Callable[..., object] | None
) -> Iterator[None]:
    """Let nobody who is told of a failure, or interrupts the call, miss that there is a node."""
    at_exit = None
    if at_exit_func is not None:
        at_exit = atexit.register(partial(at_exit_func, driver=driver, node=node))
    try:
        yield
    except Exception as error:
        _forget(at_exit)
        raise _failed(node, driver, error) from error
    except BaseException as interruption:
        if at_exit is None:
            interruption.add_note(f"Node {node.name} ({node.id}) was made, and is still there.")
        raise
    _forget(at_exit)


def _forget(at_exit: Callable[..., object] | None) -> None:
    if at_exit is not None:
        atexit.unregister(at_exit)


def _failed(node: Node, driver: DriverBase, error: Exception) -> DeployFailed:
    return DeployFailed(
        f"Node {node.name} ({node.id}) was made on {driver.ex_endpoint}, and cannot be set up:"
        f" {_sentence(error)} It is still there: destroy it with destroy_node(error.node), or go"
        " on by hand.",
        node=node,
        original_error=error,
        endpoint=driver.ex_endpoint,
    )


def _sentence(error: Exception) -> str:
    """What an exception says, without the tracebacks that libcloud writes into some."""
    if isinstance(error, DriverError):
        text = str(error)
    else:
        said = getattr(error, "value", None) or getattr(error, "message", None) or error
        text = (str(said).strip() or type(error).__name__).splitlines()[0]
    return f"{text.rstrip('.')}."


def _refusal(ssh_client: BaseSSHClient, error: BaseException) -> str:
    """Why a connection failed; paramiko complains of a key's format when a key is refused."""
    client: Any = getattr(ssh_client, "client", None)
    transport = client.get_transport() if client is not None else None
    if getattr(transport, "initial_kex_done", False) is True:
        return "the machine lets nobody in with that name and key."
    return f"{error or type(error).__name__}."
