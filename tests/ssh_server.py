"""A machine that can be logged in to by SSH, on the loopback interface."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK

from slipstream.errors import BadInput
from slipstream.values.ssh_key import SSHKey

Authorized = Callable[[], str]
HOST_KEY = paramiko.ECDSAKey.generate()


class Machine(paramiko.ServerInterface):
    """
    An SSH server with a home directory, for commands and for files.

    :param home: The directory.
    :param authorized: Gives the text of its ``authorized_keys``, read at each login.
    :param users: Who can log in.
    """

    def __init__(self, home: Path, authorized: Authorized, users: tuple[str, ...] = ("root",)):
        self.home = home
        self.authorized = authorized
        self.users = users
        self.logins: list[str] = []
        self.refused: list[str] = []
        self.commands: list[str] = []
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    @property
    def connections(self) -> int:
        """How many are open."""
        return sum(transport.is_active() for transport in self._transports)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        for line in self.authorized().splitlines():
            try:
                authorized = SSHKey.parse(line)
            except BadInput:
                continue
            if authorized.blob == key.get_base64() and username in self.users:
                self.logins.append(username)
                return AUTH_SUCCESSFUL
        self.refused.append(username)
        return AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        threading.Thread(target=self._run, args=(channel, command)).start()
        return True

    def _run(self, channel: paramiko.Channel, command: bytes) -> None:
        environ = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        shell: list[str | bytes] = ["/bin/sh", "-c", command]
        done = subprocess.run(shell, cwd=self.home, env=environ, capture_output=True, check=False)
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        # The reply to the request may be sent only now, and a client whose channel is closed
        # before it has that fails: the client closes.
        channel.recv(1)
        channel.close()

    def __enter__(self) -> Machine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer no more."""
        if not self._thread.is_alive():
            return
        # Closing alone does not wake who waits for a connection.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for transport in self._transports:
            transport.close()
            transport.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(HOST_KEY)
            transport.set_subsystem_handler("sftp", SFTPServer, _Files)
            self._transports.append(transport)
            # Given an event it does not wait for a client that may hang up at once.
            transport.start_server(threading.Event(), self)


class _Files(SFTPServerInterface):
    """The files of the home directory; there are no others."""

    def __init__(self, server: Machine, *args: Any, **kwargs: Any) -> None:
        super().__init__(server, *args, **kwargs)
        self._home = server.home

    def canonicalize(self, path: str) -> str:
        return os.path.normpath(self._home / path)

    def _inside(self, path: str) -> Path:
        inside = Path(self.canonicalize(path))
        assert inside.is_relative_to(self._home)
        return inside

    def list_folder(self, path: str) -> list[SFTPAttributes]:
        entries = self._inside(path).iterdir()
        return [SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in entries]

    def stat(self, path: str) -> SFTPAttributes | int:
        try:
            return SFTPAttributes.from_stat(self._inside(path).stat())
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        try:
            self._inside(path).mkdir()
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)
        return SFTP_OK

    def remove(self, path: str) -> int:
        self._inside(path).unlink()
        return SFTP_OK

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle:
        inside = self._inside(path)
        number = os.open(inside, flags, 0o600)
        file = os.fdopen(number, "ab" if flags & os.O_APPEND else "wb")
        handle = _OpenFile(flags)
        handle.filename, handle.writefile = inside, file
        return handle


class _OpenFile(SFTPHandle):
    filename: Path
    writefile: IO[bytes]

    def chattr(self, attr: SFTPAttributes) -> int:
        if attr.st_mode is not None:
            self.filename.chmod(attr.st_mode)
        return SFTP_OK
