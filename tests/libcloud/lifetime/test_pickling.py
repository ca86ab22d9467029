"""What goes to another process takes no secret along, and is good for another driver there."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.types import InvalidCredsError

from slipstream.libcloud.errors import BadInput, InvalidCredentials
from slipstream.redaction.secrets import written
from slipstream.sandbox import Sandbox

from .support import DEADLINE, Driver, arguments_of, destroy_elsewhere, own_methods

SECRETLESS = "was pickled without its secrets.* Make a new driver for http"
PROXY_PASSWORD = "canary-of-the-proxy"
OWN_TOKEN = "canary-of-a-subclass"


class OwnDriver(Driver):
    """A driver of a program that keeps more in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.token = OWN_TOKEN


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> Driver:
    return endpoint.login()


def again(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def given_out(endpoint: LiveEndpoint, driver: Driver) -> dict[str, Any]:
    """One of each thing that carries its driver."""
    node = endpoint.deploy(driver)
    endpoint.pass_time()
    return {
        "driver": driver,
        "node": driver.ex_get_node(node.id),
        "image": endpoint.image(driver),
        "location": endpoint.location(driver),
        "sizes": driver.list_sizes(),
        "key pair": driver.list_key_pairs()[0],
        "machine": driver.ex_list_virtual_machines()[0],
        "connection": driver.connection,
        "answer": driver.connection.request("/api/cloud-entry-point"),
    }


def canaries(endpoint: LiveEndpoint, driver: Driver) -> Iterator[str]:
    user = endpoint.sandbox.users[endpoint.sandbox.username]
    yield from (endpoint.sandbox.password, user.secret, endpoint.sandbox.secret, PROXY_PASSWORD)
    yield from (OWN_TOKEN, *[str(cookie.value) for cookie in driver._session.cookies])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_secret_is_in_the_pickle_of_anything(endpoint: LiveEndpoint, protocol: int) -> None:
    sandbox = endpoint.sandbox
    options = {"ex_endpoint": endpoint.url, "retry_delay": 0.001, "ex_login_method": "internal"}
    with OwnDriver(sandbox.username, sandbox.password, **options) as driver:
        things = given_out(endpoint, driver)
        secrets = [form for one in canaries(endpoint, driver) for form in written(one)]
        driver.connection.set_http_proxy(f"http://proxy:{PROXY_PASSWORD}@127.0.0.1:9")
        for name, thing in things.items():
            pickled = pickle.dumps(thing, protocol)
            assert not [one for one in secrets if one.encode() in pickled], name
            assert pickle.loads(pickled) is not None


def test_the_secret_of_an_api_key_and_the_fields_of_a_login_stay_behind(
    endpoint: LiveEndpoint,
) -> None:
    key, secret = endpoint.sandbox.key, endpoint.sandbox.secret
    for given, options in (
        (secret, {}),
        ("overridden", {"ex_login_parameters": {"secret": secret}}),
    ):
        with endpoint.login(key, given, **options) as driver:
            pickled = pickle.dumps(driver)
        assert not [one for one in (key, secret, "overridden") if one.encode() in pickled]


def test_what_was_pickled_is_what_it_was(endpoint: LiveEndpoint, driver: Driver) -> None:
    for thing in given_out(endpoint, driver).values():
        other = again(thing)
        assert type(other) is type(thing)
        for name, value in vars(thing).items() if hasattr(thing, "extra") else ():
            if name not in {"driver", "image", "size"}:
                assert getattr(other, name) == value, name
    node = driver.ex_get_node(driver.list_nodes()[0].id)
    assert (again(node).uuid, again(node).image.id) == (node.uuid, node.image.id)


def test_a_pickled_driver_still_tells_what_it_was(endpoint: LiveEndpoint, driver: Driver) -> None:
    other = again(driver)
    for name in ("name", "type", "ex_endpoint", "features", "api_version", "region", "website"):
        assert getattr(other, name) == getattr(driver, name), name
    for name in ("host", "port", "secure", "request_path"):
        assert getattr(other.connection, name) == getattr(driver.connection, name), name
    kind = driver._session.kind.name
    assert repr(other) == (
        f"<SlipStreamNodeDriver for {endpoint.url} ({kind}), without its secrets>"
    )
    assert repr(again(other)) == repr(other)
    other.close()


def test_every_method_of_a_pickled_driver_says_why_not(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    other = again(driver)
    endpoint.sandbox.journal.clear()
    for name in own_methods():
        with pytest.raises(InvalidCredentials, match=SECRETLESS) as caught:
            getattr(other, name)(*arguments_of(getattr(other, name)))
        assert caught.value.endpoint == endpoint.url
    for call in (lambda: other.connection.request("/"), other.__enter__):
        with pytest.raises(InvalidCredsError, match=SECRETLESS):
            call()
    assert len(endpoint.sandbox.journal) == 0


def test_a_pickled_node_says_why_it_cannot_be_destroyed_by_itself(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = again(endpoint.deploy(driver))
    with pytest.raises(InvalidCredentials, match=SECRETLESS):
        node.destroy()


def test_a_pickled_node_is_accepted_by_a_driver_for_its_endpoint(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node, other = again(endpoint.deploy(driver)), endpoint.login()
    assert other.destroy_node(node)


def test_a_pickled_node_is_refused_by_a_driver_for_another_endpoint(
    endpoint: LiveEndpoint, driver: Driver
) -> None:
    node = again(endpoint.deploy(driver))
    with Sandbox(speed=0) as elsewhere:
        options = {"ex_endpoint": elsewhere.url, "ex_login_method": "internal"}
        with (
            Driver(elsewhere.username, elsewhere.password, **options) as other,
            pytest.raises(BadInput, match="belongs to"),
        ):
            other.destroy_node(node)


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_a_node_goes_to_another_process(family: str) -> None:
    with Sandbox(family=family, speed=0) as sandbox:
        endpoint = LiveEndpoint(family, sandbox)
        node = endpoint.deploy(endpoint.login(), "elsewhere")
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawning) as pool:
            task = pool.submit(destroy_elsewhere, node, sandbox.username, sandbox.password)
            assert task.result(DEADLINE) == "elsewhere"
        endpoint.pass_time()
        assert endpoint.login().list_nodes() == []
        endpoint.close()


def test_copies_share_the_driver(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver)
    for copied in (copy.copy(node), copy.deepcopy(node), copy.deepcopy([node])[0]):
        assert copied is not node
        assert copied.driver is driver
    assert copy.deepcopy(node).extra is not node.extra
    assert copy.copy(driver) is copy.deepcopy(driver) is driver
    assert copy.copy(driver.connection) is copy.deepcopy(driver.connection) is driver.connection
    assert copy.deepcopy(node).destroy()


def test_what_holds_the_secrets_is_not_pickled_by_itself(driver: Driver) -> None:
    for thing in (driver._session, driver._session.transport):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="it holds secrets"):
                attempt(thing)


def test_a_driver_says_in_few_words_what_it_is(endpoint: LiveEndpoint, driver: Driver) -> None:
    kind = driver._session.kind.name
    assert repr(driver) == f"<SlipStreamNodeDriver for {endpoint.url} ({kind})>"
    driver.close()
    assert repr(driver) == f"<SlipStreamNodeDriver for {endpoint.url} ({kind}), closed>"
    assert str(driver) == repr(driver)


def test_a_driver_that_was_not_made_has_a_repr_and_can_be_closed() -> None:
    driver = Driver.__new__(Driver)
    driver.close()
    assert repr(driver) == "<SlipStreamNodeDriver, not logged in>"
