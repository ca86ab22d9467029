"""``slipstream sandbox``."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import Result

from slipstream.cli.sandbox import _announce, _start_on_usual_port
from slipstream.sandbox import Sandbox

COMMAND = [sys.executable, "-m", "slipstream", "sandbox"]
NUVLA = ["--json", "--family", "nuvla", "--port", "0"]


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *options], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_although_clients_hold_on(number: int) -> None:
    options = ("--json", "--speed", "60", "--password", "open-sesame")
    with running(*options) as process, requests.Session() as session:
        facts = json.loads(first_line(process))
        assert set(facts) == {"url", "username", "password", "key", "secret"}
        assert facts["password"] == "open-sesame"
        url, address = facts["url"], urlsplit(facts["url"])
        template = {name: facts[name] for name in ("key", "secret")}
        login = {"sessionTemplate": {**template, "href": "session-template/api-key"}}
        assert session.post(f"{url}/api/session", json=login, timeout=10).status_code == 201
        with socket.create_connection((address.hostname, address.port)) as half:
            half.sendall(b"POST /run HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
            process.send_signal(number)
            rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_each_start_has_secrets_of_its_own_and_one_for_other_machines_warns() -> None:
    with running(*NUVLA) as first, running(*NUVLA, "--host", "0.0.0.0") as second:
        facts, others = (json.loads(first_line(process)) for process in (first, second))
        second.terminate()
        _, errors = second.communicate(timeout=10)
    for name in ("password", "key", "secret"):
        assert facts[name] != others[name]
    assert "in-the-sandbox" not in facts["password"]
    warning = f"other machines can reach this server at {others['url']}"
    assert errors == f"slipstream sandbox: {warning}\n"


def test_signal_ends_it_while_requests_begin() -> None:
    with running("--json", "--port", "0") as process, ThreadPoolExecutor(4) as pool:
        url = json.loads(first_line(process))["url"]

        def send_requests() -> None:
            with contextlib.suppress(requests.RequestException):
                while process.poll() is None:
                    requests.get(f"{url}/api/cloud-entry-point", timeout=5)

        for _ in range(4):
            pool.submit(send_requests)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_banner_lines_can_be_pasted(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(family=family, speed=0, password="it's one") as sandbox:
        _announce(sandbox, as_json=False, prog="slipstream sandbox")
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        pasted = [line.strip() for line in lines if line.startswith("    ")]
        exports = pasted[: pasted.index(next(line for line in pasted if "import" in line))]
        program = [line for line in pasted if line.startswith(("from ", "ss = "))]
        assert [line.split("=")[0] for line in exports[-3:]] == [
            *("export SLIPSTREAM_ENDPOINT", "export SLIPSTREAM_USERNAME"),
            "export SLIPSTREAM_PASSWORD",
        ]
        assert len(program) == 2
        assert pasted[-1].startswith("slipstream deploy ")
        command = pasted[-1].replace("slipstream", f"{sys.executable} -m slipstream", 1)
        program.append("print(type(ss).__name__, ss.get_image('apps/WordPress/wordpress').name)")
        command = command.removesuffix(" --wait")
        shell = "\n".join([*exports, f"{sys.executable} - <<END", *program, "END", command])
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    driver = {"slipstream": "SlipStreamNodeDriver", "nuvla": "NuvlaNodeDriver"}[family]
    assert done.stdout.lower().startswith(f"{driver} wordpress\n".lower())
    assert "apps/WordPress" in done.stdout or "module/" in done.stdout


def test_usual_port_is_used_if_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        free = busy.getsockname()[1]
    monkeypatch.setattr("slipstream.cli.sandbox.PORT", free)
    with _start_on_usual_port(started) as first, _start_on_usual_port(started) as second:
        assert first.url.endswith(f":{free}")
        assert first.url != second.url


def started(port: int) -> Sandbox:
    server = Sandbox(port=port, speed=0)
    server.start()
    return server


@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
@pytest.mark.parametrize("host", ["127.0.0.1", "203.0.113.9"], ids=["busy", "elsewhere"])
def test_address_in_use(run: Callable[..., Result], sandbox: Sandbox, host: str) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    result = run("sandbox", "--host", host, "--port", sandbox.url.rpartition(":")[2])
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"slipstream sandbox: cannot listen on {host}:")
    assert result.stderr.count("\n") == 1
    assert "while" not in result.stderr
