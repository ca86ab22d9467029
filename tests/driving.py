"""A server's own client, run by the interpreter of another environment."""

from __future__ import annotations

import importlib
import itertools
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID

import attrs
import pytest

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
    :param drive: The script that reads commands and carries them out.
    :param home: An empty folder to run in.
    """

    def __init__(self, python: Path, drive: Path, home: Path) -> None:
        self.called: set[str] = set()
        self._names = itertools.count()
        self._noise = home / "stderr.txt"
        with self._noise.open("w") as noise:
            self._process = subprocess.Popen(
                [python, "-I", drive],
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

    def make(self, kind: str, *args: Any, **kwargs: Any) -> Client:
        """
        Make an object of another class of the client.

        :param kind: The name of the class.
        :param args: The arguments of its constructor; so are ``kwargs``.
        :returns: The object, held as a client is.
        """
        name = str(next(self._names))
        self._ask(do="make", api=name, kind=kind, args=args, kwargs=kwargs)
        return Client(self, name)

    def call(self, api: str, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """
        Call a method, or read a property.

        :param api: The client's name.
        :param name: The method's name.
        :returns: Its result.
        :raises ClientFailure: If the client raised.
        """
        answer = self._answer(do="call", api=api, name=name, args=args, kwargs=kwargs)
        self.called.add(answer.get("called", name))
        return answer["result"]

    def _ask(self, **command: Any) -> Any:
        return self._answer(**command)["result"]

    def _answer(self, **command: Any) -> dict[str, Any]:
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
        answer: dict[str, Any] = json.loads(line, object_hook=self._restored)
        if "error" in answer:
            raise ClientFailure(answer["error"], answer["message"], answer["status"])
        return answer

    def _restored(self, value: dict[str, Any]) -> Any:
        for tag, restore in _RESTORED.items():
            if tag in value:
                return restore(value[tag])
        return Client(self, value["$api"]) if "$api" in value else value


class Client:
    """
    One client, whose attributes are the real one's methods.

    :param official: The process it lives in.
    :param name: Its name there.
    """

    def __init__(self, official: Official, name: str) -> None:
        self._official, self._name = official, name

    def of(self, kind: str, **made: Any) -> Client:
        """
        Take the client's view on one type of resource.

        :param kind: The name of its class.
        :param made: What its constructor wants beside the client.
        :returns: The view.
        """
        return self._official.make(kind, self, **made)

    def written(self) -> dict[str, str]:
        """
        Refer to it in a command.

        :returns: The reference.
        """
        return {"$api": self._name}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._official.call(self._name, method, *args, **kwargs)

        return call


@attrs.frozen
class Resource:
    """
    A document as the client holds it.

    :param data: The document.
    """

    data: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.data["id"])


def _written(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Resource):
        return {"$resource": value.data}
    if isinstance(value, Client):
        return value.written()
    raise TypeError(f"{type(value)} cannot be sent")


_RESTORED: Mapping[str, Callable[[Any], Any]] = {
    "$bytes": str.encode,
    "$uuid": UUID,
    "$set": set,
    "$resource": Resource,
}


def proven(folder: Path) -> set[str]:
    """
    Collect the calls that tests claim to prove.

    :param folder: Where the tests are.
    :returns: The calls' names.
    """
    modules = [importlib.import_module(path.stem) for path in folder.glob("test_*.py")]
    tests = [test for module in modules for test in vars(module).values()]
    marks = [mark for test in tests for mark in getattr(test, "pytestmark", [])]
    return {name for mark in marks if mark.name == "proves" for name in mark.args}


@contextmanager
def held_to_marks(request: pytest.FixtureRequest, process: str) -> Iterator[None]:
    """
    Hold a test to its mark: what it claims to prove was called, and returned.

    :param request: The test's request.
    :param process: The name of the fixture that is the client's process.
    """
    claimed = {name for mark in request.node.iter_markers("proves") for name in mark.args}
    if not claimed:
        yield
        return
    official: Official = request.getfixturevalue(process)
    official.called.clear()
    yield
    assert claimed <= official.called, f"never called: {sorted(claimed - official.called)}"


Connect = Callable[..., Client]
"""Makes clients of a sandbox."""
