"""Log in to a node by SSH and run deployment steps there."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.compute import ssh
from libcloud.compute.base import (
    SSH_CONNECT_TIMEOUT,
    SSH_TIMEOUT_EXCEPTION_CLASSES,
    Node,
)
from libcloud.compute.deployment import Deployment
from libcloud.compute.ssh import BaseSSHClient

from slipstream.errors import BadInput, DeployFailed, NotSupported
from slipstream.libcloud.arguments import checked, items, read_file, text, whole_number
from slipstream.libcloud.waiting import check_interface
from slipstream.transport import calls
from slipstream.transport.calls import Backoff
from slipstream.values.fields import LONGEST_SOCKET_TIMEOUT, check_number
from slipstream.values.plain import safe_text, user_path
from slipstream.version import install_hint

_PASSING = (*SSH_TIMEOUT_EXCEPTION_CLASSES, EOFError)
"""What an SSH server does while its machine is still starting, and after."""

RETRY_PERIOD = 1.5
"""Seconds between two attempts to connect."""


class SSHSetup:
    """
    The steps of ``deploy_node``, and the login to the machine.

    The arguments are those of ``deploy_node``, and are checked.
    """

    def __init__(
        self,
        *,
        deploy: object,
        ssh_username: object,
        ssh_alternate_usernames: object,
        ssh_port: object,
        ssh_timeout: object,
        ssh_key: object,
        ssh_key_password: str | None,
        timeout: object,
        max_tries: object,
        ssh_interface: str,
    ) -> None:
        if not ssh.have_paramiko:
            raise NotSupported(
                "deploy_node logs in by SSH, and paramiko is not installed.",
                hint=install_hint("ssh"),
            )
        check_interface(ssh_interface)
        if ssh_key_password is not None:
            checked("ssh_key_password", ssh_key_password, str, "a string")
        whole_number("max_tries", max_tries)  # for the sake of programs that give it
        users = [ssh_username, *items("ssh_alternate_usernames", ssh_alternate_usernames)]
        files = [ssh_key] if isinstance(ssh_key, str | os.PathLike) else items("ssh_key", ssh_key)
        self._steps = checked("deploy", deploy, Deployment, "a Deployment of libcloud")
        self._users = [text("The name to log in under", user) for user in users]
        self._port = whole_number("ssh_port", ssh_port, most=65535)
        self._passphrase = ssh_key_password
        self._key_files = [_private_key(file, self._passphrase) for file in files]
        self._attempt: float | None = None
        if ssh_timeout is not None:
            self._attempt = check_number("ssh_timeout", ssh_timeout, most=LONGEST_SOCKET_TIMEOUT)
        self._timeout = check_number("timeout", timeout) or SSH_CONNECT_TIMEOUT

    def run(self, node: Node, addresses: list[str]) -> None:
        """Run the steps as the first user who can log in."""
        # The first one, but an IPv6 address only where there is nothing else.
        address = min(addresses, key=lambda address: ":" in address)
        client = self._connected([self._client(user, address) for user in self._users])
        try:
            # Once: a step that has failed may be half done, and those before it are done.
            self._steps.run(node, client)
        finally:
            _close(client)

    def _client(self, user: str, address: str) -> BaseSSHClient:
        files = self._key_files
        return ssh.SSHClient(
            hostname=address,
            port=self._port,
            username=user,
            password=self._passphrase,
            key_files=files[0] if len(files) == 1 else files or None,
            timeout=self._attempt,
        )

    def _connected(self, clients: list[BaseSSHClient]) -> BaseSSHClient:
        """Connect the clients in turn until one is logged in, or the time is over."""
        deadline = calls.monotonic() + self._timeout
        pauses = Backoff(start=RETRY_PERIOD, ceiling=RETRY_PERIOD)
        while True:
            for client in clients:
                left = max(deadline - calls.monotonic(), RETRY_PERIOD)
                client.timeout = min(self._attempt or left, left)
                try:
                    client.connect()
                except _PASSING as error:
                    reason = _refusal(client, error)
                    _close(client)
                else:
                    return client
            pause = next(pauses)
            if calls.monotonic() + pause > deadline:
                names = " or ".join(client.username for client in clients)
                raise LibcloudError(
                    f"{names}@{client.hostname}, port {client.port}, cannot be reached"
                    f" by SSH within {self._timeout:g} seconds: {reason}",
                )
            calls.sleep(pause)


@contextmanager
def reporting(
    node: Node, driver: Any, at_exit_func: Callable[..., object] | None
) -> Iterator[None]:
    """Report the created node when its set-up fails or is interrupted."""
    at_exit: Any = None
    if at_exit_func is not None:
        at_exit = atexit.register(partial(at_exit_func, driver=driver, node=node))
    created = f"Node {node.name} ({node.id}) was created"
    try:
        yield
    except Exception as error:
        atexit.unregister(at_exit)
        raise DeployFailed(
            f"{created} on {driver.ex_endpoint}, and cannot be set up: {_sentence(error)}",
            hint="It still exists: destroy it with destroy_node(error.node), or go on by hand.",
            node=node,
            original_error=error,
        ) from error
    except BaseException as interruption:
        if at_exit is None:
            interruption.add_note(f"{created}, and still exists.")
        raise
    atexit.unregister(at_exit)


def _sentence(error: Exception) -> str:
    """The text of an exception, without the tracebacks that libcloud writes into some."""
    try:
        message = str(getattr(error, "value", None) or getattr(error, "message", None) or error)
    except Exception:  # noqa: BLE001 - a step is the user's, and so are its exceptions
        message = ""
    message = (message.strip() or type(error).__name__).splitlines()[0]
    return f"{safe_text(message).rstrip('.')}."


def _refusal(client: BaseSSHClient, error: BaseException) -> str:
    """Why a connection failed; paramiko complains of a key's format when a key is refused."""
    paramiko: Any = getattr(client, "client", None)
    transport = paramiko.get_transport() if paramiko is not None else None
    if getattr(transport, "initial_kex_done", False) is True:
        return "the machine refuses this user and key."
    return f"{str(error) or type(error).__name__}."


def _close(client: BaseSSHClient) -> None:
    """Close a connection; a failure to do so is ignored."""
    with suppress(Exception):
        client.close()


def _private_key(file: object, passphrase: str | None) -> str:
    """Check that the SSH client can open the private key in a file, and return its path."""
    path = user_path("ssh_key", file)
    content = read_file("key file", path)
    if b"PRIVATE KEY" not in content:
        raise BadInput(
            f"{path} holds no private key.", hint="Pass the file beside *.pub as ssh_key."
        )
    paramiko: Any = vars(ssh)["paramiko"]
    reasons = []
    for kind in (paramiko.RSAKey, paramiko.ECDSAKey, paramiko.Ed25519Key):
        try:
            kind.from_private_key_file(str(path), passphrase)
        except (paramiko.SSHException, ValueError) as error:
            reasons.append(error)
        else:
            return str(path)
    if any(isinstance(reason, paramiko.PasswordRequiredException) for reason in reasons):
        raise BadInput(
            f"The private key {path} is encrypted.", hint="Pass ssh_key_password as well."
        )
    # What a wrong passphrase decrypts in a PEM file may look like a key by chance.
    words = ("checkints", "password")
    if b"4,ENCRYPTED" in content or any(word in str(r) for r in reasons for word in words):
        raise BadInput(f"ssh_key_password does not open the private key {path}.")
    raise BadInput(
        f"The private key {path} is of a kind or in a format that paramiko cannot read.",
        hint="Pass an RSA, ECDSA or Ed25519 key; 'ssh-keygen -p' writes it in OpenSSH's format.",
    )
