"""What logging in to machines needs, checked before there are any."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from libcloud.compute import ssh

from slipstream.errors import BadInput, NotSupported
from slipstream.libcloud.base import seconds
from slipstream.libcloud.readiness import Reach
from slipstream.version import install_hint


def check_client() -> None:
    """
    Make sure that there is an SSH client.

    :raises NotSupported: If there is none.
    """
    if not ssh.have_paramiko:
        raise NotSupported(
            "deploy_node logs in by SSH, and paramiko is not installed.",
            hint=install_hint("ssh"),
        )


@attrs.frozen(kw_only=True)
class Access:
    """
    How to log in to a machine, and with how much patience.

    :param users: Names to log in under, one after the other.
    :param port: The port of the SSH server.
    :param interface: ``public_ips`` or ``private_ips``.
    :param keys: Files with private keys.
    :param passphrase: What opens them, where they are encrypted.
    :param attempt: Seconds for one attempt to connect, ``None`` for no limit.
    :param timeout: Seconds for all of them.
    :param tries: How often to try each step that fails.
    """

    users: tuple[str, ...]
    port: int
    interface: str
    keys: tuple[str, ...]
    passphrase: str | None = attrs.field(repr=False)
    attempt: float | None
    timeout: float
    tries: int

    @classmethod
    def check(cls, **given: Any) -> Access:
        """
        Take the arguments of ``deploy_node``, unless they cannot be right.

        :param given: Those arguments of it that are about SSH.
        :raises BadInput: If one cannot be right.
        :raises TypeError: If one is of a wrong type.
        """
        interface, passphrase = given["ssh_interface"], given["ssh_key_password"]
        attempt = given["ssh_timeout"]
        Reach(interface=interface, only_ipv4=True)
        if passphrase is not None and not isinstance(passphrase, str):
            raise TypeError(f"ssh_key_password is a text, not {type(passphrase).__name__}.")
        others = _several(given["ssh_alternate_usernames"], "ssh_alternate_usernames")
        return cls(
            users=tuple(_user(name) for name in (given["ssh_username"], *others)),
            port=_whole("ssh_port", given["ssh_port"], most=65535),
            interface=interface,
            keys=tuple(_private_key(file, passphrase) for file in _files(given["ssh_key"])),
            passphrase=passphrase,
            attempt=None if attempt is None else seconds("ssh_timeout", attempt),
            timeout=seconds("timeout", given["timeout"]),
            tries=_whole("max_tries", given["max_tries"]),
        )

    @property
    def key_files(self) -> list[str] | str | None:
        """The files as libcloud takes them."""
        return self.keys[0] if len(self.keys) == 1 else list(self.keys) or None


def _whole(name: str, value: Any, *, most: int | None = None) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < 1 or (most is not None and value > most):
        limits = "of at least 1" if most is None else f"from 1 to {most}"
        raise BadInput(f"{name} is {value!r}: a whole number {limits} is needed.")
    return int(value)


def _user(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A name to log in under is a text, not {type(name).__name__}.")
    if not name:
        raise BadInput("The name to log in under is empty.")
    return name


def _several(names: Any, argument: str) -> Iterable[Any]:
    if names is not None and (isinstance(names, str) or not isinstance(names, Iterable)):
        raise TypeError(f"{argument} is a list of texts, not {type(names).__name__}.")
    return names or ()


def _files(keys: Any) -> Iterable[Any]:
    return (keys,) if isinstance(keys, str | os.PathLike) else _several(keys, "ssh_key")


def _private_key(file: Any, passphrase: str | None) -> str:
    """The path of a file, once its key has been opened as the SSH client will open it."""
    if not isinstance(file, str | os.PathLike):
        raise TypeError(f"ssh_key is the path of a file, not {type(file).__name__}.")
    path = Path(file).expanduser()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadInput(f"Cannot read the key file {path}: {error.strerror}.") from None
    if b"PRIVATE KEY" not in text:
        raise BadInput(
            f"{path} holds no private key.", hint="Give the file beside *.pub as ssh_key."
        )
    _open(path, passphrase)
    return str(path)


def _open(path: Path, passphrase: str | None) -> None:
    paramiko: Any = vars(ssh)["paramiko"]
    reasons = []
    for kind in (paramiko.RSAKey, paramiko.ECDSAKey, paramiko.Ed25519Key):
        try:
            kind.from_private_key_file(str(path), passphrase)
        except (paramiko.SSHException, ValueError) as error:
            reasons.append(error)
        else:
            return
    if any(isinstance(reason, paramiko.PasswordRequiredException) for reason in reasons):
        raise BadInput(
            f"The private key {path} is encrypted.", hint="Give ssh_key_password as well."
        )
    if any(word in str(reason) for reason in reasons for word in ("checkints", "password")):
        raise BadInput(f"ssh_key_password does not open the private key {path}.")
    raise BadInput(
        f"The private key {path} is of a kind or in a format that paramiko cannot read.",
        hint="Give an RSA, ECDSA or Ed25519 key; 'ssh-keygen -p' writes it in OpenSSH's format.",
    )
