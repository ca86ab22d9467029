"""
A server for measurements: ``python -m benchmarks.server``.

Runs and their machines are made from templates, so that thousands cost the server next to
nothing; everything else is what the sandbox answers, and reads of it are answered from memory the
second time. It runs in a process of its own, so that its time is not the client's.

It writes its address, the user's name and the password on one line. Each line that it then reads
is a command: ``runs N``, ``projects N``, ``delay SECONDS`` and ``count``, which writes how many
requests there were since the last ``count``.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import requests

from slipstream.sandbox import Sandbox
from slipstream.transport.settings import MAX_BYTES

RUN = (
    '<item resourceUri="run/{id}" uuid="{id}" '
    'moduleResourceUri="module/apps/WordPress/wordpress/478" status="Ready" abort="" '
    'startTime="{started} UTC" cloudServiceNames="exoscale-ch-gva" username="alice" type="Run" '
    'tags="blog" serviceUrl="http://198.51.100.1" activeVm="1"/>'
)
HOP_BY_HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}
MACHINES = "/api/virtual-machine"
HUGE = "/bench/huge"


@functools.cache
def huge_body() -> bytes:
    """A compressed body of the largest size."""
    return gzip.compress(bytes(MAX_BYTES), 1)


@attrs.define
class State:
    """
    The state of the server.

    :param sandbox: What answers all but the lists of runs and machines.
    """

    sandbox: Sandbox
    delay: float = 0.0
    requests: int = 0
    runs: list[bytes] = attrs.field(factory=list)
    machines: list[dict[str, Any]] = attrs.field(factory=list)
    cache: dict[str, tuple[int, list[tuple[str, str]], bytes]] = attrs.field(factory=dict)

    def set_runs(self, count: int) -> None:
        """Set the number of runs, newest first, with a machine each."""
        newest = datetime(2026, 1, 1, tzinfo=UTC)
        ids = [f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(count)]
        self.runs = [
            RUN.format(id=run, started=f"{newest - timedelta(seconds=age):%F %T.000}").encode()
            for age, run in enumerate(ids)
        ]
        self.machines = [
            {
                "id": f"virtual-machine/{run}",
                "deployment": {"href": f"run/{run}"},
                "ip": f"198.51.{100 + number % 100}.{number % 250 + 1}",
                "created": "2026-01-01T00:00:00.000Z",
                "state": "Running",
                "connector": {"href": "connector/exoscale-ch-gva"},
            }
            for number, run in enumerate(ids)
        ]

    def set_projects(self, count: int) -> None:
        """Set the number of projects in a tree, with a component in each."""
        library = self.sandbox.world.library
        project = library.find("apps")
        component = library.find("apps/WordPress/wordpress")
        for number in range(count):
            path = "tree" if number == 0 else f"tree/p{(number - 1) % 10}"
            if number > 10:
                path += f"/q{number}"
            library.add(attrs.evolve(project, path=path, version=0))
            library.add(attrs.evolve(component, path=f"{path}/component", version=0))

    def run_page(self, query: dict[str, str]) -> bytes:
        """A page of ``GET /run``."""
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 20))
        page = self.runs[offset : offset + limit]
        head = f'<runs offset="{offset}" limit="{limit}" count="{len(page)}"'
        return f'{head} totalCount="{len(self.runs)}">'.encode() + b"".join(page) + b"</runs>"

    def search(self, form: dict[str, str]) -> bytes:
        """A page of a search of machines: by ids of runs, behind an id, or of all."""
        where = form.get("$filter", "")
        after = re.search(r"\bid>['\"]([^'\"]+)", where)
        runs = set(re.findall(r"run/[0-9a-f-]{36}", where))
        begin = 0
        if after is not None:
            begin = bisect_right(self.machines, after[1], key=lambda machine: machine["id"])
        matches = self.machines[begin:]
        if runs:
            matches = [machine for machine in matches if machine["deployment"]["href"] in runs]
        first, last = int(form.get("$first", 1)), int(form.get("$last", 20))
        page = matches[first - 1 : last]
        if "$select" in form:
            names = form["$select"].split(",")
            page = [{name: machine[name] for name in names} for machine in page]
        return json.dumps({"count": len(matches), "virtualMachines": page}).encode()


class Handler(BaseHTTPRequestHandler):
    """Responds from the state of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    state: State

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.state.requests += 1
        time.sleep(self.state.delay)
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == HUGE:
            self._send(200, [("Content-Encoding", "gzip")], huge_body())
        elif url.path == "/run" and self.command == "GET" and self.state.runs:
            self._send(200, [("Content-Type", "application/xml")], self.state.run_page(query))
        elif url.path == MACHINES and self.state.runs:
            form = query | dict(parse_qsl(body.decode()))
            self._send(200, [("Content-Type", "application/json")], self.state.search(form))
        elif self.command == "GET" and url.path.startswith("/module"):
            if self.path not in self.state.cache:
                self.state.cache[self.path] = self._forward(body)
            self._send(*self.state.cache[self.path])
        else:
            self._send(*self._forward(body))

    do_PUT = do_POST = do_DELETE = do_GET

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {name: text for name, text in self.headers.items() if name != "Host"}
        response = requests.request(
            self.command,
            self.state.sandbox.url + self.path,
            data=body,
            headers={**headers, "Accept-Encoding": "identity"},
            allow_redirects=False,
            timeout=60,
        )
        kept = [(n, t) for n, t in response.headers.items() if n.lower() not in HOP_BY_HOP]
        return response.status_code, kept, response.content

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def carry_out(state: State, commands: Iterator[str]) -> None:
    for line in commands:
        command, *arguments = line.split()
        if command == "runs":
            state.set_runs(int(arguments[0]))
        elif command == "projects":
            state.set_projects(int(arguments[0]))
        elif command == "delay":
            state.delay = float(arguments[0])
        count, state.requests = state.requests, 0
        print(count, flush=True)


def main() -> None:
    with Sandbox(speed=0) as sandbox:
        Handler.state = State(sandbox)
        server = Server(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        print(
            f"http://127.0.0.1:{server.server_port}",
            sandbox.username,
            sandbox.password,
            flush=True,
        )
        carry_out(Handler.state, iter(sys.stdin))


if __name__ == "__main__":
    main()
