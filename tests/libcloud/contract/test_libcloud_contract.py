"""libcloud's contract: its own tests, its signatures, and what no server here supports."""

from __future__ import annotations

import inspect
import unittest
from inspect import Parameter
from typing import Any

# The module, for pytest would collect a class whose name starts with Test.
import libcloud.test.compute as libclouds
import pytest
from endpoints_under_test import Driver, LiveEndpoint
from libcloud.compute.base import Node, NodeDriver
from supported_methods import public_methods

from slipstream.libcloud.errors import NotSupported
from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver

NAMES = [name for name in dir(libclouds.TestCaseMixin) if name.startswith("test_")]


class Case(libclouds.TestCaseMixin, unittest.TestCase):
    __test__ = False
    driver: Driver


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("name", NAMES)
def test_of_libcloud(endpoint: LiveEndpoint, name: str) -> None:
    assert len(NAMES) == 9
    case = Case(name)
    # libcloud's test of create_node gives no location.
    case.driver = endpoint.login(region="swarm-lausanne" if endpoint.family == "nuvla" else None)
    endpoint.deploy(case.driver)
    endpoint.pass_time()
    if (endpoint.family, name) == ("slipstream", "test_reboot_node_response"):
        # A run cannot be rebooted, which libcloud's test takes for granted.
        with pytest.raises(NotSupported, match=r"cannot reboot a deployment.*\(\)"):
            getattr(case, name)()
    else:
        getattr(case, name)()


VARIABLE = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
PASS_KEYWORDS_ON = {"deploy_node", "ex_explain"}


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


@pytest.mark.parametrize("name", sorted(set(public_methods()) - PASS_KEYWORDS_ON))
def test_unknown_keyword_names_the_nearest(name: str) -> None:
    method = getattr(Driver, name)
    names = list(parameters(method))
    wrong = f"{names[-1]}x" if names else "nothing"
    with pytest.raises(TypeError) as caught:
        method(object.__new__(Driver), **{wrong: None})
    assert repr(wrong) in str(caught.value)
    assert not names or f"did you mean {names[-1]!r}" in str(caught.value)


@pytest.mark.parametrize("cls", [Driver, NuvlaNodeDriver])
def test_constructor_has_libclouds_arguments_and_its_own(cls: Any) -> None:
    own, base = inspect.signature(cls).parameters, list(parameters(NodeDriver.__init__))
    assert [name for name in own if name in base][:6] == base[:6]
    assert set(base) <= set(own)
    assert list(own) == list(inspect.signature(Driver).parameters)
    assert not VARIABLE & {parameter.kind for parameter in own.values()}
    assert "ex_endpoint" in inspect.getfullargspec(cls.__init__).kwonlyargs
    for wrong, near in (("verify", "ex_verify"), ("ex_ca_certs", "ex_ca_cert")):
        with pytest.raises(TypeError, match=rf"'{wrong}'; did you mean '{near}'\?"):
            cls("alice", "secret", **{wrong: False})


def a_node(driver: Any) -> Node:
    return Node("0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab", None, None, None, None, driver)  # type: ignore[arg-type]


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
def test_not_supported_by_the_family(driver: Any, endpoint: LiveEndpoint) -> None:
    for method in ("start_node", "stop_node", "reboot_node", "ex_update_node"):
        with pytest.raises(NotSupported, match=f"^{endpoint.name} endpoints cannot") as caught:
            getattr(driver, method)(a_node(driver))
        assert "create_node()" in str(caught.value)
        assert caught.value.endpoint == endpoint.url
    with pytest.raises(TypeError, match="volume"):
        driver.attach_volume(a_node(driver))
    assert len(endpoint.sandbox.journal) == 0
