"""A server's own client, run by the interpreter of another environment."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID

import attrs
import pytest

_ROOT = Path(__file__).parents[1]
_DEADLINE = 60.0


def interpreter(python: Path, environ: Mapping[str, str]) -> Path:
    """The interpreter that has the client; a test without it fails, unless it may be skipped."""
    if python.exists():
        return python
    message = (
        f"There is no {python}. Run 'make official-client' to install it, "
        "or set SLIPSTREAM_SKIP_OFFICIAL_CLIENT=1 to skip its tests."
    )
    if environ.get("SLIPSTREAM_SKIP_OFFICIAL_CLIENT") == "1" and environ.get("CI") != "true":
        pytest.skip(message)
    pytest.fail(message, pytrace=False)


def process_of(environment: str) -> Any:
    """A fixture: the process of a client, run by the interpreter of an environment."""

    @pytest.fixture(scope="session")
    def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Official]:
        python = interpreter(_ROOT / environment / "bin" / "python", os.environ)
        drive = _ROOT / "tests" / "official_client" / "drive.py"
        process = Official(python, drive, tmp_path_factory.mktemp("official-client"))
        yield process
        process.close()

    return official


class ClientFailure(Exception):
    """What the client raised: its exception's name and text, and the HTTP status if it has one."""

    def __init__(self, kind: str, message: str, status: int | None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.status = kind, message, status


class Official:
    """
    A process in which the client runs.

    :param python: The interpreter that has the client.
    :param drive: The script that reads commands and carries them out.
    :param home: An empty folder to run in.
    """

    def __init__(self, python: Path, drive: Path, home: Path) -> None:
        self._names = itertools.count()
        self._stderr = home / "stderr.txt"
        with self._stderr.open("w") as stderr:
            self._process = subprocess.Popen(
                [python, "-I", drive],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=home,
                env={"HOME": str(home), "NO_PROXY": "*"},
            )

    def close(self) -> None:
        """End the process."""
        with self._process:
            self._process.communicate(timeout=_DEADLINE)

    def open(self, **kwargs: Any) -> Client:
        """Make a client from the arguments of its constructor."""
        name = str(next(self._names))
        self.send(do="open", api=name, kwargs=kwargs)
        return Client(self, name)

    def make(self, kind: str, *args: Any, **kwargs: Any) -> Client:
        """Make an object of another class of the client, held as a client is."""
        name = str(next(self._names))
        self.send(do="make", api=name, kind=kind, args=args, kwargs=kwargs)
        return Client(self, name)

    def send(self, **command: Any) -> Any:
        """
        Carry out a command.

        :raises ClientFailure: If the client raised.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        timer = Timer(_DEADLINE, self._process.kill)
        timer.start()
        try:
            print(json.dumps(command, default=_to_json), file=stdin, flush=True)
            line = stdout.readline()
        finally:
            timer.cancel()
        assert line, f"the client's process ended: {self._stderr.read_text()}"
        response: dict[str, Any] = json.loads(line, object_hook=self._from_json)
        if "error" in response:
            raise ClientFailure(response["error"], response["message"], response["status"])
        return response["result"]

    def _from_json(self, value: dict[str, Any]) -> Any:
        for tag, read in _TAGS.items():
            if tag in value:
                return read(value[tag])
        return Client(self, value["$api"]) if "$api" in value else value


class Client:
    """A client by its name in the process; its attributes are the real one's methods."""

    def __init__(self, official: Official, name: str) -> None:
        self.official, self.name = official, name

    def of(self, kind: str, **kwargs: Any) -> Client:
        """Take the client's view on one type of resource."""
        return self.official.make(kind, self, **kwargs)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self.official.send(
                do="call", api=self.name, name=method, args=args, kwargs=kwargs
            )

        return call


@attrs.frozen
class Resource:
    """A document as the client holds it."""

    data: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["id"])


def _to_json(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Resource):
        return {"$resource": value.data}
    if isinstance(value, Client):
        return {"$api": value.name}
    raise TypeError(f"{type(value)} cannot be sent")


_TAGS: Mapping[str, Callable[[Any], Any]] = {
    "$bytes": str.encode,
    "$uuid": UUID,
    "$set": set,
    "$resource": Resource,
}

Connect = Callable[..., Client]
"""Makes clients of a sandbox."""
