from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import requests
from defusedxml.ElementTree import fromstring

from slipstream.sandbox import Login, Sandbox

COOKIE = "com.sixsq.slipstream.cookie"
FORM = "application/x-www-form-urlencoded"
XML = "application/xml"


class Client:
    """A plain HTTP client that sends the cookie over http, against the rule."""

    def __init__(self, sandbox: Sandbox, login: Login | None = None) -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Accept"] = XML
        if login is not None:
            self.log_in(href="session-template/internal", **_password(login))

    def log_in(self, **template: str) -> requests.Response:
        answer = self.post("/api/session", json={"sessionTemplate": template})
        if "Set-Cookie" in answer.headers:
            self.http.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("allow_redirects", False)
        return self.http.request(method, self.sandbox.url + path, timeout=10, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self.request("PUT", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

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

    def put_xml(self, path: str, body: str | bytes) -> requests.Response:
        return self.put(path, data=body, headers={"Content-Type": XML})

    def deploy(self, module: str, **fields: str) -> str:
        answer = self.post("/run", data={"refqname": module, **fields})
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        answer = self.request(method, path, **options)
        root = fromstring(answer.text)
        assert root.tag == "error"
        assert root.get("code") == str(answer.status_code)
        assert (root.text or "").strip() == root.get("detail")
        return answer.status_code, root.get("detail") or ""


def _password(login: Login) -> dict[str, str]:
    return {"username": login.username, "password": login.password}
