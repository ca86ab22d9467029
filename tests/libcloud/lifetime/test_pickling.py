"""What goes to another process takes no secret along, and is good for another driver there."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any, cast

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.types import InvalidCredsError

from slipstream.libcloud.errors import BadInput, InvalidCredentials
from slipstream.redaction import notations
from slipstream.sandbox import Sandbox

from .support import DEADLINE, Driver, go_on_elsewhere, methods_of

SECRETLESS = "was pickled without its secrets.* Make a new driver for http"
PROXY_PASSWORD = "canary-of-the-proxy"
OWN_TOKEN = "canary-of-a-subclass"


class OwnDriver(Driver):
    """A driver of a program that stores more in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.token = OWN_TOKEN


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def objects(endpoint: LiveEndpoint, driver: Driver) -> dict[str, Any]:
    """One of each thing that has its driver."""
    node, connection = endpoint.deploy(driver), cast(Any, driver.connection)
    endpoint.pass_time()
    return {
        "driver": driver,
        "node": driver.ex_get_node(node.id),
        "image": endpoint.image(driver),
        "location": endpoint.location(driver),
        "sizes": driver.list_sizes(),
        "key pair": driver.list_key_pairs()[0],
        "machine": driver.ex_list_virtual_machines()[0],
        "connection": connection,
        "response": connection.request("/api/cloud-entry-point"),
    }


def test_pickle_of_anything_is_what_it_was_and_holds_no_secret(endpoint: LiveEndpoint) -> None:
    sandbox = endpoint.sandbox
    options: Any = {"ex_endpoint": endpoint.url, "ex_login_method": "internal"}
    with OwnDriver(sandbox.username, sandbox.password, **options) as driver:
        things = objects(endpoint, driver)
        secrets = [sandbox.password, sandbox.users[sandbox.username].secret, sandbox.secret]
        secrets += [PROXY_PASSWORD, OWN_TOKEN, *(str(c.value) for c in driver._session.cookies)]
        canaries = [form.encode() for secret in secrets for form in notations(secret)]
        things["connection"].set_http_proxy(f"http://proxy:{PROXY_PASSWORD}@127.0.0.1:9")
        for name, thing in things.items():
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                data = pickle.dumps(thing, protocol)
                assert not [canary for canary in canaries if canary in data], name
                other = pickle.loads(data)
            assert type(other) is type(thing)
            for attribute, value in vars(thing).items() if hasattr(thing, "extra") else ():
                if attribute not in {"driver", "image", "size"}:
                    assert getattr(other, attribute) == value, (name, attribute)
        node, other = things["node"], pickled(things["node"])
        assert (other.uuid, other.image.id) == (node.uuid, node.image.id)


def test_pickle_of_a_driver_holds_no_api_key(endpoint: LiveEndpoint) -> None:
    key, secret = endpoint.sandbox.key, endpoint.sandbox.secret
    overridden: Any = {"secret": "overridden", "ex_login_parameters": {"secret": secret}}
    for login in ({"secret": secret}, overridden):
        with endpoint.login(key, **login) as driver:
            data = pickle.dumps(driver)
        assert not [text for text in (key, secret, "overridden") if text.encode() in data]


def test_pickled_driver_says_what_it_was(endpoint: LiveEndpoint, driver: Driver) -> None:
    other = pickled(driver)
    for name in ("name", "type", "ex_endpoint", "features", "api_version", "region", "website"):
        assert getattr(other, name) == getattr(driver, name), name
    for name in ("host", "port", "secure", "request_path"):
        assert getattr(other.connection, name) == getattr(driver.connection, name), name
    text = f"<SlipStreamNodeDriver for {endpoint.url} ({endpoint.name}), without its secrets>"
    assert repr(other) == repr(pickled(other)) == text
    endpoint.sandbox.journal.clear()
    for call in methods_of(other).values():
        with pytest.raises(InvalidCredentials, match=SECRETLESS) as caught:
            call()
        assert caught.value.endpoint == endpoint.url
    for call in (lambda: other.connection.request("/"), other.__enter__):
        with pytest.raises(InvalidCredsError, match=SECRETLESS):
            call()
    assert len(endpoint.sandbox.journal) == 0
    other.close()


def test_pickled_node_needs_a_driver(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = pickled(endpoint.deploy(driver))
    with pytest.raises(InvalidCredentials, match=SECRETLESS):
        node.destroy()
    with Sandbox(speed=0) as elsewhere:
        options: Any = {"ex_endpoint": elsewhere.url, "ex_login_method": "internal"}
        with (
            Driver(elsewhere.username, elsewhere.password, **options) as other,
            pytest.raises(BadInput, match="belongs to"),
        ):
            other.destroy_node(node)
    assert endpoint.login().destroy_node(node)


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
def test_pickled_wait_and_node_in_another_process(endpoint: LiveEndpoint, driver: Driver) -> None:
    operation = driver.ex_operation(endpoint.deploy(driver, "elsewhere")).poll()
    endpoint.pass_time()
    (node,), sandbox = driver.list_nodes(), endpoint.sandbox
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as pool:
        login = (sandbox.username, sandbox.password)
        result = pool.submit(go_on_elsewhere, operation, node, *login).result(DEADLINE)
    assert (result.done, result.state) == (True, node.extra["state"])
    assert result.history[: len(operation.history)] == operation.history
    assert len(result.history) > len(operation.history)
    assert driver.ex_wait_node_in_state(node, "terminated")


def test_copies_share_the_driver(endpoint: LiveEndpoint, driver: Driver) -> None:
    node = endpoint.deploy(driver)
    for copied in (copy.copy(node), copy.deepcopy(node), copy.deepcopy([node])[0]):
        assert copied is not node
        assert copied.driver is driver
    assert copy.deepcopy(node).extra is not node.extra
    assert copy.copy(driver) is copy.deepcopy(driver) is driver
    assert copy.copy(driver.connection) is copy.deepcopy(driver.connection) is driver.connection
    for holder in (driver._session, driver._session.transport):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="it holds secrets"):
                attempt(holder)


def test_repr_of_a_driver(endpoint: LiveEndpoint, driver: Driver) -> None:
    text = f"<SlipStreamNodeDriver for {endpoint.url} ({endpoint.name})"
    assert repr(driver) == str(driver) == f"{text}>"
    driver.close()
    assert repr(driver) == f"{text}, closed>"
    blank = Driver.__new__(Driver)
    blank.close()
    assert repr(blank) == "<SlipStreamNodeDriver, not logged in>"
