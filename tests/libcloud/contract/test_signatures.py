"""Defaults, misspelt keywords and the constructor; tests/conformance has the rest."""

from __future__ import annotations

import inspect
from inspect import Parameter
from typing import Any

import pytest
from endpoints_under_test import Driver
from libcloud.compute.base import NodeDriver
from libcloud.compute.deployment import ScriptDeployment
from supported_methods import public_methods

from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver

VARIABLE = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
PASSED_ON: dict[str, Any] = {"deploy_node": ScriptDeployment("true"), "ex_explain": "list_sizes"}
"""The methods that hand keywords on to another, and their first argument."""


def parameters(function: Any) -> dict[str, Parameter]:
    signature = inspect.signature(function).parameters
    return {n: p for n, p in signature.items() if p.kind not in VARIABLE and n != "self"}


def test_defaults_are_those_of_libcloud() -> None:
    names = [name for name in public_methods() if hasattr(NodeDriver, name)]
    assert len(names) == 29
    for name in names:
        own = parameters(getattr(Driver, name))
        for parameter in parameters(getattr(NodeDriver, name)).values():
            assert own[parameter.name].kind is parameter.kind, name
            assert parameter.default in {own[parameter.name].default, Parameter.empty}, name


@pytest.mark.parametrize("name", sorted(set(public_methods()) - PASSED_ON.keys()))
def test_unknown_keyword_names_the_nearest(name: str) -> None:
    method = getattr(Driver, name)
    names = [name for name in parameters(method) if name != "self"]
    wrong = f"{names[-1]}x" if names else "nothing"
    with pytest.raises(TypeError) as caught:
        method(object.__new__(Driver), **{wrong: None})
    assert repr(wrong) in str(caught.value)
    assert not names or f"did you mean {names[-1]!r}" in str(caught.value)


@pytest.mark.parametrize("name", PASSED_ON)
def test_unknown_keyword_that_is_passed_on(name: str, driver: Driver, endpoint: Any) -> None:
    with pytest.raises(TypeError, match=r"locatoin.*did you mean 'location'"):
        getattr(driver, name)(PASSED_ON[name], locatoin=None)
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize("cls", [Driver, NuvlaNodeDriver])
def test_constructor_has_libclouds_arguments_and_its_own(cls: type[Driver]) -> None:
    own, base = inspect.signature(cls).parameters, list(parameters(NodeDriver.__init__))
    assert [name for name in own if name in base][:6] == base[:6]
    assert set(base) <= set(own)
    assert list(own) == list(inspect.signature(Driver).parameters)
    assert not VARIABLE & {parameter.kind for parameter in own.values()}
    assert "ex_endpoint" in inspect.getfullargspec(cls.__init__).kwonlyargs
    with pytest.raises(TypeError, match=r"no argument 'verify'; did you mean 'ex_verify'\?"):
        cls("alice", "secret", verify=False)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"'ex_ca_certs'; did you mean 'ex_ca_cert'\?"):
        cls("alice", "secret", ex_ca_certs="x")  # type: ignore[call-arg]
