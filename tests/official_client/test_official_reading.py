"""SlipStream's own client reads modules, its user and JSON documents."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"
_UBUNTU = "examples/images/ubuntu-16.04"
_NEW_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC1 alice@new"


def test_modules_are_listed(alice: Client) -> None:
    published = alice.list_applications()
    kinds = {item["path"]: item["type"] for item in published}
    assert (kinds[_WORDPRESS], kinds[_SYSTEM]) == ("component", "application")
    assert 412 not in [item["version"] for item in published]
    content = alice.list_project_content("examples/images")
    assert [item["type"] for item in content] == ["component", "project", "component"]


@pytest.mark.parametrize(
    ("path", "kind", "version"),
    [
        *(("examples/images", "project", 12), (_WORDPRESS, "component", 478)),
        *((f"{_WORDPRESS}/412", "component", 412), (f"module/{_SYSTEM}", "application", 540)),
    ],
)
def test_module_is_read(alice: Client, path: str, kind: str, version: int) -> None:
    element = alice.get_element(path)
    bare = path.removeprefix("module/").removesuffix("/412")
    assert (element["type"], element["version"], element["path"]) == (kind, version, bare)
    assert element["created"].endswith(" UTC")


def test_images_nodes_and_parameters_of_a_module(alice: Client, sandbox: Sandbox) -> None:
    listed = alice.get_cloud_image_identifiers(_UBUNTU)
    images = sandbox.world.library.find(_UBUNTU).images
    assert {item["cloud"]: item["identifier"] for item in listed} == images
    nodes = {node["name"]: node for node in alice.get_application_nodes(_SYSTEM)}
    assert set(nodes) == {"apache", "testclient"}
    assert nodes["apache"]["path"] == "examples/tutorials/service-testing/apache/538"
    parameters = {item["name"]: item for item in alice.get_parameters(_WORDPRESS)}
    title, hostname = parameters["wordpress_title"], parameters["hostname"]
    assert (title["category"], title["value"]) == ("Input", "Hello from SlipStream")
    assert (hostname["category"], hostname["value"]) == ("Output", "")


def test_user_is_read_and_gets_a_key_and_loses_nothing(alice: Client, sandbox: Sandbox) -> None:
    user = alice.get_user()
    assert (user["username"], user["email"]) == ("alice", "alice@example.org")
    assert (user["first_name"], user["privileged"]) == ("Alice", False)
    assert user["configured_clouds"] == {"exoscale-ch-gva", "ec2-eu-west"}
    assert user["default_cloud"] == "exoscale-ch-gva"
    assert (user["keep_running"], user["timeout"]) == ("on-success", "30")
    keys = [*user["ssh_public_keys"], _NEW_KEY]
    assert alice.update_user(ssh_public_keys="\n".join(keys)) is True
    assert alice.get_user() == user | {"ssh_public_keys": keys}
    assert alice.login_internal(sandbox.username, sandbox.password)["status"] == 201


def test_search_is_a_put_of_a_form_and_returns_a_page(alice: Client, sandbox: Sandbox) -> None:
    query = 'resource:type="VM" and connector/href="ec2-eu-west"'
    offers = alice.cimi_search("serviceOffers", filter=query, orderby="id")
    assert sandbox.journal[-1].method == "PUT"
    assert offers["json"]["count"] == len(offers["resources"]) > 4
    assert {offer["connector"]["href"] for offer in offers["resources"]} == {"ec2-eu-west"}
    page = alice.cimi_search("serviceOffers", filter=query, orderby="id", first=2, last=4)
    assert page["resources"] == offers["resources"][1:4]
    offer = offers["resources"][0]
    assert alice.cimi_get(offer["id"])["json"] == offer
    part = alice.cimi_get(offer["id"], select=["id", "resource:ram"])["json"]
    assert set(part) - {"operations"} == {"id", "resource:ram", "resourceURI", "acl"}
    with pytest.raises(ClientFailure, match="Invalid CIMI filter") as caught:
        alice.cimi_search("serviceOffers", filter="price:unitCost<0.5")
    assert (caught.value.kind, caught.value.status) == ("SlipStreamError", 400)


def test_cloud_credentials_are_those_of_the_user(alice: Client) -> None:
    listed = alice.get_cloud_credentials()["resources"]
    assert {item["connector"]["href"] for item in listed} == {
        "connector/exoscale-ch-gva",
        "connector/ec2-eu-west",
    }
    # The client leaves no blank before its "and", which the grammar allows.
    credentials = alice.get_cloud_credentials("connector/href='connector/ec2-eu-west'")
    assert [item["type"] for item in credentials["resources"]] == ["cloud-cred-ec2"]
