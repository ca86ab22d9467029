"""SlipStream's own client, run by the interpreter of another environment."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID

import pytest

_DRIVE = Path(__file__).with_name("drive.py")
_PATIENCE = 60.0


def interpreter(python: Path, environ: Mapping[str, str]) -> Path:
    """
    Find the interpreter that has the client; a test without it fails, unless it may be skipped.

    :param python: Where it is made.
    :param environ: The environment, which may allow to go without.
    :returns: The interpreter.
    """
    if python.exists():
        return python
    message = (
        f"there is no {python}: make it with 'make official-client', "
        "or set SLIPSTREAM_SKIP_OFFICIAL_CLIENT=1 to go without"
    )
    if environ.get("SLIPSTREAM_SKIP_OFFICIAL_CLIENT") == "1" and environ.get("CI") != "true":
        pytest.skip(message)
    pytest.fail(message, pytrace=False)


class ClientFailure(Exception):
    """
    What the client raised.

    :param kind: The name of its exception.
    :param message: The exception's text.
    :param status: The HTTP status it tells of, if any.
    """

    def __init__(self, kind: str, message: str, status: int | None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.status = kind, message, status


class Official:
    """
    A process in which the client runs.

    :param python: The interpreter that has the client.
    :param home: An empty folder to run in.
    """

    def __init__(self, python: Path, home: Path) -> None:
        self.called: set[str] = set()
        self._names = itertools.count()
        self._noise = home / "stderr.txt"
        with self._noise.open("w") as noise:
            self._process = subprocess.Popen(
                [python, "-I", _DRIVE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=noise,
                text=True,
                cwd=home,
                env={"HOME": str(home), "NO_PROXY": "*"},
            )

    def close(self) -> None:
        """End the process."""
        with self._process:
            self._process.communicate(timeout=_PATIENCE)

    def public(self) -> set[str]:
        """
        Ask for the names the client offers.

        :returns: Its public methods and properties.
        """
        return set(self._ask(do="public"))

    def version(self) -> str:
        """
        Ask which release of the client it is.

        :returns: Its version.
        """
        return str(self._ask(do="version"))

    def open(self, **kwargs: Any) -> Client:
        """
        Make a client.

        :param kwargs: The arguments of its constructor.
        :returns: The client.
        """
        name = str(next(self._names))
        self._ask(do="open", api=name, kwargs=kwargs)
        return Client(self, name)

    def call(self, api: str, name: str, *args: Any, **kwargs: Any) -> Any:
        """
        Call a method, or read a property.

        :param api: The client's name.
        :param name: The method's name.
        :returns: Its result.
        :raises ClientFailure: If the client raised.
        """
        result = self._ask(do="call", api=api, name=name, args=args, kwargs=kwargs)
        self.called.add(name)
        return result

    def _ask(self, **command: Any) -> Any:
        writing, reading = self._process.stdin, self._process.stdout
        assert writing is not None
        assert reading is not None
        timer = Timer(_PATIENCE, self._process.kill)
        timer.start()
        try:
            print(json.dumps(command, default=_written), file=writing, flush=True)
            line = reading.readline()
        finally:
            timer.cancel()
        assert line, f"the client's process ended: {self._noise.read_text()}"
        answer = json.loads(line, object_hook=_restored)
        if "error" in answer:
            raise ClientFailure(answer["error"], answer["message"], answer["status"])
        return answer["result"]


class Client:
    """
    One client, whose attributes are the real one's methods.

    :param official: The process it lives in.
    :param name: Its name there.
    """

    def __init__(self, official: Official, name: str) -> None:
        self._official, self._name = official, name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._official.call(self._name, method, *args, **kwargs)

        return call


def _written(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value)} cannot be sent")


def _restored(value: dict[str, Any]) -> Any:
    if "$bytes" in value:
        return value["$bytes"].encode()
    if "$uuid" in value:
        return UUID(value["$uuid"])
    if "$set" in value:
        return set(value["$set"])
    return value
