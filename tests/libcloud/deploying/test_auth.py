"""What create_node does with auth: it reaches the machines, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from key_files import Pair, make_pair
from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey

from slipstream.libcloud.errors import BadInput, NoAnswer, RequestFailed
from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver
from slipstream.values.ssh_key import generate

from .conftest import on_nuvla, on_slipstream, profile

Create = Callable[..., Node]
PROFILE, RUN = "/user/alice", ("POST", "/run")


def sent(endpoint: LiveEndpoint) -> list[tuple[str, str]]:
    """The requests about keys and deployments, in order."""
    requests = [(entry.method, entry.path) for entry in endpoint.sandbox.journal]
    return [item for item in requests if item == RUN or item[1] == PROFILE]


def test_features_are_those_of_the_endpoint(endpoint: LiveEndpoint, driver: Driver) -> None:
    expected = [] if endpoint.family == "nuvla" else ["ssh_key"]
    assert driver.features == {"create_node": expected}
    login = (endpoint.sandbox.username, endpoint.sandbox.password)
    options: Any = {"ex_endpoint": endpoint.url, "ex_login_method": "internal"}
    with NuvlaNodeDriver(*login, **options) as other:
        assert other.features == driver.features
    # Those of a class are those of its hosted service.
    assert Driver.features == {"create_node": ["ssh_key"]}
    assert NuvlaNodeDriver.features == {"create_node": []}


@pytest.fixture
def create(endpoint: LiveEndpoint, driver: Driver) -> Create:
    """Create a node; the journal has what that sends alone."""
    image, location = endpoint.image(driver), endpoint.location(driver)
    endpoint.sandbox.journal.clear()
    return lambda **options: driver.create_node("blog", image=image, location=location, **options)


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
def test_auth_is_added_before_the_deployment_beside_another_of_its_name(
    endpoint: LiveEndpoint, driver: Driver, create: Create, pair: Pair, other_pair: Pair
) -> None:
    driver.import_key_pair_from_string("mine", other_pair.public)
    before = profile(endpoint)
    endpoint.sandbox.journal.clear()
    create(auth=pair.auth)
    assert profile(endpoint) == [*before, pair.public]
    requests = sent(endpoint)
    assert requests.index(("PUT", PROFILE)) < requests.index(RUN)
    assert requests.count(("PUT", PROFILE)) == requests.count(RUN) == 1
    endpoint.pass_time()
    assert pair.public in [key.public_key for key in driver.list_key_pairs()]


@on_slipstream
def test_auth_that_is_there_is_not_added_again(
    endpoint: LiveEndpoint, driver: Driver, create: Create, pair: Pair
) -> None:
    driver.import_key_pair_from_string("another name", pair.public)
    before = profile(endpoint)
    # Without auth the profile is not even read.
    for auth, requests in ((pair.auth, [("GET", PROFILE), RUN]), (None, [RUN])):
        endpoint.sandbox.journal.clear()
        create(auth=auth)
        assert sent(endpoint) == requests
    assert profile(endpoint) == before


@on_slipstream
def test_auth_and_deployments_that_fail(endpoint: Any, create: Create, pair: Pair) -> None:
    faults, journal = endpoint.sandbox.faults, endpoint.sandbox.journal
    faults.add("PUT", PROFILE, status=403)
    with pytest.raises(RequestFailed, match="add the SSH key 'mine'"):
        create(auth=pair.auth)
    assert RUN not in sent(endpoint)
    journal.clear()
    with pytest.raises(BadInput, match="did you mean 'wordpress_title'"):
        create(auth=pair.auth, ex_parameters={"wordpress_titel": "Oops"})
    assert sent(endpoint) == []
    assert pair.public not in profile(endpoint)
    for fault in ({"cut": "after"}, {"status": 502}, {"status": 500}, {"status": 409}):
        faults.add(*RUN, times=None, **fault)
        with pytest.raises((RequestFailed, NoAnswer)):
            create(auth=pair.auth)
        assert pair.public in profile(endpoint)  # a key that was added stays
        faults.clear()


@on_slipstream
def test_auth_of_deployments_at_the_same_time(endpoint: Any, create: Any, tmp_path: Path) -> None:
    pairs = [make_pair(tmp_path, f"key-{number}") for number in range(4)]
    before = profile(endpoint)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda pair: create(auth=pair.auth), [*pairs, *pairs]))
    assert sorted(profile(endpoint)) == sorted([*before, *(pair.public for pair in pairs)])


@on_nuvla
def test_auth_where_machines_take_no_keys(endpoint: LiveEndpoint, create: Any, pair: Any) -> None:
    with pytest.raises(BadInput, match="do not put SSH keys into deployments") as caught:
        create(auth=pair.auth)
    assert "log in with a key of the image itself" in str(caught.value)
    assert list(endpoint.sandbox.journal) == []


PRIVATE_KEY = generate("x")[1]
WRONG: list[tuple[Any, type[Exception], str]] = [
    (NodeAuthPassword("hunter2"), BadInput, "cannot be a password"),
    ("ssh-ed25519 AAAA", TypeError, "auth must be a NodeAuthSSHKey, not str."),
    ("", TypeError, "auth must be a NodeAuthSSHKey, not str."),
    (NodeAuthSSHKey(cast(str, None)), TypeError, "must be a string, not NoneType."),
    (NodeAuthSSHKey("ssh-ed25519 AAAA"), BadInput, "is not an SSH public key"),
    (NodeAuthSSHKey(""), BadInput, "is not an SSH public key"),
    (NodeAuthSSHKey(PRIVATE_KEY), BadInput, "That is a private key"),
]


def test_auth_that_cannot_be_right(endpoint: LiveEndpoint, create: Create) -> None:
    for auth, error, sentence in WRONG:
        with pytest.raises(error, match=re.escape(sentence)) as caught:
            create(auth=auth)
        assert "hunter2" not in str(caught.value)
        assert PRIVATE_KEY.splitlines()[1] not in str(caught.value)
    assert list(endpoint.sandbox.journal) == []


@on_slipstream
def test_explain_names_the_key_and_adds_none(endpoint: Any, driver: Driver, pair: Any) -> None:
    before = profile(endpoint)
    plan = driver.ex_explain("create_node", image=endpoint.image(driver), auth=pair.auth)
    changes = [(item.method, item.done) for item in plan.requests if item.method != "GET"]
    assert changes == [("PUT", False), ("POST", False)]
    assert "add the SSH key 'mine'" in str(plan)
    assert (plan.complete, plan.refusals) == (True, ())
    assert profile(endpoint) == before
    account = endpoint.sandbox.world.accounts["alice"]
    secrets = [account.value(name) for name in account.parameters if "password" in name]
    assert any(secrets)
    assert not any(secret in str(plan) for secret in secrets if secret)
