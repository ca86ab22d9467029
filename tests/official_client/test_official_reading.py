"""SlipStream's own client reads modules, its user and JSON documents."""

from __future__ import annotations

from typing import Any

import pytest
from driving import Client, ClientFailure, Connect

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"
_UBUNTU = "examples/images/ubuntu-16.04"
_NEW_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC1 alice@new"
_VM = 'resource:type="VM"'
_DESCRIBE = "http://sixsq.com/slipstream/1/action/describe"


def _paths(listed: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(item["type"], item["path"]) for item in listed}


def test_app_store_lists_what_is_published(alice: Client) -> None:
    listed = alice.list_applications()

    assert {
        "name": "wordpress",
        "type": "component",
        "version": 478,
        "path": _WORDPRESS,
    } in listed
    assert ("application", _SYSTEM) in _paths(listed)
    assert 412 not in [item["version"] for item in listed]


def test_project_lists_its_children(alice: Client) -> None:
    assert _paths(alice.list_project_content("examples/images")) == {
        ("component", _UBUNTU),
        ("component", "examples/images/centos-7"),
        ("project", "examples/images/old"),
    }


@pytest.mark.parametrize(
    ("path", "kind", "version"),
    [
        pytest.param("examples/images", "project", 12, id="project"),
        pytest.param(_WORDPRESS, "component", 478, id="component"),
        pytest.param(f"{_WORDPRESS}/412", "component", 412, id="older-version"),
        pytest.param(f"module/{_SYSTEM}", "application", 540, id="application"),
    ],
)
def test_element(alice: Client, path: str, kind: str, version: int) -> None:
    element = alice.get_element(path)

    bare = path.removeprefix("module/").removesuffix("/412")
    assert (element["type"], element["version"], element["path"]) == (kind, version, bare)
    assert element["name"] == bare.rpartition("/")[2]
    assert element["created"].endswith(" UTC")


def test_native_component_has_an_image_on_each_cloud(alice: Client, sandbox: Sandbox) -> None:
    listed = alice.get_cloud_image_identifiers(_UBUNTU)

    images = sandbox.world.library.find(_UBUNTU).images
    assert len(images) == 3
    assert {item["cloud"]: item["identifier"] for item in listed} == images


def test_application_has_nodes(alice: Client) -> None:
    nodes = {node["name"]: node for node in alice.get_application_nodes(_SYSTEM)}

    assert set(nodes) == {"apache", "testclient"}
    apache = nodes["apache"]
    assert apache["path"] == "examples/tutorials/service-testing/apache/538"
    assert apache["cloud"] == "default"
    assert (apache["multiplicity"], apache["max_provisioning_failures"]) == ("1", "0")


def test_component_has_parameters(alice: Client) -> None:
    parameters = {item["name"]: item for item in alice.get_parameters(_WORDPRESS)}

    assert set(parameters) >= {"wordpress_title", "admin_email", "admin_password", "hostname"}
    title, hostname = parameters["wordpress_title"], parameters["hostname"]
    assert title["value"] == title["defaultValue"] == "Hello from SlipStream"
    assert (title["category"], title["type"], title["mandatory"]) == ("Input", "String", "true")
    assert (hostname["category"], hostname["value"]) == ("Output", "")
    [email] = alice.get_parameters(_WORDPRESS, parameter_name="admin_email")
    assert email == parameters["admin_email"]


def test_deleted_version_uncovers_the_one_before(connect: Connect, sandbox: Sandbox) -> None:
    root = connect("root.txt")
    root.login_internal("super", sandbox.users["super"].password)
    assert root.delete_element(_WORDPRESS) is True
    assert root.get_element(_WORDPRESS)["version"] == 412

    assert root.delete_element(f"{_WORDPRESS}/412") is True
    with pytest.raises(ClientFailure) as caught:
        root.get_element(_WORDPRESS)
    assert caught.value.status == 404


def test_user_reads_own_profile(alice: Client) -> None:
    user = alice.get_user()

    assert (user["username"], user["email"]) == ("alice", "alice@example.org")
    assert (user["first_name"], user["last_name"]) == ("Alice", "Martin")
    assert user["organization"] == "ACME"
    assert user["privileged"] is False
    assert user["configured_clouds"] == {"exoscale-ch-gva", "ec2-eu-west"}
    assert user["default_cloud"] == "exoscale-ch-gva"
    assert (user["keep_running"], user["timeout"]) == ("on-success", "30")
    assert [key.split()[0] for key in user["ssh_public_keys"]] == ["ssh-rsa", "ssh-rsa"]
    assert user["active_since"] == "1970-01-01 00:00:00.0 UTC"


def test_key_pair_reaches_the_profile_and_nothing_else_is_lost(
    alice: Client, sandbox: Sandbox
) -> None:
    before = alice.get_user()
    keys = [*before["ssh_public_keys"], _NEW_KEY]

    assert alice.update_user(ssh_public_keys="\n".join(keys)) is True

    assert alice.get_user() == before | {"ssh_public_keys": keys}
    assert alice.get_user()["ssh_public_keys"][-1] == _NEW_KEY
    sent = sandbox.journal.entries("PUT", "/user/alice")[0]
    assert (sent.status, b"roles=" in sent.body) == (202, False)
    login = alice.login_internal(sandbox.username, sandbox.password)
    assert login["status"] == 201


def _api_key(name: str) -> dict[str, object]:
    template = {"href": "credential-template/generate-api-key", "ttl": 3600}
    return {"name": name, "credentialTemplate": template}


def test_entry_point_names_the_collections(connect: Connect, sandbox: Sandbox) -> None:
    listed = connect().cimi_cloud_entry_point()["json"]

    assert listed["resourceURI"] == "http://schemas.dmtf.org/cimi/2/CloudEntryPoint"
    assert listed["baseURI"] == f"{sandbox.url}/api/"
    assert listed["serviceOffers"] == {"href": "service-offer"}
    assert listed["userParam"] == {"href": "user-param"}


def test_search_is_a_put_of_a_form_and_returns_a_page(alice: Client, sandbox: Sandbox) -> None:
    query = f'{_VM} and connector/href="ec2-eu-west"'
    offers = alice.cimi_search("serviceOffers", filter=query, orderby="id")

    entry = sandbox.journal[-1]
    assert (entry.method, entry.path) == ("PUT", "/api/service-offer")
    assert entry.form == {"$filter": [query], "$orderby": ["id"]}
    assert offers["json"]["count"] == len(offers["resources"]) > 4
    assert {offer["connector"]["href"] for offer in offers["resources"]} == {"ec2-eu-west"}
    assert {offer["resource:type"] for offer in offers["resources"]} == {"VM"}
    for options, resources in (
        ({"first": 2, "last": 4}, offers["resources"][1:4]),
        ({"last": 0}, []),
    ):
        page = alice.cimi_search("serviceOffers", filter=query, orderby="id", **options)
        assert page["resources"] == resources
        assert page["json"]["count"] == offers["json"]["count"]


def test_bad_filter_is_refused_with_the_servers_reason(alice: Client) -> None:
    with pytest.raises(ClientFailure, match="Invalid CIMI filter") as caught:
        alice.cimi_search("serviceOffers", filter="price:unitCost<0.5")

    assert (caught.value.kind, caught.value.status) == ("SlipStreamError", 400)


def test_document_is_read_whole_or_in_part(alice: Client) -> None:
    offer = alice.cimi_search("serviceOffers", filter=_VM, last=1)["resources"][0]

    assert alice.cimi_get(offer["id"])["json"] == offer
    part = alice.cimi_get(offer["id"], select=["id", "resource:ram"])["json"]
    assert part["resource:ram"] == offer["resource:ram"]
    assert set(part) - {"operations"} == {"id", "resource:ram", "resourceURI", "acl"}


def test_new_api_key_opens_a_session_until_it_is_deleted(alice: Client, connect: Connect) -> None:
    added = alice.cimi_add("credentials", _api_key("laptop"))["json"]
    key = added["resource-id"]

    assert (added["status"], added["message"]) == (201, f"{key} created")
    stored = alice.cimi_get(key)["json"]
    assert (stored["name"], stored["type"]) == ("laptop", "api-key")
    assert stored["claims"]["identity"] == "alice"
    assert "secretKey" not in stored
    assert connect().login_apikey(key, added["secretKey"])["status"] == 201

    deleted = alice.cimi_delete(key)["json"]
    assert deleted == {"status": 200, "message": f"{key} deleted", "resource-id": key}
    assert connect().login_apikey(key, added["secretKey"])["status"] == 403


def test_edited_document_keeps_what_was_not_sent(alice: Client) -> None:
    key = alice.cimi_add("credentials", _api_key("laptop"))["json"]["resource-id"]
    before = alice.cimi_get(key)["json"]

    answer = alice.cimi_edit(key, {"description": "of the office"})["json"]

    after = alice.cimi_get(key)["json"]
    assert after == before | {"description": "of the office", "updated": after["updated"]}
    assert answer["description"] == "of the office"


def test_cloud_credentials_are_those_of_the_user(alice: Client) -> None:
    listed = alice.get_cloud_credentials()["resources"]

    assert {item["connector"]["href"] for item in listed} == {
        "connector/exoscale-ch-gva",
        "connector/ec2-eu-west",
    }
    # The client leaves no blank before its "and", which the grammar allows.
    credentials = alice.get_cloud_credentials("connector/href='connector/ec2-eu-west'")
    assert [item["type"] for item in credentials["resources"]] == ["cloud-cred-ec2"]
