"""Plain HTTP clients of both families."""

from __future__ import annotations

from functools import partialmethod
from typing import Any, ClassVar
from xml.etree.ElementTree import Element

import requests
from defusedxml.ElementTree import fromstring

from slipstream.sandbox import Login, Sandbox

COOKIE = "com.sixsq.slipstream.cookie"
NUVLA_COOKIE = "com.com.sixsq.nuvla.cookie"
FORM = "application/x-www-form-urlencoded"
XML = "application/xml"
WORDPRESS = "apps/WordPress/wordpress"
SWARM = "swarm-lausanne admin"


class _Client:
    root: ClassVar[str] = ""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.http = requests.Session()
        self.http.trust_env = False

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("allow_redirects", False)
        url = self.sandbox.url + self.root + path
        return self.http.request(method, url, timeout=10, **options)

    get = partialmethod(request, "GET")
    put = partialmethod(request, "PUT")
    post = partialmethod(request, "POST")
    delete = partialmethod(request, "DELETE")


class Client(_Client):
    """A client of SlipStream that sends the cookie over http, against the rule."""

    def __init__(self, sandbox: Sandbox, login: Login | None = None) -> None:
        super().__init__(sandbox)
        self.http.headers["Accept"] = XML
        if login is not None:
            fields = {"username": login.username, "password": login.password}
            self.log_in(href="session-template/internal", **fields)

    def log_in(self, **template: str) -> requests.Response:
        answer = self.post("/api/session", json={"sessionTemplate": template})
        if "Set-Cookie" in answer.headers:
            self.http.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    def xml(self, path: str, **options: Any) -> Element:
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        root: Element = fromstring(answer.text)
        return root

    def json(self, path: str, **params: Any) -> Any:
        answer = self.get(path, params={f"${name}": value for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def text(self, path: str) -> requests.Response:
        return self.get(path, headers={"Accept": "text/plain"})

    def deploy(self, module: str, **fields: str) -> str:
        answer = self.post("/run", data={"refqname": module, **fields})
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        answer = self.request(method, path, **options)
        root = fromstring(answer.text)
        assert root.get("code") == str(answer.status_code)
        assert (root.text or "").strip() == root.get("detail")
        return answer.status_code, root.get("detail") or ""


class NuvlaClient(_Client):
    """A client of Nuvla that keeps its cookie."""

    root = "/api/"

    def __init__(self, sandbox: Sandbox, login: Login | None = None) -> None:
        super().__init__(sandbox)
        if login is not None:
            answer = self.log_in(username=login.username, password=login.password)
            assert answer.status_code == 201, answer.text

    def log_in(self, method: str = "password", **fields: str) -> requests.Response:
        template = {"href": f"session-template/{method}", **fields}
        return self.post("session", json={"template": template})

    def read(self, path: str, **params: str) -> Any:
        answer = self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, kind: str, **fields: Any) -> Any:
        answer = self.put(kind, data=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def find(self, kind: str, text: str, **fields: Any) -> list[Any]:
        return list(self.search(kind, filter=text, **fields)["resources"])

    def edit(self, path: str, document: Any, **params: str) -> Any:
        answer = self.put(path, json=document, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        answer = self.request(method, path, **options)
        assert answer.json()["status"] == answer.status_code
        return answer.status_code, answer.json()["message"]

    def module(self, path: str = WORDPRESS) -> str:
        return str(self.find("module", f"path='{path}'")[0]["id"])

    def credential(self, name: str = SWARM) -> str:
        return str(self.find("credential", f"name='{name}'")[0]["id"])

    def deployment(self, path: str = WORDPRESS, credential: str = SWARM) -> str:
        body = {"module": {"href": self.module(path)}, "parent": self.credential(credential)}
        return str(self.post("deployment", json=body).json()["resource-id"])

    def act(self, path: str, **body: Any) -> str:
        answer = self.post(path, json=body or None)
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == answer.json()["location"]
        return str(answer.json()["location"])

    def started(self, path: str = WORDPRESS, credential: str = SWARM) -> str:
        deployment = self.deployment(path, credential)
        self.act(f"{deployment}/start")
        self.sandbox.clock.advance(60)
        return deployment

    def state(self, identifier: str) -> str:
        return str(self.read(identifier, select="state")["state"])

    def parameters(self, deployment: str) -> dict[str, Any]:
        parameters = self.find("deployment-parameter", f"parent='{deployment}'")
        return {parameter["name"]: parameter.get("value") for parameter in parameters}


CLIENTS: dict[str, Any] = {"slipstream": Client, "nuvla": NuvlaClient}
