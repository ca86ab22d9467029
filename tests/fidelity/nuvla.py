"""
The recording of Nuvla's API server 6.19.0, put to the sandbox.

Each group of exchanges gets a sandbox of its own, with the users and the app store that the real
server had. A name in braces is an id: that of a seed, or of what an earlier exchange of
the group made. Where the recorder looked again until a job had ended, the clock is moved on.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import attrs
import requests
import yaml

from fidelity.results import DATA, Exchange, Result, reasons
from fidelity.shapes import Response, closed, differences
from slipstream.sandbox import Clock, Sandbox
from slipstream.sandbox.nuvla.parameters import parameter_id

RECORDING = DATA / "nuvla-6.19.0-exchanges.jsonl"
COOKIE = "com.com.sixsq.nuvla.cookie"
_NOTHING = "00000000-0000-4000-8000-000000000000"
# Tables of names and of what the recording leaves out.
_DATA: dict[str, Any] = yaml.safe_load((DATA / "nuvla.yaml").read_text("utf-8"))
_NAMED: dict[str, tuple[str, str]] = {
    name: tuple(text.split(" / ")) for name, text in _DATA["named"].items()
}
_KINDS = {
    **dict.fromkeys(_DATA["modules"], "module"),
    **{name: kind for name, (kind, _) in _NAMED.items()},
    **{name: kind for kind, names in _DATA["kinds"].items() for name in names},
}
_WHOLE: dict[int, dict[str, Any]] = {
    **_DATA["requests"],
    427: {"json": {"name": "x" * 40_000}},
    428: {"json": {"tags": ["x" * 40_000]}},
}
# Requests of the driver, and of the official client where it reads, deploys, waits, terminates.
_CORE = re.compile(
    r"""(GET|SEARCH)\ (session|session-template|module|deployment|deployment-parameter|job
        |credential|infrastructure-service|infrastructure-service-group|nuvlabox
        |nuvlabox-status|event|resource-log|cloud-entry-point)
    |(POST|DELETE)\ (session|credential)|(POST|PUT|DELETE)\ deployment|DELETE\ module
    |\w+\ \S+/(start|stop|update|create-log|force-delete|fetch|cancel)
    |\w+\ \S+/(switch-group|get-groups|execute)""",
    re.VERBOSE,
)
_OUTSIDE = re.compile(r"aggregation| within | intersects |^(?!.*orderby).*'last'")
_POLLED = {"deployment", "job", "deployment-parameter", "resource-log", "module"}


@attrs.frozen(kw_only=True)
class NuvlaExchange(Exchange):
    """One line of the recording, with its number from 0 and its group; the path names ids."""

    line: int
    group: str

    @property
    def label(self) -> str:
        """Its name without the number."""
        return self.name.partition(" ")[2]


def _resource(path: str) -> str:
    kind = re.sub(r"\{base\}.*", "", path.partition("?")[0]).partition("/")[0]
    match = re.match(r"\{(\w+)\}", kind)
    return _KINDS.get(match[1], "other") if match else kind or "redirects"


def _is_core(method: str, path: str, resource: str, group: str, options: dict[str, Any]) -> bool:
    is_odd = group.startswith("http-oddities") and "headers" in options
    if is_odd or method == "PATCH" or _OUTSIDE.search(str(options.get("data", ""))):
        return False
    kind, *parts = path.partition("?")[0].split("/")
    if method == "PUT" and "data" in options and path == resource:
        method = "SEARCH"
    action = f"/{parts[-1]}" if len(parts) > (not kind.startswith("{")) else ""
    return bool(_CORE.fullmatch(f"{method} {resource}{action}"))


def exchanges() -> Iterator[NuvlaExchange]:
    """Read the recording."""
    for line, text in enumerate(RECORDING.read_text("utf-8").splitlines()):
        record = json.loads(text)
        actor, method, rest = record["request"].split(" ", 2)
        path, options = _request(line, rest)
        resource, group = _resource(path), record["group"]
        body = record["body"]
        response = Response(record["status"], record["headers"], body, _is_cut(record))
        yield NuvlaExchange(
            name=f"{line} {record['name']}",
            method=method,
            path=path,
            actor=actor,
            options=options,
            response=response,
            resource=resource,
            is_core=_is_core(method, path, resource, group, options),
            line=line,
            group=group,
        )


def _is_cut(record: dict[str, Any]) -> bool:
    """Whether a body was longer than the 3,000 characters that the recording holds."""
    try:
        json.loads(record["body"])
    except ValueError:
        return "json" in record["headers"].get("Content-Type", "") and bool(record["body"])
    return False


def _request(line: int, rest: str) -> tuple[str, dict[str, Any]]:
    for place in (place for place, letter in enumerate(rest) if letter == "{"):
        path, text = rest[:place], rest[place:]
        if path and not path.endswith(" "):
            continue
        try:
            return path.strip(), json.loads(text)
        except ValueError:
            continue
    path, _, text = rest.partition(' {"')
    if line in _WHOLE:
        return path, _WHOLE[line]
    options = json.loads(closed('{"' + text))
    if line in _DATA["contents"]:
        options["json"]["content"].update(_DATA["contents"][line])
    return path, options


class Replay:
    """A sandbox, and the values of the recording's names there."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        world = sandbox.world
        for user in world.store.collection("user"):
            # The users of the real server had no address.
            del user["email"]
        self._cookies: dict[str, str] = {"bad": "nonsense"}
        self._values = {
            "base": sandbox.url,
            "nothing": _NOTHING,
            "alice": world.user_id("alice"),
            "bob": world.user_id("bob"),
            "alice_password": sandbox.users["alice"].password,
            "carol_password": sandbox.users["carol"].password,
        }
        modules = {module["path"]: module["id"] for module in world.store.collection("module")}
        self._values |= {name: modules[path] for name, path in _DATA["modules"].items()}
        for name, (kind, called) in _NAMED.items():
            documents = world.store.collection(kind)
            self._values[name] = next(
                document["id"] for document in documents if document["name"] == called
            )
        for actor, user in (("alice", "alice"), ("bob", "bob"), ("admin", "super")):
            login = sandbox.users[user]
            template = {"href": "session-template/password", "username": user}
            body = {"template": template | {"password": login.password}}
            answer = self._send("anon", "POST", "session", {"json": body})
            self._cookies[actor] = answer.cookies[COOKIE]
            self._values[f"{actor}_session"] = answer.json()["resource-id"]
        self._cookies["super"] = self._cookies["admin"]

    def lacks(self, exchange: NuvlaExchange) -> bool:
        """Whether a request is about what an earlier one, which is not played, would make."""
        sent = exchange.path + json.dumps(exchange.options)
        names = {name for names in _DATA["made"].values() for name in names}
        return any(name in names - set(self._values) for name in re.findall(r"\{(\w+)\}", sent))

    def put(self, exchange: NuvlaExchange) -> Result:
        """Send an exchange's request, again while the recorder would have waited, and compare."""
        reads = exchange.method in {"GET", "PUT"} and exchange.resource in _POLLED
        is_search = exchange.method == "GET" or "data" in exchange.options
        for attempt in itertools.count():
            answer = self._send(exchange.actor, exchange.method, exchange.path, exchange.options)
            response = Response(answer.status_code, answer.headers, answer.text)
            differing = differences(exchange.response, response)
            if not (differing and reads and is_search) or attempt == 12:
                break
            self._sandbox.clock.advance(5)
        self._remember(exchange, answer)
        if response.status == 501:
            self._make_up(exchange)
            return Result(exchange, None)
        return Result(exchange, differing)

    def _make_up(self, exchange: NuvlaExchange) -> None:
        """Do what a request that is not played would do, so that what follows finds it."""
        world, sent = self._sandbox.world, exchange.options.get("json", {})
        changes = _DATA["changes"].get(exchange.line)
        fields = _DATA["documents"].get(exchange.line)
        if fields is not None:
            template = sent.pop("template", {})
            template.pop("href", "")
            fields = self._filled(fields | sent | template)
            document = world.document(exchange.path, self._values[exchange.actor], fields)
            for name in _DATA["made"].get(exchange.label, {}):
                self._values[name] = document["id"]
        elif exchange.line in _DATA["instead"]:
            path, body = _DATA["instead"][exchange.line]
            self._send(exchange.actor, "PUT", path, {"json": body})
        elif exchange.line in _DATA["added"]:
            content = sent.pop("content")
            module = world.add_module(**sent, contents=[content])
            self._values[next(iter(_DATA["made"][exchange.label]))] = module
        elif changes is not None:
            identifier = self._values[exchange.path.strip("{}").partition("}")[0]]
            world.change(identifier, self._sandbox.clock.now(), **changes)
            if exchange.label == "publish none":
                world.store[identifier]["versions"][-1]["published"] = True
            if "content" in sent:
                world.add_version(identifier, sent["content"])

    def _remember(self, exchange: NuvlaExchange, answer: requests.Response) -> None:
        bindings = _DATA["made"].get(exchange.label, {})
        if exchange.label.startswith("app {"):
            bindings = {"x": "resource-id"}
        if not answer.ok or not bindings:
            return
        document = answer.json()
        for name, where in bindings.items():
            if where == "cookie":
                self._cookies[name.strip()] = answer.cookies[COOKIE]
            else:
                self._values[name] = str(document[where]).rpartition("/api/")[2]
        if "d" in bindings:
            self._values["ph"] = parameter_id(self._values["d"], "hostname")
            self._values["pp"] = parameter_id(self._values["d"], "web.tcp.80", "web")
            self._values["pn"] = parameter_id(self._values["d"], "none")

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(
                r"\{(\w+)\}",
                lambda match: self._values.get(match[1], f"unsaved-{match[1]}"),
                value,
            )
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        return value

    def _send(
        self, actor: str, method: str, path: str, options: dict[str, Any]
    ) -> requests.Response:
        options = self._filled(options)
        headers = dict(options.pop("headers", {}))
        data = options.get("data")
        if isinstance(data, str) and data.startswith("b'"):
            options["data"] = ast.literal_eval(data)
        if actor in self._cookies:
            headers["Cookie"] = f"{COOKIE}={self._cookies[actor]}"
        path = self._filled(path)
        url = path if path.startswith("http") else f"{self._sandbox.url}/api/{path}"
        if not path:
            url = self._sandbox.url
        return requests.request(
            method, url, headers=headers, timeout=30, allow_redirects=False, **options
        )


def results() -> list[Result]:
    """Put the whole recording to the sandbox."""
    outcomes, left_out = [], reasons("nuvla")["left out"]
    for _, group in itertools.groupby(exchanges(), key=lambda exchange: exchange.group):
        with Sandbox(family="nuvla", clock=Clock(speed=0)) as sandbox:
            replay = Replay(sandbox)
            for exchange in group:
                if exchange.name in left_out:
                    continue
                is_lacking = replay.lacks(exchange)
                outcomes.append(Result(exchange, None) if is_lacking else replay.put(exchange))
    return outcomes
