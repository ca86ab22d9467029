"""Records, and the small texts about names that errors are made of."""

from __future__ import annotations

import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import BadInput, MalformedAnswer, UnknownName, nearest, shorten
from slipstream.transport.messages import Request, Response
from slipstream.values import (
    Connector,
    Deployment,
    Module,
    ModuleKind,
    RunParameter,
    ServiceOffer,
    VirtualMachine,
)
from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role
from slipstream.values.endpoint import Credentials, Endpoint
from slipstream.values.ssh_key import SSHKey

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"


def test_record_copies_what_it_is_made_of() -> None:
    tags, parameters, raw = ["a"], {"x": "1"}, {"k": "v"}
    made = Deployment(id="1", tags=tags, parameters=parameters, raw=raw)
    tags.append("b")
    parameters.clear()
    raw.clear()
    assert (made.tags, made.parameters, dict(made.raw)) == (("a",), {"x": "1"}, {"k": "v"})
    with pytest.raises(TypeError):
        made.raw["k"] = 1  # type: ignore[index]


@pytest.mark.parametrize("record", [Credentials(key="alice", secret="x"), Endpoint(host="nuv.la")])
def test_record_is_frozen(record: Credentials | Endpoint) -> None:
    for field in attrs.fields(type(record)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(record, field.name, None)


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
    with pytest.raises(TypeError, match="user of a Deployment is list, not str"):
        _ = record.tags


@pytest.mark.parametrize("record", [Deployment, ServiceOffer, Connector, VirtualMachine])
def test_record_without_an_id_is_refused(record: type) -> None:
    with pytest.raises(MalformedAnswer, match=f"gave a {record.__name__} whose id is empty"):
        record(id="", name="x")


@pytest.mark.parametrize("field", ["cpu", "ram", "disk", "price"])
@pytest.mark.parametrize("number", [float("inf"), float("nan"), 10**400])
def test_number_of_an_offer_is_finite(field: str, number: float) -> None:
    with pytest.raises(ValueError, match=f"{field} of a ServiceOffer is not a finite number"):
        ServiceOffer(id="s", name="s", **{field: number})  # type: ignore[arg-type]


def test_record_is_equal_without_raw() -> None:
    module = Module(id="a/1", path="a", name="a", kind=ModuleKind.COMPONENT, raw={"x": 1})
    assert module == attrs.evolve(module, raw={"x": 2})
    assert module != attrs.evolve(module, version="1")


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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (" https://NUV.la:443/ ", "https://nuv.la"),
        ("http://nuv.la:80", "http://nuv.la"),
        ("https://nuv.la/base/path/", "https://nuv.la/base/path"),
        *((url, url) for url in ("https://nuv.la", "http://nuv.la:8182", "http://[::1]:8080/x")),
        *((url, url) for url in ("http://127.0.0.1", "https://my_server.local")),
    ],
)
def test_endpoint_is_normalised(url: str, expected: str) -> None:
    assert Endpoint.parse(url).url == expected
    assert Endpoint.parse(expected) == Endpoint.parse(url)


@pytest.mark.parametrize("long", ["x" * 10_000, "https://" + "x" * 10_000, "'" * 10_000])
def test_endpoint_that_is_too_long_is_not_repeated(long: str) -> None:
    with pytest.raises(BadInput) as caught:
        Endpoint.parse(long)
    assert len(str(caught.value)) < 500


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


def test_parameter_name_is_needed_for_an_input_alone() -> None:
    with pytest.raises(BadInput, match="A parameter needs a name"):
        Parameter(value="x")
    with pytest.raises(BadInput, match="A size has no name"):
        Parameter(value="x", role=Role.SIZE, name="x")


def test_deployment_request_decides_by_role() -> None:
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
