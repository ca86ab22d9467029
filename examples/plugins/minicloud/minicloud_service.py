"""MiniCloud: a JSON service in one module, to show how a backend is written for one."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, abort
from werkzeug.serving import make_server

ZONES = [{"name": "north"}, {"name": "south"}]
FLAVOURS = [
    {"id": "small", "zone": "north", "cpus": 1, "ram_mib": 1024},
    {"id": "large", "zone": "south", "cpus": 8, "ram_mib": 16384},
]
TEMPLATES = [{"id": "debian-12"}, {"id": "wordpress"}]
LIFETIME = 3600
Document = dict[str, Any]


class Service:
    """
    One service with its users, tickets and servers.

    :param users: The password of each user.
    """

    def __init__(self, users: dict[str, str]) -> None:
        self.users = users
        self.tickets: dict[str, str] = {}
        self.servers: dict[str, Document] = {}
        self.app = Flask(__name__)
        self.app.before_request(self.check_ticket)
        self.app.register_error_handler(HTTPException, self.refuse)
        route = self.app.add_url_rule
        route("/v1", view_func=lambda: {"service": "minicloud", "version": 1}, endpoint="about")
        route("/v1/login", view_func=self.log_in, methods=["POST"])
        route("/v1/zones", view_func=lambda: jsonify(ZONES), endpoint="zones")
        route("/v1/flavours", view_func=lambda: jsonify(FLAVOURS), endpoint="flavours")
        route("/v1/templates", view_func=lambda: jsonify(TEMPLATES), endpoint="templates")
        route("/v1/templates/<name>", view_func=self.get_template)
        route("/v1/servers", view_func=self.list_servers)
        route("/v1/servers", view_func=self.make_server, methods=["POST"])
        route("/v1/servers/<name>", view_func=self.get_server)
        route("/v1/servers/<name>", view_func=self.delete_server, methods=["DELETE"])
        route("/v1/servers/<name>/<verb>", view_func=self.change_server, methods=["POST"])

    def expire_tickets(self) -> None:
        """Let every ticket expire."""
        self.tickets.clear()

    # Before and after each request.

    def check_ticket(self) -> None:
        public = request.path in {"/v1", "/v1/login"}
        if not public and request.headers.get("X-MiniCloud-Ticket") not in self.tickets:
            abort(401, "The ticket is missing or has expired.")

    def refuse(self, error: HTTPException) -> tuple[Response, int]:
        return jsonify({"message": error.description}), error.code or 500

    # Resources.

    def log_in(self) -> Document:
        document = self.document()
        user = str(document.get("user"))
        if user not in self.users or self.users[user] != document.get("password"):
            abort(401, "Unknown user or wrong password.")
        ticket = secrets.token_urlsafe(24)
        self.tickets[ticket] = user
        return {"ticket": ticket, "expires_in": LIFETIME}

    def get_template(self, name: str) -> Document:
        return next((t for t in TEMPLATES if t["id"] == name), None) or abort(
            404, f"There is no template {name}."
        )

    def list_servers(self) -> Response:
        return jsonify(list(reversed(self.servers.values())))

    def make_server(self) -> tuple[Document, int]:
        document = self.document()
        template = self.get_template(str(document.get("template")))
        zone = document.get("zone") or "north"
        if zone not in [known["name"] for known in ZONES]:
            abort(422, f"There is no zone {zone}.")
        name = secrets.token_hex(8)
        self.servers[name] = {
            "id": name,
            "name": document.get("name"),
            "template": template["id"],
            "zone": zone,
            "state": "booting",
            "created": datetime.now(UTC).isoformat(),
        }
        return self.servers[name], 201

    def get_server(self, name: str) -> Document:
        server = self.servers.get(name) or abort(404, f"There is no server {name}.")
        before = dict(server)
        if server["state"] == "booting":  # the next reader finds it up
            server.update(state="up", address="203.0.113.7")
        return before

    def delete_server(self, name: str) -> tuple[str, int]:
        if self.servers.pop(name, None) is None:
            abort(404, f"There is no server {name}.")
        return "", 204

    def change_server(self, name: str, verb: str) -> Document:
        server = self.servers.get(name) or abort(404, f"There is no server {name}.")
        changes = {"start": ("halted", "booting"), "stop": ("up", "halted")}
        if verb not in changes:
            abort(404, f"Servers have no {verb}.")
        before, after = changes[verb]
        if server["state"] != before:
            abort(409, f"The server is {server['state']}, not {before}.")
        server["state"] = after
        return server

    def document(self) -> Document:
        document = request.get_json(force=True, silent=True)
        if not isinstance(document, dict):
            abort(400, "A JSON object is needed.")
        return document


@contextmanager
def running(users: dict[str, str], port: int = 0) -> Iterator[tuple[Service, str]]:
    """
    Serve on a port of this machine.

    :param users: The password of each user.
    :param port: The port; 0 for any that is free.
    """
    service = Service(users)
    server = make_server("127.0.0.1", port, service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service, f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    with running({"ada": "lovelace"}, port=8199) as (_, url):
        print(f"MiniCloud serves on {url}; press Enter to stop.")
        input()
