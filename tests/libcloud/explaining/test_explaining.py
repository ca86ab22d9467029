"""What ``ex_explain`` says is what a call really sends, and nothing is changed by asking."""

from __future__ import annotations

import re

import pytest
from libcloud.compute.base import Node, NodeImage, NodeSize

from slipstream.libcloud.errors import BadInput
from slipstream.session.session import PLACEHOLDER

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOBODYS = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
CANARY = "hunter2-canary"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"


@pytest.fixture
def driver(endpoint):
    return endpoint.login()


def sent(endpoint):
    """What the server was asked, the ids that it gave left out."""
    return [
        (entry.method, UUID.sub("ID", entry.path)) for entry in endpoint.sandbox.journal.entries()
    ]


def told(explanation, endpoint):
    return [
        (request.method, UUID.sub("ID", request.url.removeprefix(endpoint.url)).partition("?")[0])
        for request in explanation.requests
    ]


def changes(endpoint):
    """What was asked that is no read; a PUT with a form is a search."""
    return [e for e in endpoint.sandbox.journal if e.method != "GET" and e.form is None] + [
        e for e in endpoint.sandbox.journal if e.method == "POST"
    ]


def as_really_done(driver, endpoint, method, *args, **options):
    """Explain a call, then make it; the requests told and those really sent."""
    endpoint.sandbox.journal.clear()
    explanation = driver.ex_explain(method, *args, **options)
    assert changes(endpoint) == []
    endpoint.sandbox.journal.clear()
    result = getattr(driver, method)(*args, **options)
    return explanation, told(explanation, endpoint), sent(endpoint), result


def test_create_node_sends_what_was_told(endpoint, driver):
    image, location = endpoint.image(driver), endpoint.location(driver)
    options = {"image": image, "location": location, "ex_tags": ["a", "b"]}
    explanation, expected, real, node = as_really_done(
        driver, endpoint, "create_node", "blog", **options
    )
    assert expected == real
    assert explanation.complete
    assert explanation.refusals == ()
    assert node.id in [one.id for one in driver.list_nodes()]
    assert all(request.reason for request in explanation.requests)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("delete_image", lambda endpoint, driver: [endpoint.image(driver)]),
        ("import_key_pair_from_string", lambda *_: ["mine", KEY]),
        ("delete_key_pair", lambda _, d: [d.import_key_pair_from_string("mine", KEY)]),
    ],
    ids=["delete_image", "import_key_pair", "delete_key_pair"],
)
def test_all_requests_of_other_changes_are_told(endpoint, driver, method, arguments):
    explanation = driver.ex_explain(method, *arguments(endpoint, driver))
    assert explanation.complete
    assert explanation.refusals == ()
    assert [request.done for request in explanation.requests].count(False) >= 1


def test_create_node_by_ids_alone_sends_what_was_told(endpoint, driver):
    image = NodeImage(endpoint.image(driver).id, None, None)
    options = {"image": image, "ex_cloud": endpoint.location(driver).id}
    _, expected, real, _ = as_really_done(driver, endpoint, "create_node", **options)
    assert expected == real


@pytest.mark.parametrize("stage", ["starting", "running", "ended"])
def test_destroy_node_sends_what_was_told(endpoint, driver, stage):
    node = endpoint.deploy(driver)
    if stage == "starting":
        # SlipStream refuses to terminate what has no machine yet, which no plan can know.
        endpoint.sandbox.clock.advance(31)
    else:
        endpoint.pass_time()
    if stage == "ended":
        driver.destroy_node(node)
        endpoint.pass_time()
    explanation, expected, real, _ = as_really_done(driver, endpoint, "destroy_node", node)
    assert expected == real
    assert explanation.complete
    assert explanation.refusals == ()
    assert any(not request.done for request in explanation.requests)


def test_destroying_what_does_not_exist_is_told_as_what_would_come_of_it(endpoint, driver):
    node = Node(f"deployment/{NOBODYS}" if endpoint.family == "nuvla" else NOBODYS,
                None, None, None, None, driver)  # fmt: skip
    explanation = driver.ex_explain("destroy_node", node)
    if endpoint.family == "nuvla":
        assert explanation.refusals == ()
        assert driver.destroy_node(node)
    else:
        assert "HTTP 404" in explanation.refusals[0]


def test_every_refusal_that_can_be_known_is_told_at_once(endpoint, driver):
    size = NodeSize("nothing-like-that", "x", 0, 0, 0, 0, driver)
    explanation = driver.ex_explain(
        "create_node",
        image=endpoint.image(driver),
        size=size,
        ex_cloud="atlantis",
        ex_parameters={"first_typo": "1", "second_typo": "2"},
        ex_check_ssh_key=True,
    )
    text = str(explanation)
    for wrong in ("first_typo", "second_typo", "atlantis"):
        assert wrong in text
    assert "nothing-like-that" in text or "no sizes here" in text
    assert len(explanation.refusals) >= 4
    assert len(set(explanation.refusals)) == len(explanation.refusals)
    assert not explanation.complete
    assert driver.list_nodes() == []


def test_what_a_real_call_refuses_is_among_the_refusals(endpoint, driver):
    options = {"image": endpoint.image(driver), "ex_parameters": {"first_typo": "1"}}
    options["ex_cloud"] = endpoint.location(driver).id
    explanation = driver.ex_explain("create_node", **options)
    with pytest.raises(BadInput) as refused:
        driver.create_node(**options)
    assert str(refused.value) in explanation.refusals


def test_a_call_refused_before_any_request_tells_why(endpoint, driver):
    endpoint.sandbox.journal.clear()
    explanation = driver.ex_explain("create_node", "a,b", image=NodeImage("x", "x", driver))
    assert explanation.requests == ()
    assert "comma" in explanation.refusals[0]
    assert sent(endpoint) == []


def test_no_secret_is_told(endpoint, driver):
    options = {"image": endpoint.image(driver), "ex_cloud": endpoint.location(driver).id}
    wanted = [
        parameter["name"]
        for parameter in options["image"].extra["parameters"]
        if "password" in parameter["name"].lower()
    ]
    assert wanted
    options["ex_parameters"] = dict.fromkeys(wanted, CANARY)
    explanation = driver.ex_explain("create_node", **options)
    assert explanation.refusals == ()
    assert CANARY not in repr(explanation) + str(explanation)
    assert "***" in str(explanation)
    keys = driver.ex_explain("create_key_pair", "laptop")
    assert endpoint.sandbox.password not in str(keys)
    assert "PRIVATE KEY" not in str(keys)


def test_key_pairs_are_not_made_by_asking(endpoint, driver):
    before = [pair.name for pair in driver.list_key_pairs()]
    driver.ex_explain("create_key_pair", "laptop-of-nobody")
    assert [pair.name for pair in driver.list_key_pairs()] == before


def test_ids_that_only_the_server_can_give_are_seen_to_be_none(endpoint, driver):
    explanation = driver.ex_explain(
        "create_node", image=endpoint.image(driver), ex_cloud=endpoint.location(driver).id
    )
    assert any(PLACEHOLDER in request.url for request in explanation.requests)
    assert PLACEHOLDER not in str(sent(endpoint))


def test_reads_are_done_and_told(endpoint, driver):
    explanation, expected, real, _ = as_really_done(driver, endpoint, "list_nodes")
    assert expected == real
    assert explanation.complete
    assert all(request.done for request in explanation.requests)


def test_printing_it_numbers_the_requests_and_says_which_were_not_sent(endpoint, driver):
    node = endpoint.deploy(driver)
    text = str(driver.ex_explain("destroy_node", node))
    assert text.startswith("destroy_node sends ")
    assert "1. (not sent) " in text
    assert "\n    to " in text


@pytest.mark.parametrize("method", ["ex_wait_node_in_state", "close", "ex_explain", "nonsense"])
def test_what_cannot_be_explained_is_refused(endpoint, driver, method):
    with pytest.raises(BadInput, match="create_node") as raised:
        driver.ex_explain(method)
    if method != "nonsense":
        assert str(raised.value).startswith(f"{method}() cannot be explained")


def test_arguments_that_the_method_does_not_take_are_a_type_error(endpoint, driver):
    with pytest.raises(TypeError, match="did you mean 'ex_cloud'"):
        driver.ex_explain("create_node", cloud="x")
