"""Records refuse what they are given by mistake, and the small texts that errors are made of."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_files import KEY
from requests.cookies import RequestsCookieJar

from slipstream import Backend, EndpointKind, LoginMethod, Request, Response
from slipstream.errors import BadInput, MalformedAnswer, UnknownName, nearest, shorten
from slipstream.session.login import Login
from slipstream.values import (
    CloudEntryPoint,
    Connector,
    Deployment,
    DeploymentRequest,
    DeploymentState,
    Module,
    ModuleKind,
    ModuleNode,
    ModuleParameter,
    Parameter,
    Phase,
    Role,
    RunParameter,
    ServiceOffer,
    SSHKey,
    VirtualMachine,
    safe_text,
)
from slipstream.values.endpoint import Credentials, Endpoint
from slipstream.values.fields import Pages, by_page

MODULE: dict[str, Any] = {"id": "a/1", "path": "a", "name": "a", "kind": ModuleKind.COMPONENT}
RECORDS: list[tuple[Any, dict[str, Any]]] = [
    (CloudEntryPoint, {"collections": {}}),
    (Connector, {"id": "1", "name": "n"}),
    (Credentials, {"key": "alice", "secret": "x"}),
    (Deployment, {"id": "1"}),
    (DeploymentRequest, {"module_id": "m"}),
    (DeploymentState, {"state": "Ready", "phase": Phase.RUNNING}),
    (Endpoint, {"host": "nuv.la"}),
    (EndpointKind, {"name": "lab", "backend": Backend}),
    (LoginMethod, {"name": "code", "authenticate": print}),
    (Module, MODULE),
    (ModuleNode, {"name": "n"}),
    (ModuleParameter, {"name": "n"}),
    (Parameter, {"name": "n", "value": "v"}),
    (Request, {"method": "GET", "path": "/x"}),
    (Response, {"status": 200, "headers": {}, "body": b"", "url": "https://x"}),
    (RunParameter, {"name": "n"}),
    (ServiceOffer, {"id": "1", "name": "n"}),
    (SSHKey, {"type": "ssh-ed25519", "blob": "x"}),
    (VirtualMachine, {"id": "1", "name": "n"}),
]


class Wrong:
    """What no field takes."""


@pytest.mark.parametrize(("record", "arguments"), RECORDS)
def test_record_fields_are_frozen_and_typed(record: Any, arguments: dict[str, Any]) -> None:
    instance = record(**arguments)
    for field in attrs.fields(record):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(instance, field.name, None)
        if record not in {Credentials, Endpoint}:  # which the driver makes alone
            with pytest.raises((TypeError, BadInput)):
                record(**{**arguments, field.name: Wrong()})


@pytest.mark.parametrize(
    ("record", "arguments", "message"),
    [
        *(
            (record, {"id": "", "name": "x"}, f"returned a {record.__name__} whose id is empty")
            for record in (Deployment, ServiceOffer, Connector, VirtualMachine)
        ),
        *(
            (ServiceOffer, {"id": "s", "name": "s", field: number}, f"{field} .*not a finite")
            for field in ("cpu", "ram", "disk", "price")
            for number in (float("inf"), float("nan"), 10**400)
        ),
        (Deployment, {"id": "1", "phase": "x"}, "phase of Deployment must be Phase, not str"),
        (Deployment, {"id": "1", "tags": "running"}, r"write \['running'\]"),
        (Deployment, {"id": "1", "tags": ["a", 3]}, "must be str, not int"),
        (Deployment, {"id": "1", "parameters": {"a": 3}}, "must be str or None, not int"),
        (Deployment, {"id": "1", "parameters": {3: "a"}}, "must be str, not int"),
        (Module, {**MODULE, "kind": "x"}, "must be ModuleKind, not str"),
        (
            DeploymentRequest,
            {"module_id": "m", "parameters": ["a=b"]},
            "must be Parameter, not str",
        ),
        (Request, {"method": "GET", "path": "x"}, "begins with a slash"),
        (Request, {"method": "PUT", "path": "/", "body": "x"}, "must be bytes or None, not str"),
        (Request, {"method": "GET", "path": "/x", "headers": {"Age": 3}}, "must be str, not int"),
        (Request, {"method": "GET", "path": "/x", "query": "x"}, "must be tuple, not str"),
        (Request, {"method": "GET", "path": "/x", "query": (("limit", 1),)}, "pairs of texts"),
        (Request, {"method": "GET", "path": "/x", "query": (("a", "b", "c"),)}, "pairs of texts"),
        (EndpointKind, {"name": "lab", "backend": Backend, "hosts": [3]}, "empty, or no text"),
        (Parameter, {"name": "title", "value": b"quite-secret"}, "must be str, not bytes"),
    ],
)
def test_record_with_a_wrong_value(record: Any, arguments: dict[str, Any], message: str) -> None:
    errors: dict[str, type[Exception]] = {"is empty": MalformedAnswer, "finite": ValueError}
    error = next((cls for words, cls in errors.items() if message.endswith(words)), TypeError)
    with pytest.raises(error, match=message) as caught:
        record(**arguments)
    assert "secret" not in str(caught.value)


def test_record_copies_what_it_is_made_of_and_is_equal_without_raw() -> None:
    tags, parameters, raw = ["a"], {"x": "1"}, {"k": "v"}
    record = Deployment(id="1", tags=tags, parameters=parameters, raw=raw)
    tags.append("b")
    parameters.clear()
    raw.clear()
    assert (record.tags, record.parameters, dict(record.raw)) == (("a",), {"x": "1"}, {"k": "v"})
    with pytest.raises(TypeError):
        record.raw["k"] = 1  # type: ignore[index]
    assert record == attrs.evolve(record, raw={"x": 2})
    assert record != attrs.evolve(record, state="Done")


def test_lazy_records_are_completed_when_a_field_is_read() -> None:
    completed = []

    def rest(source: str) -> dict[str, object]:
        completed.append(source)
        return {"tags": [source], "raw": {"k": source}}

    first, second = Deployment.lazy(["a", "b"], rest, id=["1", "2"], name=["x", None])
    assert (first.id, first.name, second.name, completed) == ("1", "x", None, [])
    assert (first.tags, first.raw, first.user) == (("a",), {"k": "a"}, None)
    assert completed == ["a"]
    assert second == attrs.evolve(second) == Deployment(id="2", tags=["b"])
    assert completed == ["a", "b"]
    assert not hasattr(second, "price")


def test_lazy_record_is_checked_when_it_is_completed() -> None:
    (record,) = Deployment.lazy(["a"], lambda user: {"user": [user]}, id=["1"])
    with pytest.raises(TypeError, match="user of Deployment must be str or None, not list"):
        _ = record.tags


def test_pages_are_one_list_and_are_handed_on_whole_until_an_entry_is_read() -> None:
    assert list(Pages(iter([[1, 2], [], [3]]))) == [1, 2, 3]
    assert list(by_page(Pages(iter([[1, 2], [3]])))) == [[1, 2], [3]]
    assert list(by_page(iter([1, 2]))) == [(1,), (2,)]
    begun = Pages(iter([[1, 2], [3]]))
    assert (next(begun), next(iter(begun))) == (1, 2)
    assert list(by_page(begun)) == [(3,)]
    generator = ([number] for number in range(3))
    pages = by_page(Pages(generator))
    assert next(pages) == [0]
    pages.close()
    assert list(generator) == []


def test_record_shows_no_secret_in_its_repr() -> None:
    canary = "canary"
    records = [
        Credentials(key="alice", secret=canary, parameters={"token": canary}),
        RunParameter(name="machine:admin_password", value=canary),
        Deployment(id="1", parameters={"x": canary}, raw={"x": canary}),
        Request(method="POST", path="/x", body=canary.encode()),
        Response(status=200, headers={"Set-Cookie": canary}, body=canary.encode(), url="u"),
    ]
    assert not any(canary in repr(record) for record in records)


@given(text=st.text(max_size=30) | st.sampled_from(["me", "two words", "x" * 10_000]))
def test_ssh_key_of_any_text(text: str) -> None:
    assert SSHKey.parse(f"  {KEY}\n") == SSHKey.parse(KEY)
    for line in (text, f"{KEY} {text}", f"{text} {KEY}", KEY + text):
        try:
            key = SSHKey.parse(line)
        except BadInput:
            continue
        assert SSHKey.parse(key.line) == key
        assert key.blob.startswith(KEY.split()[1])


def test_parameter_needs_a_name_for_an_input_alone() -> None:
    with pytest.raises(BadInput, match="A parameter needs a name"):
        Parameter(value="x")
    with pytest.raises(BadInput, match="A size has no name"):
        Parameter(value="x", role=Role.SIZE, name="x")
    size = Parameter(value="s", role=Role.SIZE)
    request = DeploymentRequest(module_id="a", parameters=[Parameter(value="x", name="n"), size])
    assert request.decides(Role.SIZE) == (size,)
    assert request.decides(Role.LOCATION) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("redy", "Ready"), ("READY", "Ready"), ("zzz", None), ("", None), ("x" * 10_000, None)],
)
def test_nearest_name(name: str, expected: str | None) -> None:
    assert nearest(name, ["Ready", "Done", "Aborted"]) == expected


@given(text=st.text(max_size=400), limit=st.integers(10, 100))
def test_shorten_keeps_both_ends(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= max(limit, 10)
    assert short == text or (text.startswith(short[:2]) and text.endswith(short[-2:]))


def test_unknown_name_lists_those_that_exist() -> None:
    assert str(UnknownName("node", "x")) == "Unknown node 'x' (there are none)"
    error = pickle.loads(pickle.dumps(UnknownName("node", "apach", ["apache", "db"], "of y")))
    assert "did you mean 'apache'?" in str(error)
    assert "apache, db" in str(error)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("no such module: é, 日本, \\n", "no such module: é, 日本, \\n"),
        ("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree"),
        ("\x1b[31mred\x9b0m\x7f", "\\x1b[31mred\\x9b0m\\x7f"),
        ("a\u2028b\u202ec\ufeff", "a\\u2028b\\u202ec\\ufeff"),
        ("\ud800", "\\ud800"),
        ("", ""),
        ("x" * 500, "x" * 500),
        ("x" * 60_000, "x" * 499 + "…"),
    ],
)
def test_safe_text(text: str, safe: str) -> None:
    assert safe_text(text) == safe


@given(st.text(st.characters()), st.integers(1, 50))
def test_safe_text_is_one_short_line_that_can_be_encoded(text: str, limit: int) -> None:
    safe = safe_text(text, limit)
    assert len(safe) <= limit
    assert len(safe.splitlines()) <= 1
    assert safe.encode().decode() == safe
    assert safe_text(safe, limit) == safe


def test_login_with_any_cookie_jar() -> None:
    jar: Any = RequestsCookieJar()
    jar.set("session", "id", domain="cloud.example")
    assert Login(cookies=jar).cookies.get("session", domain="cloud.example") == "id"
    with pytest.raises(TypeError, match="cookies"):
        Login(cookies={"session": "id"})  # type: ignore[arg-type]
