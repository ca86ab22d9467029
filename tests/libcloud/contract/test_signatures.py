"""The methods take what libcloud's base class says, and say what else they take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.compute.base import NodeDriver
from libcloud.compute.deployment import ScriptDeployment
from supported_methods import public_methods

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver

DRIVERS = [SlipStreamNodeDriver, NuvlaNodeDriver]
METHODS = [name for name in public_methods() if hasattr(NodeDriver, name)]
FROM_0_1_3 = {"list_images": {"ex_path", "ex_recurse"}}
"""What scripts of the first releases may pass by position, although it is not libcloud's."""
AGREED = {("list_nodes", "location"), ("wait_until_running", "progress")}
VARIABLE = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
PASSED_ON: dict[str, tuple[list[Any], str, str]] = {
    "deploy_node": ([ScriptDeployment("true")], "locatoin", "location"),
    "ex_explain": (["list_sizes"], "locatoin", "location"),
}
"""What hands keywords on to another method."""


def parameters(method: Callable[..., Any]) -> dict[str, Parameter]:
    return dict(list(inspect.signature(method).parameters.items())[1:])


def raises_not_implemented(name: str) -> bool:
    return (
        "NotImplementedError(" in inspect.getsource(getattr(NodeDriver, name)).rpartition('"""')[2]
    )


def test_the_contract_has_29_methods() -> None:
    assert len(METHODS) == 29


@pytest.mark.parametrize("cls", DRIVERS)
@pytest.mark.parametrize("name", METHODS)
def test_nothing_is_left_to_what_the_base_class_does_not_implement(
    name: str, cls: type[NodeDriver]
) -> None:
    method = getattr(cls, name)
    assert method.__module__.startswith("slipstream.libcloud.") or not raises_not_implemented(name)


@pytest.mark.parametrize("cls", DRIVERS)
@pytest.mark.parametrize("name", METHODS)
def test_what_the_base_class_takes_is_taken_by_the_same_names_in_the_same_order(
    name: str, cls: type[NodeDriver]
) -> None:
    base, ours = parameters(getattr(NodeDriver, name)), parameters(getattr(cls, name))
    expected = {n: p for n, p in base.items() if p.kind not in VARIABLE}
    assert list(ours)[: len(expected)] == list(expected)
    for parameter in expected.values():
        found = ours[parameter.name]
        assert found.kind is parameter.kind
        if parameter.default is not Parameter.empty:
            assert found.default == parameter.default


@pytest.mark.parametrize("cls", DRIVERS)
@pytest.mark.parametrize("name", METHODS)
def test_what_is_taken_beyond_that_is_by_keyword_alone_and_named_as_an_extension(
    name: str, cls: type[NodeDriver]
) -> None:
    base, ours = parameters(getattr(NodeDriver, name)), parameters(getattr(cls, name))
    for parameter in ours.values():
        if parameter.name in base or (name, parameter.name) in AGREED:
            continue
        assert parameter.name.startswith("ex_")
        assert parameter.default is not Parameter.empty
        by_keyword = parameter.kind is Parameter.KEYWORD_ONLY
        assert by_keyword or parameter.name in FROM_0_1_3.get(name, ())


@pytest.mark.parametrize("cls", DRIVERS)
def test_a_driver_is_made_as_any_other_by_key_and_secret_and_where(cls: type[NodeDriver]) -> None:
    base = [n for n, p in parameters(NodeDriver.__init__).items() if p.kind not in VARIABLE]
    taken = inspect.signature(cls).parameters
    assert set(base) <= set(taken)
    assert [name for name in taken if name in base][:6] == base[:6]


@pytest.mark.parametrize("cls", DRIVERS)
@pytest.mark.parametrize("name", sorted(set(public_methods()) - PASSED_ON.keys()))
def test_an_unknown_keyword_is_a_type_error_that_names_the_nearest_one(
    name: str, cls: type[NodeDriver]
) -> None:
    method = getattr(cls, name)
    known = [n for n, p in parameters(method).items() if p.kind not in VARIABLE]
    wrong = f"{known[-1]}x" if known else "nothing"
    with pytest.raises(TypeError) as caught:
        method(object.__new__(cls), **{wrong: None})
    assert repr(wrong) in str(caught.value)
    assert not known or f"did you mean {known[-1]!r}" in str(caught.value)


@pytest.mark.parametrize("name", PASSED_ON)
def test_an_unknown_keyword_that_is_passed_on_is_a_type_error_too(
    name: str, driver: SlipStreamNodeDriver, endpoint: LiveEndpoint
) -> None:
    positional, wrong, meant = PASSED_ON[name]
    with pytest.raises(TypeError, match=f"{wrong}.*did you mean '{meant}'"):
        getattr(driver, name)(*positional, **{wrong: None})
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize("cls", DRIVERS)
def test_the_attributes_that_every_driver_has_are_there(cls: type[NodeDriver]) -> None:
    texts = [cls.name, cls.website, cls.type, cls.api_name]
    assert all(isinstance(text, str) and text for text in texts)
    assert isinstance(cls.features["create_node"], list)
    assert cls.connectionCls is not NodeDriver.connectionCls
    assert cls.NODE_STATE_MAP


@pytest.mark.parametrize(
    ("cls", "host"), [(SlipStreamNodeDriver, "nuv.la"), (NuvlaNodeDriver, "nuvla.io")]
)
def test_the_constructor_shows_its_host_and_every_argument(
    cls: type[NodeDriver], host: str
) -> None:
    taken = inspect.signature(cls).parameters
    assert taken["host"].default == host
    assert list(taken) == list(inspect.signature(SlipStreamNodeDriver).parameters)
    assert not VARIABLE & {parameter.kind for parameter in taken.values()}
    arguments = inspect.getfullargspec(cls.__init__)
    assert "ex_endpoint" in arguments.kwonlyargs
