from __future__ import annotations

import warnings

import pytest
from libcloud.compute.base import NodeImage

from slipstream.libcloud.errors import BadInput, Forbidden, NotFound
from slipstream.sandbox import Sandbox

from .support import SYSTEM, UBUNTU, WORDPRESS, Driver


def ids(images: list[NodeImage]) -> list[str]:
    return [image.id for image in images]


def test_list_images_of_a_project(driver: Driver, sandbox: Sandbox) -> None:
    expected = ["examples/images/centos-7/842", f"{UBUNTU}/871"]
    for path in ("examples/images", "/examples/images/", "module/examples/images"):
        sandbox.journal.clear()
        assert ids(driver.list_images(ex_path=path)) == expected
        assert len(sandbox.journal) == 1
    for path, error in {"examples/private": Forbidden, "nowhere/at-all": NotFound}.items():
        with pytest.raises(error, match=path):
            driver.list_images(ex_path=path, ex_recurse=True)


def test_list_images_of_a_tree_skips_a_forbidden_project_with_a_warning(driver: Driver) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        images = driver.list_images(ex_path="examples", ex_recurse=True)
    assert [str(item.message) for item in caught] == [
        "1 of the projects below 'examples' may not be read and were skipped: examples/private."
    ]
    assert ids(images) == [
        "examples/images/centos-7/842",
        f"{UBUNTU}/871",
        "examples/tutorials/failing/545",
        "examples/images/old/ubuntu-14.04/480",
        "examples/tutorials/service-testing/apache/538",
        "examples/tutorials/service-testing/client/539",
        f"{SYSTEM}/540",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(driver.list_images(ex_path="examples/images", ex_recurse=True)) == 3


def test_list_images_below_the_root_reads_projects_once(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.warns(RuntimeWarning, match=r"below 'the root'|the root"):
        images = driver.list_images(ex_path="", ex_recurse=True)
    assert f"{WORDPRESS}/478" in ids(images)
    paths = [entry.path for entry in sandbox.journal]
    assert len(paths) == len(set(paths))
    assert not any(path.startswith(f"/module/{WORDPRESS}") for path in paths)


def test_list_images_of_a_project_with_runs(driver: Driver, sandbox: Sandbox) -> None:
    body = """<?xml version="1.0" encoding="UTF-8"?>
    <projectModule category="Project" parentUri="module/" shortName="apps" version="3">
      <runs offset="0" limit="20" count="1" totalCount="1">
        <item uuid="x" name="not-me" category="Image" version="1"/>
      </runs>
      <children><item category="Image" name="me" version="7"/></children>
    </projectModule>"""
    sandbox.faults.add("GET", "/module/apps", body=body, headers={"Content-Type": "text/xml"})
    assert ids(driver.list_images(ex_path="apps")) == ["apps/me/7"]


def test_list_images_of_a_location_and_recursively(driver: Driver, sandbox: Sandbox) -> None:
    location = driver.list_locations()[0]
    images = ids(driver.list_images())
    sandbox.journal.clear()
    assert ids(driver.list_images(location)) == images
    assert len(sandbox.journal) == 1
    with pytest.raises(BadInput, match="ex_recurse needs ex_path"):
        driver.list_images(ex_recurse=True)
    assert len(sandbox.journal) == 1


def test_get_image(driver: Driver) -> None:
    parameters = {item["name"]: item for item in driver.get_image(WORDPRESS).extra["parameters"]}
    assert parameters["wordpress_title"]["value"] == "Hello from SlipStream"
    assert parameters["admin_password"]["category"] == "Output"
    assert "exoscale-ch-gva" in driver.get_image(UBUNTU).extra["locations"]
    nodes = driver.get_image(SYSTEM).extra["nodes"]
    assert set(nodes) == {"apache", "testclient"}
    assert nodes["apache"]["multiplicity"] == 1
    assert "port" in [item["name"] for item in nodes["apache"]["parameters"]]
