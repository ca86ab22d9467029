"""What create_node does with auth: it reaches the machines, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from key_files import Pair, make_pair
from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey

from slipstream.backends import SlipStream3
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.errors import BadInput, NoAnswer, RequestFailed
from slipstream.libcloud.nuvla_driver import NuvlaNodeDriver
from slipstream.values.deployment_request import DeploymentRequest
from slipstream.values.ssh_key import SSHKey

from .conftest import profile

Deploy = Callable[..., Node]

with_keys = pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
PROFILE = "/user/alice"


def asked(endpoint: LiveEndpoint) -> list[tuple[str, str]]:
    """The requests about keys and deployments, in order."""
    return [
        (entry.method, entry.path)
        for entry in endpoint.sandbox.journal
        if entry.path in {PROFILE, "/run"} and (entry.method, entry.path) != ("GET", "/run")
    ]


def test_the_features_of_a_driver_are_those_of_its_endpoint(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    expected = [] if endpoint.family == "nuvla" else ["ssh_key"]
    assert driver.features == {"create_node": expected}


def test_the_features_of_a_class_are_those_of_its_hosted_service() -> None:
    assert Driver.features == {"create_node": ["ssh_key"]}
    assert NuvlaNodeDriver.features == {"create_node": []}


def test_the_features_do_not_depend_on_the_class(endpoint: LiveEndpoint) -> None:
    given = (endpoint.sandbox.username, endpoint.sandbox.password)
    options = {"ex_endpoint": endpoint.url, "ex_login_method": "internal"}
    with NuvlaNodeDriver(*given, **options) as driver:
        assert driver.features == endpoint.login().features


@pytest.fixture
def deploy(endpoint: LiveEndpoint, driver: Driver) -> Deploy:
    """Deploy; nothing but what that sends is left in the journal."""
    given = {"image": endpoint.image(driver), "location": endpoint.location(driver)}
    endpoint.sandbox.journal.clear()
    return lambda **options: driver.create_node("blog", **given, **options)


@with_keys
class TestWhereMachinesTakeKeys:
    def test_create_node_adds_the_key_before_it_deploys(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        before = profile(endpoint)
        node = deploy(auth=pair.auth)
        assert profile(endpoint) == [*before, pair.public]
        order = asked(endpoint)
        assert order.index(("PUT", PROFILE)) < order.index(("POST", "/run"))
        assert order.count(("PUT", PROFILE)) == order.count(("POST", "/run")) == 1
        assert node.name == "blog"

    def test_it_stays_there_and_is_one_of_the_key_pairs(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        deploy(auth=pair.auth)
        endpoint.pass_time()
        assert driver.get_key_pair("mine").public_key == pair.public

    def test_a_key_that_is_there_under_any_name_is_not_added_again(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        driver.import_key_pair_from_string("another name", pair.public)
        before = profile(endpoint)
        endpoint.sandbox.journal.clear()
        deploy(auth=pair.auth)
        assert profile(endpoint) == before
        assert asked(endpoint) == [("GET", PROFILE), ("POST", "/run")]

    def test_another_key_of_the_same_name_stays_beside_it(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair, stranger: Pair
    ) -> None:
        driver.import_key_pair_from_string("mine", stranger.public)
        before = profile(endpoint)
        deploy(auth=pair.auth)
        assert profile(endpoint) == [*before, pair.public]

    def test_without_auth_the_profile_is_not_even_read(
        self, endpoint: LiveEndpoint, deploy: Deploy
    ) -> None:
        deploy()
        assert asked(endpoint) == [("POST", "/run")]


REFUSAL: dict[str, Any] = {
    "status": 409,
    "body": '<error code="409">No.</error>',
    "headers": {"Content-Type": "application/xml"},
}


@on_slipstream
class TestWhenDeployingFails:
    def test_it_stays_when_it_was_there_before(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        driver.import_key_pair_from_string("mine", pair.public)
        before = profile(endpoint)
        endpoint.sandbox.faults.add("POST", "/run", **REFUSAL)
        with pytest.raises(RequestFailed):
            deploy(auth=pair.auth)
        assert profile(endpoint) == before

    @pytest.mark.parametrize(
        "fault", [{"cut": "after"}, {"status": 502}, {"status": 500}, {"status": 409}]
    )
    def test_an_added_key_stays(
        self,
        endpoint: LiveEndpoint,
        driver: Driver,
        deploy: Deploy,
        pair: Pair,
        fault: dict[str, Any],
    ) -> None:
        endpoint.sandbox.faults.add("POST", "/run", times=None, **fault)
        with pytest.raises((RequestFailed, NoAnswer)):
            deploy(auth=pair.auth)
        assert pair.public in profile(endpoint)

    def test_nothing_is_deployed_when_the_key_cannot_be_added(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        endpoint.sandbox.faults.add("PUT", PROFILE, status=403)
        with pytest.raises(RequestFailed, match="add the SSH key 'mine'"):
            deploy(auth=pair.auth)
        assert ("POST", "/run") not in asked(endpoint)

    def test_nothing_is_added_for_a_deployment_that_cannot_be_right(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        with pytest.raises(BadInput, match="did you mean 'wordpress_title'"):
            deploy(auth=pair.auth, ex_parameters={"wordpress_titel": "Oops"})
        assert asked(endpoint) == []

    def test_deployments_at_the_same_time_lose_no_key(
        self, endpoint: LiveEndpoint, deploy: Deploy, tmp_path: Path
    ) -> None:
        pairs = [make_pair(tmp_path, f"key-{number}") for number in range(6)]
        before = profile(endpoint)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda pair: deploy(auth=pair.auth), pairs))
        assert sorted(profile(endpoint)) == sorted([*before, *(pair.public for pair in pairs)])

    def test_a_refused_deployment_takes_no_key_from_another_at_the_same_time(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        endpoint.sandbox.faults.add("POST", "/run", times=3, **REFUSAL)

        def attempt(_: int) -> bool:
            try:
                deploy(auth=pair.auth)
            except RequestFailed:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(attempt, range(6))) == [False] * 3 + [True] * 3
        assert profile(endpoint).count(pair.public) == 1


class TestRefused:
    @pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
    def test_a_key_where_nothing_would_take_it(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        with pytest.raises(BadInput, match="put no SSH keys into what they deploy") as caught:
            deploy(auth=pair.auth)
        assert "log in with a key that the image itself lets in" in str(caught.value)
        assert list(endpoint.sandbox.journal) == []

    @pytest.mark.parametrize(
        ("auth", "error", "sentence"),
        [
            (NodeAuthPassword("hunter2"), BadInput, "cannot be given a password"),
            ("ssh-ed25519 AAAA", TypeError, "auth must be a NodeAuthSSHKey, not str."),
            ("", TypeError, "auth must be a NodeAuthSSHKey, not str."),
            (NodeAuthSSHKey(None), TypeError, "must be a string, not NoneType."),
            (NodeAuthSSHKey("ssh-ed25519 AAAA"), BadInput, "is no SSH public key"),
            (NodeAuthSSHKey(""), BadInput, "is no SSH public key"),
        ],
    )
    def test_what_cannot_be_right_costs_no_request(
        self,
        endpoint: LiveEndpoint,
        deploy: Deploy,
        auth: Any,
        error: type[Exception],
        sentence: str,
    ) -> None:
        with pytest.raises(error, match=re.escape(sentence)) as caught:
            deploy(auth=auth)
        assert "hunter2" not in str(caught.value)
        assert list(endpoint.sandbox.journal) == []

    def test_a_private_key_by_mistake_is_not_shown(
        self, endpoint: LiveEndpoint, driver: Driver, deploy: Deploy, pair: Pair
    ) -> None:
        text = pair.file.read_text("utf-8")
        with pytest.raises(BadInput, match="That is a private key") as caught:
            deploy(auth=NodeAuthSSHKey(text))
        assert text.splitlines()[1] not in str(caught.value)


@on_slipstream
def test_a_rehearsal_tells_of_the_key_and_adds_none(
    endpoint: LiveEndpoint, driver: Driver, pair: Pair
) -> None:
    before = profile(endpoint)
    told = driver.ex_explain("create_node", image=endpoint.image(driver), auth=pair.auth)
    changes = [(one.method, one.done) for one in told.requests if one.method != "GET"]
    assert changes == [("PUT", False), ("POST", False)]
    assert "add the SSH key 'mine'" in str(told)
    assert (told.complete, told.refusals) == (True, ())
    assert profile(endpoint) == before
    account = endpoint.sandbox.world.accounts["alice"]
    secrets = [account.value(name) for name in account.parameters if "password" in name]
    assert any(secrets)
    assert not any(secret in str(told) for secret in secrets if secret)


@pytest.mark.parametrize("endpoint", ["campus"], indirect=True)
def test_a_backend_without_takes_ssh_keys_gets_none(
    endpoint: LiveEndpoint, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = endpoint.login()
    assert driver._backend.takes_ssh_keys
    monkeypatch.setattr(SlipStream3, "takes_ssh_keys", False)
    before = profile(endpoint)
    request = DeploymentRequest(
        module_id="apps/WordPress/wordpress", ssh_key=SSHKey.parse(pair.public)
    )
    endpoint.sandbox.journal.clear()
    with pytest.raises(BadInput, match="campus endpoints put no SSH keys"):
        driver._backend.deploy(request)
    assert list(endpoint.sandbox.journal) == []
    assert profile(endpoint) == before
