"""
The recording of SlipStream 3.71, put to the sandbox.

The lines are sorted by name, not by time: each exchange about a run gets a run of its own, in the
state that the recorded one was in. The users and modules are those of the sandbox: the real server
had them too.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring
from sandbox.client import COOKIE, Client

from fidelity.results import DATA, Exchange, Result
from fidelity.shapes import HEADERS, Response, compared, form, normalise, shape, without_empty
from slipstream.sandbox import Clock, Sandbox

RECORDING = DATA / "slipstream-3.71-exchanges.jsonl"
BLOG, FAILING = "apps/WordPress/wordpress", "examples/tutorials/failing"
SYSTEM = "examples/tutorials/service-testing/system"
_REQUEST = re.compile(r"(\w+) (.+?) as (\w+)(?: (\{[^\n]*\}))? ?(?:\n(.*))?", re.DOTALL)
_APPLICATION = re.compile(r"(c|e)_(app|node|del|mut|GET_rp_(apache|testclient|orchestrator))")
_DATES = re.compile(r"\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d (GMT|\+0000)|token=[^;]+")
# A size, a disk or a group of the connector that the real server had.
_OF_CONNECTOR = re.compile(r"(ec2-eu-west|exoscale-ch-gva)\.")
# What is called after a kind of cloud, which were other ones.
_OF_CLOUD = re.compile(r"(?<=cloud-cred-)\w+|\b(ec2|exoscale|otc)(?=:instanceType)")
# Runtime parameters whose value is the server's, not a machine's.
_FIXED = re.compile(r"(ss|scale)_?.state|complete|category|groups|recovery|_id_|nodename|node_GET")
# Method, accepted type, resource, path and name of what the driver and the official client send.
_CORE = re.compile(
    r"""(GET|PUT)\ \S+\ api/(cloud-entry-point|connector|credential|event|service-offer|session
        |session-template|virtual-machine)\ (?!.*(aggregation|select|abc|describe)).*
    |POST\ \S+\ api/session\ .*\ (login_(ok|bad_pw|unknown|form$)|apikey_).*
    |GET\ text/plain\ runtime\ parameter\ \S+\ ((?!node)\S)+
    |(GET|POST|DELETE)\ application/xml\ run\ .*
    |GET\ application/xml\ (module|user|appstore)\ (?!/module/(\S*/)?\ ).*""",
    re.VERBOSE,
)
# Lists whose length is data, and what one application has and the other has not.
_DATA_LISTS = {"runs", "list"}
_OF_SEEDS = {"listen.port"}


def _resource(path: str) -> str:
    parts = path.partition("?")[0].strip("/").split("/")
    if parts[0] == "api" and len(parts) > 1:
        return f"api/{parts[1].partition('{')[0] or 'session'}"
    if parts[0] == "run" and len(parts) > 2:
        return "runtime parameter"
    return parts[0].removesuffix(".xml") or "/"


def exchanges() -> Iterator[Exchange]:
    """Read the recording; ``<run>`` stands for the id of a run in a path."""
    for line in map(json.loads, RECORDING.read_text("utf-8").splitlines()):
        match = _REQUEST.fullmatch(line["request"])
        assert match, line["request"]
        method, path, actor, text, body = match.groups()
        name, headers = line["name"], ast.literal_eval(text) if text else {}
        # This one holds a hint at its body alone.
        body = "x" * 5000 if name.endswith("PUT_rp_long") else body or ""
        resource = _resource(path)
        request = f"{method} {headers.get('Accept')} {resource} {path} {name}"
        yield Exchange(
            name=name,
            method=method,
            path=path,
            actor=actor,
            options={"headers": headers, "data": body},
            response=Response(line["status"], line["headers"], line["body"]),
            resource=resource,
            is_core=bool(_CORE.fullmatch(request)),
        )


class Replay:
    """Puts exchanges to a sandbox, whose clock stands still."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.world.refuses_early_termination = True
        self._clients = {name: Client(sandbox, login) for name, login in sandbox.users.items()}
        self._alice = self._clients["alice"]
        self._clients |= {"None": Client(sandbox), "garbage": Client(sandbox)}
        self._clients["garbage"].http.headers["Cookie"] = f"{COOKIE}=token=garbage"
        names = {"{SID}": "alice", "{BSID}": "bob"}
        self._values = {
            placeholder: self._clients[name].json("/api/session")["sessions"][0]["id"]
            for placeholder, name in names.items()
        }
        self._values |= {"{KEY}": sandbox.key, "{SEC}": sandbox.secret}
        self._values["SCRUBBED"] = sandbox.password
        # There were runs on both clouds, some of which had ended.
        sandbox.world.add_runs(12)
        self._deploy(BLOG)
        self._alice.delete(f"/run/{self._deploy(BLOG)}")

    def _deploy(self, module: str, **fields: str) -> str:
        run = self._alice.deploy(module, **fields)
        self.sandbox.clock.advance(300)
        return run

    def _run(self, exchange: Exchange) -> str:
        """The run that an exchange is about, in the state that it was in."""
        fields, module = {"tags": "t1,t2", "keep-running": "always"}, BLOG
        if _APPLICATION.match(exchange.name):
            module, fields["parameter--node--apache--multiplicity"] = SYSTEM, "2"
            fields["mutable"] = str("_mut_" in exchange.name)
        elif not exchange.name.startswith("c_"):
            fields["parameter--cloudservice"] = "ec2-eu-west"
        run = self._deploy(FAILING if "failing" in exchange.name else module, **fields)
        if exchange.name.endswith(("_again", "_2")) and module == BLOG:
            self._alice.delete(f"/run/{run}")
        was_aborted = "Abort flag raised" in exchange.response.body
        if was_aborted or "ignoreabort" in exchange.path or "abort_" in exchange.name:
            self._alice.get(f"/run/{run}/ss:nosuch")
        return run

    def put(self, exchange: Exchange) -> Result:
        """Send an exchange's request, and compare the responses."""
        path, body = exchange.path, exchange.options["data"]
        if "<run>" in path:
            path = path.replace("<run>", self._run(exchange))
        for name, value in self._values.items():
            path, body = path.replace(name, value), body.replace(name, value)
        headers = {"Accept": None, **exchange.options["headers"]}
        client = self._clients[exchange.actor]
        response = client.request(exchange.method, path, headers=headers, data=body.encode())
        played = Response(response.status_code, response.headers, response.text)
        is_played = played.status != 501
        return Result(exchange, list(differences(exchange, played)) if is_played else None)


def differences(exchange: Exchange, played: Response) -> Iterator[str]:
    """What is different in a response of the sandbox."""
    recorded = exchange.response
    if recorded.status != played.status:
        yield f"the status is {played.status}, not {recorded.status}"
        return
    for name in (*HEADERS, "Allow"):
        old, new = (
            _DATES.sub("<data>", normalise(response.headers.get(name, "")))
            for response in (recorded, played)
        )
        if old != new:
            yield f"{name} is {new!r}, not {old!r}"
    if exchange.method == "HEAD":
        return
    kind = recorded.headers.get("Content-Type", "")
    if bool(recorded.body) != bool(played.body):
        yield f"the body is {played.body[:60]!r}, not {recorded.body[:60]!r}"
    elif not recorded.body or "html" in kind:
        return
    elif "json" in kind:
        lines = _json_differences(recorded.body, played.body)
        # The recorded documents of machines were made by hand, with little more than they must.
        by_hand = exchange.resource == "api/virtual-machine"
        yield from (line for line in lines if not (by_hand and line.startswith("has ")))
    elif recorded.body.startswith("<"):
        old_shape, new_shape = (
            set(_xml_shape(fromstring(response.body))) for response in (recorded, played)
        )
        yield from compared(*_without_data(old_shape, new_shape))
    elif (recorded.status >= 300 or _FIXED.search(exchange.name)) and recorded.body != played.body:
        yield f"the body is {played.body!r}, not {recorded.body!r}"


def _json_differences(recorded: str, played: str) -> Iterator[str]:
    was, now = (json.loads(_OF_CLOUD.sub("", body)) for body in (recorded, played))
    messages = [document.get("message", "") for document in (was, now)]
    if form(messages[0]) != form(messages[1]):
        yield f"the message is {messages[1]!r}, not {messages[0]!r}"
    ids = {document["id"] for document in _documents(was) if "id" in document}
    if ids and not any(normalise(identifier) != identifier for identifier in ids):
        for key, documents in now.items():
            if isinstance(documents, list):
                now[key] = [item for item in documents if item.get("id", "") in {*ids, ""}]
    yield from compared(*without_empty(set(shape(was)), set(shape(now))))


def _documents(envelope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for value in envelope.values():
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, Mapping))


def _xml_shape(element: Element, path: str = "") -> Iterator[str]:
    path = f"{path}/{element.tag}"
    if element.tag in {"value", "defaultValue"} and "Expanded" in path:
        # Which parameters have a value is data.
        return
    yield path
    for name, value in element.attrib.items():
        kind = value if name in {"class", "reason", "code", "specificationUri"} else ""
        yield f"{path}@{name}={kind}"
    if element.tag == "error":
        yield f"{path}: {normalise(element.get('detail', ''))}"
    if element.tag == "runtimeParameter":
        key = element.get("name", "")
        if not _OF_CONNECTOR.match(key) and key not in _OF_SEEDS:
            yield f"{path} {key}: {element.get('description')}, {element.get('type')}"
    for child in element:
        yield from _xml_shape(child, path)


def _without_data(old: set[str], new: set[str]) -> tuple[set[str], set[str]]:
    """Leave out the items of a list that is empty on one side."""
    for name in _DATA_LISTS:
        lists = [{line for line in side if f"/{name}/item" in line} for side in (old, new)]
        if not all(lists):
            old, new = old - lists[0], new - lists[1]
    return old, new


def results() -> list[Result]:
    """Put the whole recording to a sandbox."""
    with Sandbox(clock=Clock(speed=0)) as sandbox:
        player = Replay(sandbox)
        return [player.put(exchange) for exchange in exchanges()]
