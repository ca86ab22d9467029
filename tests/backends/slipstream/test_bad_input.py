"""What cannot be right is refused before it is sent."""

from __future__ import annotations

from typing import Any

import pytest
from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput
from slipstream.sandbox import Sandbox

from .support import NOBODYS_RUN, SYSTEM, UBUNTU, WORDPRESS, Driver, changed

OF_THE_FORM = "always, never, on-success, on-error"
Refused = list[tuple[dict[str, Any], str]]
COMPONENT: Refused = [
    ({"name": ""}, "The name is empty"),
    ({"name": "  "}, "The name is empty"),
    ({"name": " a"}, "starts or ends with a blank"),
    ({"name": "a,b"}, "holds a comma"),
    *(({"name": name}, "holds control characters") for name in ("a\nb", "a\x00b", "a\ud800b")),
    ({"ex_tags": ["a,b"]}, "holds a comma"),
    ({"ex_tags": [""]}, "The tag is empty"),
    ({"ex_tags": ["a\tb"]}, "control characters"),
    ({"ex_multiplicity": {"machine": 2}}, "ex_multiplicity only apply to applications"),
    ({"ex_tolerate_failures": {"m": 1}}, "ex_tolerate_failures only apply to applications"),
    ({"ex_scalable": True}, "ex_scalable only apply to applications"),
    ({"ex_keep_running": "allways"}, OF_THE_FORM),
    ({"ex_cloud": "a\x00b"}, "control characters|Unknown location"),
    ({"ex_cloud": {"machine": "exoscale-ch-gva"}}, "has no node 'machine'"),
    ({"ex_cloud": "exoscale-ch-gva", "location": "connector/x"}, "not both"),
]
PARAMETERS: Refused = [
    ({"wordpress_titel": "x"}, "Unknown parameter 'wordpress_titel' .*title"),
    ({"zzz": "x"}, "Unknown parameter 'zzz'.*admin_email.*wordpress_title"),
    ({"wordpress_title": ""}, "cannot be set to an empty text"),
    ({"wordpress_title": "a\x00b"}, "holds control characters"),
    ({"wordpress_title": "a\ud800"}, "holds control characters"),
    ({"": "x"}, "is empty"),
    ({"machine": {"port": "1"}}, "is a component and has no node 'machine'"),
    ({"refqname": "x"}, "refqname cannot be passed as a parameter"),
    ({"type": "Machine"}, "type cannot be passed as a parameter"),
    ({"keep-running": "sometimes"}, OF_THE_FORM),
]
NOT_WHOLE = (0, -1, 1.5, "2", True, None)
INPUTS: Refused = [
    ({"apach": {"port": 1}}, "Unknown node 'apach' .*'apache'.*testclient"),
    ({"apache": {"prot": 1}}, "parameter 'prot' of node apache.*'port'"),
    ({"apache": {"a--b": "x"}}, "Unknown parameter|holds '--'"),
    ({"port": 1}, "its parameters belong to nodes.*apache, testclient"),
    ({"testclient": {"webserver.ready": 1}}, "'webserver.ready' of node testc.*'apache:ready'"),
    ({"apache": {"multiplicity": "x"}}, "'x': a whole number is needed"),
]
APPLICATION: Refused = [
    ({"ex_cloud": {"nginx": "x"}}, "Unknown node 'nginx'"),
    ({"ex_cloud": {"apache": "mars"}}, "Unknown location 'mars' for node apache"),
    ({"ex_multiplicity": {"nginx": 2}}, "Unknown node 'nginx'"),
    *(({"ex_multiplicity": {"apache": value}}, "a whole number from 1") for value in NOT_WHOLE),
    ({"ex_tolerate_failures": {"nginx": 2}}, "Unknown node 'nginx'"),
    ({"ex_tolerate_failures": {"apache": -1}}, "a whole number from 0"),
    ({"ex_tolerate_failures": {"apache": 2}}, "starts 1 instances and cannot tolerate 2"),
    ({"ex_tolerate_failures": {"apache": 4}, "ex_multiplicity": {"apache": 3}}, "starts 3 inst"),
]
REQUESTS: list[tuple[str | None, dict[str, Any], str]] = [
    *((WORDPRESS, options, message) for options, message in COMPONENT),
    *((WORDPRESS, {"ex_parameters": inputs}, message) for inputs, message in PARAMETERS),
    *((SYSTEM, options, message) for options, message in APPLICATION),
    *((SYSTEM, {"ex_parameters": inputs}, message) for inputs, message in INPUTS),
    (UBUNTU, {"ex_cloud": "mars"}, r"Unknown location 'mars' for .*exoscale-ch-gva"),
    (UBUNTU, {"ex_cloud": "exoscale-ch-gv"}, r"'exoscale-ch-gv' .*did you mean 'exoscale-ch-gva'"),
    (None, {}, r"needs an image. See list_images\(\)"),
    ("examples", {}, "^examples is a project"),
]


@pytest.mark.parametrize(("image", "options", "message"), REQUESTS)
def test_create_with(driver: Any, sandbox: Any, image: Any, options: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        driver.create_node(**{"image": image and NodeImage(image, "x", driver), **options})
    assert isinstance(caught.value, ValueError)
    assert changed(sandbox) == []


WRONG_INPUTS = ["x", [("a", "b")], {5: "x"}, *({"apache": {"port": x}} for x in (None, ["a"]))]
WRONG_TYPES: dict[str, list[Any]] = {
    "name": [5],
    "image": [5],
    "size": [1],
    "location": [["exoscale-ch-gva"]],
    "ex_tags": [5, [5]],
    "ex_cloud": [5, {"apache": None}],
    "ex_parameters": WRONG_INPUTS,
    "ex_multiplicity": [3],
    "ex_scalable": ["yes"],
    "ex_check_ssh_key": [1],
}


@pytest.mark.parametrize("option", WRONG_TYPES)
def test_create_node_with_a_wrong_type(driver: Driver, sandbox: Sandbox, option: str) -> None:
    for value in WRONG_TYPES[option]:
        with pytest.raises(TypeError, match=r" must be (a|an|True) .*, not "):
            driver.create_node(**{"image": SYSTEM, option: value})
    assert len(sandbox.journal) == 0


def test_objects_of_another_driver(driver: Driver, sandbox: Sandbox) -> None:
    other = DummyNodeDriver("x")  # type: ignore[no-untyped-call]
    objects: dict[str, Any] = {
        "image": NodeImage(WORDPRESS, "x", other),
        "size": NodeSize("1", "small", 1, 1, 1, 1, other),
        "location": NodeLocation("1", "x", "CH", other),
    }
    for argument, value in objects.items():
        with pytest.raises(BadInput, match=f"The {argument} .* belongs to the driver 'Dummy"):
            driver.create_node(**{"image": WORDPRESS, argument: value})
    with pytest.raises(BadInput, match="belongs to the driver"):
        driver.destroy_node(Node(NOBODYS_RUN, "x", NodeState.RUNNING, [], [], other))
    assert len(sandbox.journal) == 0


def test_image_of_another_endpoint_or_session(driver: Driver, bob: Driver) -> None:
    with (
        Sandbox(speed=0) as other,
        Driver(other.username, other.password, ex_endpoint=other.url) as elsewhere,
    ):
        image = elsewhere.get_image(WORDPRESS)
        with pytest.raises(BadInput, match=f"belongs to {other.url}, not to"):
            driver.create_node(image=image)
    assert bob.create_node(image=driver.get_image(WORDPRESS)).extra["username"] == "bob"


def test_create_node_with_a_size_of_another_location(driver: Driver, sandbox: Sandbox) -> None:
    location = next(item for item in driver.list_locations() if item.name == "ec2-eu-west")
    size = next(item for item in driver.list_sizes() if item.extra["location"] != location.name)
    with pytest.raises(BadInput, match=r"is offered on .*, not on ec2-eu-west"):
        driver.create_node(image=driver.get_image(WORDPRESS), size=size, location=location)
    assert changed(sandbox) == []


NO_NODE_IDS = ["", "x", "..", "%2e%2e", "../user", f"../user/{NOBODYS_RUN}", "4824efe2"]
NO_NODE_IDS += [f"{NOBODYS_RUN}{more}" for more in ("/ss:state", " ", "\n", "x" * 10_000)]


@pytest.mark.parametrize("identifier", NO_NODE_IDS)
def test_node_with_an_id_that_is_none(driver: Driver, sandbox: Sandbox, identifier: str) -> None:
    node = Node(identifier, "x", NodeState.RUNNING, [], [], driver)
    node.id = identifier
    for call in (
        driver.destroy_node,
        driver.ex_wait_node_in_state,
        lambda item: driver.ex_get_node(item.id),
        lambda item: driver.ex_get_node_parameter(item, "ss:state"),
        lambda item: driver.ex_list_virtual_machines(node=item),
    ):
        with pytest.raises(BadInput, match=r"is not the id of a|is empty|has no id|control"):
            call(node)
    wrong: Any
    for wrong in (None, 5, {}):
        with pytest.raises(TypeError, match=r"node must be a Node, not .*: use list_nodes\(\)"):
            driver.destroy_node(wrong)
        with pytest.raises(TypeError, match="key pair must be a KeyPair, not"):
            driver.delete_key_pair(wrong)
    assert len(sandbox.journal) == 0


ROOTS = ["/", "module", "module/", "/module/", "//", ""]
ELSEWHERE = [
    "..", ".", "apps/..", "a/../b", "../user/alice", "module/../user/alice", "apps/%2e%2e",
    "%2e%2e/user/alice", "apps%2f..%2f..%2fuser%2falice", "%252e%252e/user/alice", "apps/..;x",
    "apps/./wordpress", "apps//wordpress", "apps/%00", "apps/%2525252525252e",
    "a\x00b", "a\nb", "a\u2028b",
]  # fmt: skip


@pytest.mark.parametrize("image_id", [*ROOTS, *ELSEWHERE])
def test_image_id_that_reaches_elsewhere(driver: Driver, sandbox: Sandbox, image_id: str) -> None:
    image = NodeImage(WORDPRESS, "x", driver)
    image.id = image_id
    calls: list[Any] = [
        lambda: driver.delete_image(image),
        lambda: driver.delete_image(image, ex_all_versions=True),
        lambda: driver.get_image(image_id),
        lambda: driver.create_node(name="blog", image=image),
    ]
    if image_id in ELSEWHERE:
        calls.append(lambda: driver.list_images(ex_path=image_id))
    for call in calls:
        with pytest.raises(BadInput):
            call()
    assert len(sandbox.journal) == 0


FOR_A_FILE = ["ex_ca_cert", "ex_client_cert", "ex_cookie_file"]
OPTIONS = ["host", "port", "timeout", "ex_endpoint", "proxy_url", "api_version", *FOR_A_FILE]
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize("option", [*OPTIONS, "ex_endpoint_kind", "ex_verify"])
def test_private_key_in_place_of_another_option_is_not_shown(option: str) -> None:
    options: dict[str, Any] = {"ex_endpoint": "http://127.0.0.1:1", option: PEM}
    if option in {"host", "port"}:
        del options["ex_endpoint"]
    with pytest.raises((BadInput, TypeError)) as caught:
        Driver("alice", "secret", **options)
    assert "b3BlbnNzaC1r" not in f"{caught.value} {caught.value!r}"


def test_password_in_place_of_the_login_method_is_not_shown(sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match="is neither a login method nor") as caught:
        Driver("alice", ex_endpoint=sandbox.url, ex_login_method="Tr0ub4dor&3")
    assert "Tr0ub4dor" not in str(caught.value)


def test_plugins_to_leave_out_that_are_no_texts(sandbox: Sandbox) -> None:
    wrong: Any = b"audit"
    with pytest.raises(TypeError, match="are a list of strings"):
        Driver("alice", "x", ex_endpoint=sandbox.url, ex_disable_plugins=wrong)
