from __future__ import annotations

import pytest

from sandbox.client import WORDPRESS
from sandbox.client import NuvlaClient as Client


def test_a_deleted_version_leaves_its_number(alice: Client) -> None:
    module = alice.module()
    href = alice.read(module)["content"]["id"]
    answer = alice.post(f"{module}_2/delete-version")
    assert answer.json() == {"status": 200, "message": f"{href} deleted", "resource-id": href}
    document = alice.read(module)
    assert [bool(one) for one in document["versions"]] == [True, False, False]
    assert document["content"]["commit"] == "first"
    assert alice.post(f"{module}_2/delete-version").status_code == 404


def test_a_module_is_deleted_with_all_versions(alice: Client) -> None:
    module = alice.module()
    assert alice.delete(module).json()["message"] == f"{module} deleted"
    assert alice.get(module).status_code == 404


def test_deleting_one_version_the_wrong_way_ruins_the_module(alice: Client) -> None:
    module = alice.module()
    assert alice.refused("DELETE", f"{module}_0") == (404, f"{module}_0 not found")
    assert alice.found("module", f"path='{WORDPRESS}'")
    assert alice.get(module).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "module"), ("PUT", "{}"), ("POST", "{}/publish")]
)
def test_writing_modules_is_not_played(alice: Client, method: str, path: str) -> None:
    assert alice.refused(method, path.format(alice.module()), json={"name": "x"})[0] == 501


def test_a_module_without_a_version_cannot_be_read(alice: Client) -> None:
    module = alice.module("apps/web/whoami")
    assert alice.post(f"{module}_0/delete-version").ok
    assert alice.refused("GET", module) == (500, "Unexpected exception thrown: ")
    body = {"module": {"href": module}}
    assert alice.refused("POST", "deployment", json=body)[0] == 500
    assert alice.found("module", f"id='{module}'")[0]["published"] is False
    assert alice.delete(module).ok
