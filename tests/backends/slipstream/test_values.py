from __future__ import annotations

import pickle
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream import values
from slipstream.backends.slipstream.runs import document
from slipstream.errors import BadInput, UnknownName, nearest, shorten
from slipstream.transport.messages import Request, Response
from slipstream.values import Deployment, Module, ModuleKind, Phase, RunParameter
from slipstream.values.credentials import Credentials
from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role
from slipstream.values.endpoint import Endpoint
from slipstream.values.ssh_key import SSHKey

from .strategies import QUICK, names
from .test_key_pairs import ONE, RESTRICTED, TWO

RECORDS = [
    record
    for record in vars(values).values()
    if isinstance(record, type)
    and attrs.has(record)
    and record.__module__.startswith(values.__name__)
]


@pytest.mark.parametrize("record", [*RECORDS, Request])
def test_no_value_can_be_changed(record: type[Any]) -> None:
    known: dict[str, Any] = {
        "kind": ModuleKind.PROJECT,
        "phase": Phase.RUNNING,
        "role": Role.SIZE,
        "host": "nuv.la",
        "path": "/x",
    }
    given = {
        field.name: known.get(field.name, "x")
        for field in attrs.fields(record)
        if field.default is attrs.NOTHING
    }
    if "collections" in given:
        given["collections"] = {}
    made = record(**{**given, **({"role": Role.SIZE} if record is Parameter else {})})
    for field in attrs.fields(record):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, field.name, None)


def test_what_was_handed_to_a_value_can_be_changed_without_changing_it() -> None:
    tags, parameters, raw = ["a"], {"x": "1"}, {"k": "v"}
    made = Deployment(id="1", tags=tags, parameters=parameters, raw=raw)
    tags.append("b")
    parameters.clear()
    raw.clear()
    assert (made.tags, made.parameters, dict(made.raw)) == (("a",), {"x": "1"}, {"k": "v"})
    with pytest.raises(TypeError):
        made.raw["k"] = 1  # type: ignore[index]


def test_values_are_equal_by_what_they_mean() -> None:
    one = Module(id="a/1", path="a", name="a", kind=ModuleKind.COMPONENT, raw={"x": 1})
    other = Module(id="a/1", path="a", name="a", kind=ModuleKind.COMPONENT, raw={"x": 2})
    assert one == other
    assert one != attrs.evolve(one, version="1")


def test_secrets_do_not_show_in_the_repr_of_a_value() -> None:
    canary = "canary"
    shown = [
        Credentials(key="alice", secret=canary, parameters={"token": canary}),
        RunParameter(name="machine:admin_password", value=canary),
        Deployment(id="1", parameters={"x": canary}, raw={"x": canary}),
        Request(method="POST", path="/x", body=canary.encode()),
        Response(status=200, headers={"Set-Cookie": canary}, body=canary.encode(), url="u"),
    ]
    assert not any(canary in repr(one) for one in shown)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://nuv.la", "https://nuv.la"),
        ("https://nuv.la/", "https://nuv.la"),
        (" https://NUV.la:443/ ", "https://nuv.la"),
        ("http://nuv.la:80", "http://nuv.la"),
        ("http://nuv.la:8182", "http://nuv.la:8182"),
        ("https://nuv.la/base/path/", "https://nuv.la/base/path"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("https://my_server.local", "https://my_server.local"),
    ],
)
def test_an_address_is_written_in_one_way(url: str, expected: str) -> None:
    assert Endpoint.parse(url).url == expected
    assert Endpoint.parse(expected) == Endpoint.parse(url)


@QUICK
@given(text=names)
def test_no_text_breaks_the_reading_of_an_address(text: str) -> None:
    for url in (text, f"https://{text}", f"https://nuv.la/{text}", f"https://nuv.la:{text}"):
        try:
            endpoint = Endpoint.parse(url)
        except BadInput:
            continue
        assert Endpoint.parse(endpoint.url) == endpoint
        assert ".." not in endpoint.base_path.split("/")


@pytest.mark.parametrize("long", ["x" * 10_000, "https://" + "x" * 10_000, "'" * 10_000])
def test_an_address_much_too_long_is_not_repeated_as_a_whole(long: str) -> None:
    with pytest.raises(BadInput) as caught:
        Endpoint.parse(long)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("line", [ONE, f"{TWO} me", RESTRICTED, f"{ONE} two words"])
def test_a_key_is_written_as_it_was_read(line: str) -> None:
    assert SSHKey.parse(line).line == line
    assert SSHKey.parse(f"  {line}\n") == SSHKey.parse(line)


@QUICK
@given(text=names)
def test_no_text_breaks_the_reading_of_a_key(text: str) -> None:
    for line in (text, f"{ONE} {text}", f"{text} {ONE}", ONE + text):
        try:
            key = SSHKey.parse(line)
        except BadInput:
            continue
        assert SSHKey.parse(key.line) == key
        assert key.blob.startswith(ONE.split()[1])


def test_an_input_needs_a_name_and_nothing_else_has_one() -> None:
    with pytest.raises(BadInput, match="A parameter needs a name"):
        Parameter(value="x")
    with pytest.raises(BadInput, match="A size has no name"):
        Parameter(value="x", role=Role.SIZE, name="x")


def test_a_request_tells_what_it_decides_by_role() -> None:
    size = Parameter(value="s", role=Role.SIZE)
    request = DeploymentRequest(module_id="a", parameters=[Parameter(value="x", name="n"), size])
    assert request.decides(Role.SIZE) == (size,)
    assert request.decides(Role.LOCATION) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("redy", "Ready"), ("READY", "Ready"), ("zzz", None), ("", None), ("x" * 10_000, None)],
)
def test_the_nearest_name_is_found_whatever_its_case(name: str, expected: str | None) -> None:
    assert nearest(name, ["Ready", "Done", "Aborted"]) == expected


@given(text=st.text(max_size=400), limit=st.integers(10, 100))
def test_a_shortened_text_keeps_its_ends_and_the_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= max(limit, 10)
    assert short == text or (text.startswith(short[:2]) and text.endswith(short[-2:]))


def test_an_unknown_name_tells_those_that_exist() -> None:
    assert str(UnknownName("node", "x")) == "Unknown node 'x' (there are none)"
    error = pickle.loads(pickle.dumps(UnknownName("node", "apach", ["apache", "db"], "of y")))
    assert "did you mean 'apache'?" in str(error)
    assert "apache, db" in str(error)


@pytest.mark.parametrize(
    ("is_set", "text", "value"), [("true", "x", "x"), ("true", "", ""), ("false", "", None)]
)
def test_parameter_that_is_set_to_nothing_is_set(
    is_set: str, text: str, value: str | None
) -> None:
    parameter = f'<runtimeParameter key="machine:title" isSet="{is_set}">{text}</runtimeParameter>'
    run = f"""<run uuid="c0b1d69c-651c-4514-8331-2fa0d7e465bd" state="Ready"
        moduleResourceUri="module/apps/blog/1"
        ><runtimeParameters><entry>{parameter}</entry></runtimeParameters></run>"""
    assert document(ET.fromstring(run)).parameters == {"machine:title": value}
