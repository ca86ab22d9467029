from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from libcloud.common.types import LibcloudError
from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeAuthPassword,
    NodeImage,
    NodeLocation,
    NodeSize,
)
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput
from slipstream.sandbox import Sandbox

from .support import NOBODYS_RUN, SYSTEM, UBUNTU, WORDPRESS, Driver, Login, changes

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    shared_sandbox.journal.clear()
    yield shared_sandbox
    shared_sandbox.faults.clear()
    shared_sandbox.world.runs.clear()


def test_an_unknown_keyword_is_refused_with_the_nearest_one(
    driver: Driver, sandbox: Sandbox
) -> None:
    image = NodeImage(WORDPRESS, "wordpress", driver)
    unexpected: Any = {"ex_tag": "x"}
    with pytest.raises(TypeError, match="no argument 'ex_tag'; did you mean 'ex_tags'"):
        driver.create_node(image=image, **unexpected)
    unexpected = {"cloud": "x"}
    with pytest.raises(TypeError, match="did you mean 'ex_cloud'"):
        driver.create_node(image=image, **unexpected)
    assert len(sandbox.journal) == 0


CALLS: list[Callable[..., Any]] = [
    Driver.list_nodes,
    Driver.list_images,
    Driver.list_sizes,
    Driver.list_locations,
    Driver.list_key_pairs,
    Driver.create_key_pair,
    Driver.ex_list_virtual_machines,
    Driver.ex_wait_node_in_state,
    Driver.get_image,
    Driver.delete_image,
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_no_method_ignores_a_keyword_it_does_not_know(
    driver: Driver, sandbox: Sandbox, call: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match=f"{call.__name__}.. takes no argument 'ex_zzz'"):
        call(driver, ex_zzz=1)
    assert len(sandbox.journal) == 0


def test_the_constructor_refuses_unknown_keywords_too(sandbox: Sandbox) -> None:
    unexpected: Any = {"ex_endpint": sandbox.url}
    with pytest.raises(TypeError, match="did you mean 'ex_endpoint'"):
        Driver("alice", "x", **unexpected)
    assert len(sandbox.journal) == 0


PORT = "apache"
COMPONENT: list[tuple[dict[str, Any], str]] = [
    ({"ex_parameters": {"wordpress_titel": "x"}}, "Unknown parameter 'wordpress_titel' .*title"),
    ({"ex_parameters": {"zzz": "x"}}, "Unknown parameter 'zzz'.*admin_email.*wordpress_title"),
    ({"ex_parameters": {"machine": {"port": "1"}}}, "is a component and has no node 'machine'"),
    ({"ex_cloud": {"machine": "exoscale-ch-gva"}}, "has no node 'machine'"),
    ({"ex_multiplicity": {"machine": 2}}, "ex_multiplicity only apply to applications"),
    ({"ex_tolerate_failures": {"m": 1}}, "ex_tolerate_failures only apply to applications"),
    ({"ex_scalable": True}, "ex_scalable only apply to applications"),
    ({"ex_parameters": {"refqname": "x"}}, "refqname cannot be given as a parameter"),
    ({"ex_parameters": {"type": "Machine"}}, "type cannot be given as a parameter"),
    ({"ex_keep_running": "allways"}, "always, never, on-success, on-error"),
    ({"ex_parameters": {"keep-running": "sometimes"}}, "always, never, on-success, on-error"),
    ({"name": ""}, "The name is empty"),
    ({"name": "  "}, "The name is empty"),
    ({"name": "a\nb"}, "holds control characters"),
    ({"name": "a\x00b"}, "holds control characters"),
    ({"name": " a"}, "starts or ends with a blank"),
    ({"name": "a,b"}, "holds a comma"),
    ({"ex_tags": ["a,b"]}, "holds a comma"),
    ({"ex_tags": [""]}, "The tag is empty"),
    ({"ex_tags": ["a\tb"]}, "control characters"),
    ({"ex_parameters": {"wordpress_title": "a\x00b"}}, "holds control characters"),
    ({"ex_parameters": {"wordpress_title": "a\ud800"}}, "holds control characters"),
    ({"name": "a\ud800b"}, "holds control characters"),
    ({"ex_parameters": {"": "x"}}, "is empty"),
    ({"ex_cloud": "a\x00b"}, "control characters|Unknown location"),
    ({"ex_cloud": "exoscale-ch-gva", "location": "?"}, "not both"),
]


@pytest.mark.parametrize(("options", "message"), COMPONENT)
def test_what_a_component_cannot_take_is_refused_before_it_is_deployed(
    driver: Driver, sandbox: Sandbox, options: dict[str, Any], message: str
) -> None:
    if "location" in options:
        options = {**options, "location": NodeLocation("connector/x", "x", "CH", driver)}
    with pytest.raises(LibcloudError, match=message) as caught:
        driver.create_node(image=NodeImage(WORDPRESS, "wordpress", driver), **options)
    assert isinstance(caught.value, ValueError)
    assert changes(sandbox) == []


APPLICATION: list[tuple[dict[str, Any], str]] = [
    ({"ex_parameters": {"apach": {"port": 1}}}, "Unknown node 'apach' .*'apache'.*testclient"),
    ({"ex_parameters": {PORT: {"prot": 1}}}, "Unknown parameter 'prot' of node apache.*'port'"),
    ({"ex_parameters": {"port": 1}}, "its parameters belong to nodes.*apache, testclient"),
    ({"ex_cloud": {"nginx": "exoscale-ch-gva"}}, "Unknown node 'nginx'"),
    ({"ex_multiplicity": {"nginx": 2}}, "Unknown node 'nginx'"),
    ({"ex_tolerate_failures": {"nginx": 2}}, "Unknown node 'nginx'"),
    ({"ex_multiplicity": {PORT: 0}}, "a whole number from 1"),
    ({"ex_multiplicity": {PORT: -1}}, "a whole number from 1"),
    ({"ex_multiplicity": {PORT: 1.5}}, "a whole number from 1"),
    ({"ex_multiplicity": {PORT: "2"}}, "a whole number from 1"),
    ({"ex_multiplicity": {PORT: True}}, "a whole number from 1"),
    ({"ex_multiplicity": {PORT: None}}, "a whole number from 1"),
    ({"ex_tolerate_failures": {PORT: -1}}, "a whole number from 0"),
    ({"ex_tolerate_failures": {PORT: 2}}, "starts 1 instances and cannot tolerate 2"),
    (
        {"ex_tolerate_failures": {PORT: 4}, "ex_multiplicity": {PORT: 3}},
        "starts 3 instances and cannot tolerate 4",
    ),
    ({"ex_parameters": {PORT: {"a--b": "x"}}}, "Unknown parameter|holds '--'"),
]


@pytest.mark.parametrize(("options", "message"), APPLICATION)
def test_what_an_application_cannot_take_is_refused_before_it_is_deployed(
    driver: Driver, sandbox: Sandbox, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        driver.create_node(image=NodeImage(SYSTEM, "system", driver), **options)
    assert changes(sandbox) == []


WRONG_TYPES: list[dict[str, Any]] = [
    {"name": 5},
    {"ex_tags": 5},
    {"ex_tags": [5]},
    {"ex_cloud": 5},
    {"ex_cloud": {"apache": None}},
    {"ex_parameters": "x"},
    {"ex_parameters": [("a", "b")]},
    {"ex_parameters": {5: "x"}},
    {"ex_parameters": {"apache": {"port": None}}},
    {"ex_parameters": {"apache": {"port": ["a"]}}},
    {"ex_multiplicity": 3},
    {"ex_scalable": "yes"},
    {"ex_check_ssh_key": 1},
    {"size": 1},
    {"location": ["exoscale-ch-gva"]},
    {"image": 5},
]


@pytest.mark.parametrize("options", WRONG_TYPES, ids=repr)
def test_values_of_a_wrong_type_are_refused_before_anything_is_asked(
    driver: Driver, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    image = NodeImage(SYSTEM, "system", driver)
    with pytest.raises(TypeError, match=r" must be (a|an|True) .*, not "):
        driver.create_node(**{"image": image, **options})
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize("option", ["ex_active_only", "ex_addresses"])
def test_a_flag_of_a_listing_is_true_or_false(
    driver: Driver, sandbox: Sandbox, option: str
) -> None:
    wrong: Any = {option: "no"}
    with pytest.raises(TypeError, match=f"{option} must be True or False, not str"):
        driver.list_nodes(**wrong)
    assert len(sandbox.journal) == 0


def test_a_node_without_an_image_is_refused(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match=r"needs an image. See list_images\(\)"):
        driver.create_node("x")
    assert len(sandbox.journal) == 0


def test_a_password_for_a_node_is_refused_with_the_right_way(
    driver: Driver, sandbox: Sandbox
) -> None:
    image = NodeImage(WORDPRESS, "wordpress", driver)
    with pytest.raises(BadInput, match=r"NodeAuthSSHKey\(pubkey\)"):
        driver.create_node("x", image=image, auth=NodeAuthPassword("s3cret"))
    assert len(sandbox.journal) == 0


def test_a_project_cannot_be_deployed(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match="examples is a project"):
        driver.create_node(image=NodeImage("examples", "examples", driver))
    assert changes(sandbox) == []


@pytest.mark.parametrize("argument", ["image", "size", "location"])
def test_things_of_another_driver_are_refused(
    driver: Driver, sandbox: Sandbox, argument: str
) -> None:
    other = DummyNodeDriver("x")
    things: dict[str, Any] = {
        "image": NodeImage(WORDPRESS, "x", other),
        "size": NodeSize("1", "small", 1, 1, 1, 1, other),
        "location": NodeLocation("1", "x", "CH", other),
    }
    options = {"image": NodeImage(WORDPRESS, "x", driver), argument: things[argument]}
    with pytest.raises(BadInput, match=f"The {argument} .* belongs to the driver 'Dummy"):
        driver.create_node(**options)
    assert len(sandbox.journal) == 0


def test_a_node_of_another_driver_is_not_terminated_here(driver: Driver, sandbox: Sandbox) -> None:
    (run,) = sandbox.world.add_runs(1)
    foreign = Node(run, "x", NodeState.RUNNING, [], [], DummyNodeDriver("x"))
    with pytest.raises(BadInput, match="belongs to the driver"):
        driver.destroy_node(foreign)
    assert len(sandbox.journal) == 0


def test_things_of_another_endpoint_are_refused(driver: Driver) -> None:
    with Sandbox(speed=0) as other:
        elsewhere = Driver(other.username, other.password, ex_endpoint=other.url)
        image = elsewhere.get_image(WORDPRESS)
        other.journal.clear()
        with pytest.raises(BadInput, match=f"belongs to {other.url}, not to"):
            driver.create_node(image=image)
        elsewhere.close()


def test_things_of_another_session_on_the_same_endpoint_are_accepted(
    driver: Driver, bob: Driver
) -> None:
    assert bob.create_node(image=driver.get_image(WORDPRESS)).extra["username"] == "bob"


def test_a_cloud_that_an_image_cannot_run_on_is_refused_with_those_it_can(
    driver: Driver, sandbox: Sandbox
) -> None:
    image = driver.get_image(UBUNTU)
    nowhere = NodeLocation("connector/mars", "mars", "XX", driver)
    with pytest.raises(BadInput, match=r"Unknown location 'mars' for .*exoscale-ch-gva"):
        driver.create_node(image=image, location=nowhere)
    with pytest.raises(BadInput, match=r"'exoscale-ch-gv' .*did you mean 'exoscale-ch-gva'"):
        driver.create_node(image=image, ex_cloud="exoscale-ch-gv")
    with pytest.raises(BadInput, match="Unknown location 'mars' for node apache"):
        driver.create_node(image=driver.get_image(SYSTEM), ex_cloud={"apache": "mars"})
    assert changes(sandbox) == []


def test_a_size_of_another_cloud_than_the_location_is_refused(
    driver: Driver, sandbox: Sandbox
) -> None:
    location = next(item for item in driver.list_locations() if item.name == "ec2-eu-west")
    size = next(item for item in driver.list_sizes() if item.extra["location"] != location.name)
    with pytest.raises(BadInput, match=r"is offered on .*, not on ec2-eu-west"):
        driver.create_node(image=driver.get_image(WORDPRESS), size=size, location=location)
    assert changes(sandbox) == []


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "x",
        "../user",
        f"{NOBODYS_RUN}/ss:state",
        f"{NOBODYS_RUN} ",
        "4824efe2",
        f"{NOBODYS_RUN}\n",
    ],
)
def test_an_id_that_is_none_of_a_deployment_is_refused(
    driver: Driver, sandbox: Sandbox, identifier: str
) -> None:
    node = Node(identifier, "x", NodeState.RUNNING, [], [], driver)
    node.id = identifier
    for call in (
        driver.destroy_node,
        driver.ex_wait_node_in_state,
        lambda item: driver.ex_get_node(item.id),
        lambda item: driver.ex_get_node_parameter(item, "ss:state"),
        lambda item: driver.ex_list_virtual_machines(node=item),
    ):
        with pytest.raises(
            BadInput, match=r"is not the id of a deployment|is empty|has no id|control"
        ):
            call(node)
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize("wrong", [None, 5, {}])
def test_something_that_is_no_node_is_refused(
    driver: Driver, sandbox: Sandbox, wrong: Any
) -> None:
    with pytest.raises(TypeError, match=r"node must be a Node, not .*: use list_nodes\(\)"):
        driver.destroy_node(wrong)
    with pytest.raises(TypeError, match="key pair must be a KeyPair, not"):
        driver.delete_key_pair(wrong)
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize(
    "path", ["..", "a/../b", "a//b", ".", "a/./b", "a\x00b", "a\nb", "a\u2028b"]
)
def test_a_path_that_is_none_is_refused(driver: Driver, sandbox: Sandbox, path: str) -> None:
    with pytest.raises(BadInput, match="is not the"):
        driver.list_images(ex_path=path)
    with pytest.raises(BadInput, match=r"is not the|control characters"):
        driver.get_image(path)
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize("identifier", ["", None, 5])
def test_an_image_without_an_id_is_refused(
    driver: Driver, sandbox: Sandbox, identifier: Any
) -> None:
    with pytest.raises((BadInput, TypeError), match=r"id of the image|image must be"):
        driver.get_image(identifier)
    assert len(sandbox.journal) == 0


BAD_ENDPOINTS = [
    "",
    "nuv.la",
    "ftp://nuv.la",
    "https://",
    "http://[::1",
    "https://nuv.la:99999",
    "https://nuv.la:port",
    "https://alice:pw@nuv.la",
    "https://nuv.la/?x=1",
    "https://nuv.la/#top",
    "https://nuv la",
    "https://nuv.la/../x",
    "https://exa\nmple.org/a b\x00",
    5,
]


@pytest.mark.parametrize("endpoint", BAD_ENDPOINTS, ids=repr)
def test_an_endpoint_that_is_no_url_is_refused(endpoint: Any) -> None:
    with pytest.raises(BadInput) as caught:
        Driver("alice", "secret", ex_endpoint=endpoint)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"host": ""},
        {"host": "a/b"},
        {"host": "https://nuv.la"},
        {"host": 5},
        {"port": 0},
        {"port": 70000},
        {"port": "http"},
        {"timeout": 0},
        {"timeout": "long"},
        {"retry_delay": -1},
        {"backoff": True},
    ],
    ids=repr,
)
def test_settings_of_the_connection_that_make_no_sense_are_refused(
    options: dict[str, Any],
) -> None:
    with pytest.raises(BadInput):
        Driver("alice", "secret", **options)


def test_an_unknown_kind_of_endpoint_is_refused_with_those_that_exist(login: Login) -> None:
    with pytest.raises(BadInput, match=r"Unknown kind of endpoint 'slipstrem'.*'slipstream'"):
        login(ex_endpoint_kind="slipstrem")


BAD_KEYS = [
    "",
    "hello",
    "ssh-rsa",
    "ssh-rsa AAAA",
    "ssh-rsa not_base64!! me",
    "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAQQ== me",
    f"{KEY}\n{KEY}",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
    KEY[:-8],
]


@pytest.mark.parametrize("material", BAD_KEYS, ids=lambda text: text[:20])
def test_what_is_no_ssh_public_key_is_refused(
    driver: Driver, sandbox: Sandbox, material: str
) -> None:
    with pytest.raises(BadInput, match=r"no SSH public key|a private key|is damaged"):
        driver.import_key_pair_from_string("mine", material)
    assert len(sandbox.journal) == 0


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x07b", " lead"])
def test_a_key_name_that_the_server_would_not_give_back_is_refused(
    driver: Driver, sandbox: Sandbox, name: str
) -> None:
    with pytest.raises(BadInput, match="key name"):
        driver.create_key_pair(name)
    with pytest.raises(BadInput, match="key name"):
        driver.import_key_pair_from_string(name, KEY)
    assert len(sandbox.journal) == 0


def test_a_key_file_that_is_not_there_is_refused(
    driver: Driver, sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"Cannot read the key file .*id\.pub: No such file"):
        driver.import_key_pair_from_file("mine", str(tmp_path / "id.pub"))
    (tmp_path / "id").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="it is not text"):
        driver.import_key_pair_from_file("mine", str(tmp_path / "id"))
    assert len(sandbox.journal) == 0


def test_a_key_pair_made_by_hand_with_nothing_in_it_is_not_found(driver: Driver) -> None:
    with pytest.raises(LibcloudError, match="There is no key pair 'nobody'"):
        driver.delete_key_pair(KeyPair("nobody", None, None, driver))  # type: ignore[arg-type]
