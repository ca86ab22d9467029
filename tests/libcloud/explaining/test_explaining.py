"""What ``ex_explain`` says is what a call really sends, and explaining changes nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint, changed
from key_files import KEY
from libcloud.compute.base import NodeImage, NodeSize

from slipstream.libcloud.errors import BadInput
from slipstream.session.session import PLACEHOLDER

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
CANARY = "hunter2-canary"
Options = dict[str, Any]


@pytest.fixture
def options(endpoint: LiveEndpoint, driver: Driver) -> Options:
    """What create_node needs."""
    options = {"image": endpoint.image(driver), "ex_cloud": endpoint.location(driver).id}
    endpoint.sandbox.journal.clear()
    return options


def explain_and_call(driver: Any, endpoint: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """The explanation of a call that then sends the same, and what it returns."""
    journal = endpoint.sandbox.journal
    journal.clear()
    explanation = driver.ex_explain(method, *args, **kwargs)
    assert changed(endpoint.sandbox) == []
    journal.clear()
    result = getattr(driver, method)(*args, **kwargs)
    assert [
        (item.method, UUID.sub("ID", item.url.removeprefix(endpoint.url)).partition("?")[0])
        for item in explanation.requests
    ] == [(entry.method, UUID.sub("ID", entry.path)) for entry in journal]
    assert explanation.complete
    assert explanation.refusals == ()
    assert all(item.reason for item in explanation.requests)
    return explanation, result


def test_explain_create_node(endpoint: LiveEndpoint, driver: Driver, options: Options) -> None:
    location = endpoint.location(driver)
    arguments = {"image": options["image"], "location": location, "ex_tags": ["a", "b"]}
    explanation, node = explain_and_call(driver, endpoint, "create_node", "blog", **arguments)
    assert node.id in [listed.id for listed in driver.list_nodes()]
    assert any(PLACEHOLDER in item.url for item in explanation.requests)
    assert not any(PLACEHOLDER in entry.path for entry in endpoint.sandbox.journal)
    by_method = driver.ex_explain(driver.create_node, "blog", **arguments)
    assert by_method.method == explanation.method == "create_node"
    assert [item.method for item in by_method.requests] == [
        item.method for item in explanation.requests
    ]


def test_explain_by_ids(endpoint: Any, driver: Driver, options: Options) -> None:
    options["image"] = NodeImage(options["image"].id, None, None)  # type: ignore[arg-type]
    for method, arguments in (("create_node", options), ("list_nodes", {})):
        explanation, _ = explain_and_call(driver, endpoint, method, **arguments)
        assert all(item.done for item in explanation.requests) is (method == "list_nodes")


@pytest.mark.parametrize("stage", ["starting", "running", "ended"])
def test_explain_destroy_node(endpoint: LiveEndpoint, driver: Driver, stage: str) -> None:
    node = endpoint.deploy(driver)
    # SlipStream refuses to terminate what has no machine yet, which no plan can know.
    endpoint.sandbox.clock.advance(31)
    if stage != "starting":
        endpoint.pass_time()
    if stage == "ended":
        driver.destroy_node(node)
        endpoint.pass_time()
    explanation, _ = explain_and_call(driver, endpoint, "destroy_node", node)
    assert any(not item.done for item in explanation.requests)
    text = str(explanation)
    assert text.startswith("destroy_node sends ")
    assert f"{len(explanation.requests)}. (not sent) " in text
    assert "\n    to " in text
    nuvla = endpoint.family == "nuvla"
    node_id = f"deployment/{UNKNOWN}" if nuvla else UNKNOWN
    refusals = driver.ex_explain("destroy_node", node_id).refusals
    assert refusals == () if nuvla else "HTTP 404" in refusals[0]


def test_explain_other_changes(endpoint: LiveEndpoint, driver: Driver) -> None:
    pair = driver.import_key_pair_from_string("there", KEY)
    changes: dict[str, list[Any]] = {
        "delete_image": [endpoint.image(driver)],
        "import_key_pair_from_string": ["mine", KEY],
        "delete_key_pair": [pair],
        "create_key_pair": ["mine"],
    }
    for method, arguments in changes.items():
        explanation = driver.ex_explain(method, *arguments)
        assert explanation.complete
        assert explanation.refusals == ()
        assert any(not item.done for item in explanation.requests)
        assert endpoint.sandbox.password not in str(explanation)
        assert "PRIVATE KEY" not in str(explanation)
    names = [pair.name for pair in driver.list_key_pairs()]
    assert "mine" not in names
    assert "there" in names


def test_explain_lists_all_refusals_at_once(driver: Driver, options: Options) -> None:
    options |= {"ex_cloud": "atlantis", "ex_check_ssh_key": True}
    options["size"] = NodeSize("nothing-like-that", "x", 0, 0, 0, 0, driver)
    options["ex_parameters"] = {"first_typo": "1", "second_typo": "2"}
    explanation = driver.ex_explain("create_node", **options)
    text = str(explanation)
    assert all(word in text for word in ("first_typo", "second_typo", "atlantis"))
    assert "nothing-like-that" in text or "The only size here" in text
    assert len(set(explanation.refusals)) == len(explanation.refusals) >= 4
    assert not explanation.complete
    assert driver.list_nodes() == []


def test_explain_a_call_refused_before_any_request(endpoint: Any, driver: Driver) -> None:
    arguments: Any = {"name": "a,b", "image": NodeImage("x", "x", driver)}
    explanation = driver.ex_explain("create_node", **arguments)
    assert explanation.requests == ()
    with pytest.raises(BadInput, match="comma") as caught:
        driver.create_node(**arguments)
    assert explanation.refusals == (str(caught.value),)
    assert len(endpoint.sandbox.journal) == 0


def test_explain_shows_no_secret(driver: Driver, options: Options) -> None:
    names = [parameter["name"] for parameter in options["image"].extra["parameters"]]
    passwords = [name for name in names if "password" in name.lower()]
    assert passwords
    options["ex_parameters"] = dict.fromkeys(passwords, CANARY)
    explanation = driver.ex_explain("create_node", **options)
    assert explanation.refusals == ()
    assert CANARY not in repr(explanation) + str(explanation)
    assert "***" in str(explanation)


def test_explain_refuses_other_methods(driver: Driver) -> None:
    for method in ("ex_wait_node_in_state", "close", "ex_explain", "nonsense"):
        with pytest.raises(BadInput, match="create_node") as caught:
            driver.ex_explain(method)
        cannot = str(caught.value).startswith(f"{method}() cannot be explained")
        assert cannot is (method != "nonsense")
    with pytest.raises(TypeError, match="did you mean 'ex_cloud'"):
        driver.ex_explain("create_node", cloud="x")
