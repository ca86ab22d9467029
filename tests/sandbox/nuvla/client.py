from __future__ import annotations

from typing import Any

import requests

from slipstream.sandbox import Login, Sandbox

COOKIE = "com.com.sixsq.nuvla.cookie"
WORDPRESS = "apps/WordPress/wordpress"


class Client:
    """A plain HTTP client that keeps its cookie."""

    def __init__(self, sandbox: Sandbox, login: Login | None = None) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.http = requests.Session()
        self.http.trust_env = False
        if login is not None:
            answer = self.log_in(username=login.username, password=login.password)
            assert answer.status_code == 201, answer.text

    def log_in(self, method: str = "password", **fields: str) -> requests.Response:
        template = {"href": f"session-template/{method}", **fields}
        return self.post("session", json={"template": template})

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("allow_redirects", False)
        return self.http.request(method, f"{self.sandbox.url}/api/{path}", timeout=10, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self.request("PUT", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def patch(self, path: str, **options: Any) -> requests.Response:
        return self.request("PATCH", path, **options)

    def read(self, path: str, **params: str) -> Any:
        answer = self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, kind: str, **fields: Any) -> Any:
        answer = self.put(kind, data=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def found(self, kind: str, text: str, **fields: Any) -> list[Any]:
        return list(self.search(kind, filter=text, **fields)["resources"])

    def edit(self, path: str, document: Any, **params: str) -> Any:
        answer = self.put(path, json=document, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def added(self, kind: str, document: Any) -> str:
        answer = self.post(kind, json=document)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == answer.json()["resource-id"]
        return str(answer.json()["resource-id"])

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        answer = self.request(method, path, **options)
        assert answer.json()["status"] == answer.status_code
        return answer.status_code, answer.json()["message"]

    def module(self, path: str = WORDPRESS) -> str:
        return str(self.found("module", f"path='{path}'")[0]["id"])

    def credential(self, name: str = "swarm-lausanne admin") -> str:
        return str(self.found("credential", f"name='{name}'")[0]["id"])

    def deployment(self, path: str = WORDPRESS, credential: str = "swarm-lausanne admin") -> str:
        body = {"module": {"href": self.module(path)}, "parent": self.credential(credential)}
        return self.added("deployment", body)

    def act(self, path: str, **body: Any) -> str:
        answer = self.post(path, json=body or None)
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == answer.json()["location"]
        return str(answer.json()["location"])

    def started(self, path: str = WORDPRESS, credential: str = "swarm-lausanne admin") -> str:
        deployment = self.deployment(path, credential)
        self.act(f"{deployment}/start")
        self.sandbox.clock.advance(60)
        return deployment

    def state(self, identifier: str) -> str:
        return str(self.read(identifier, select="state")["state"])

    def parameters(self, deployment: str) -> dict[str, Any]:
        found = self.found("deployment-parameter", f"parent='{deployment}'")
        return {one["name"]: one.get("value") for one in found}
