"""libcloud's dummy driver fails where it deserves it, and nowhere else."""

from __future__ import annotations

import pytest
from libcloud.compute.drivers.dummy import DummyNodeDriver

from slipstream.conformance import Outcome, Report, run

LEFT_TO_THE_BASE = [
    "start_node", "stop_node", "list_volumes", "list_volume_snapshots", "create_volume",
    "create_volume_snapshot", "attach_volume", "detach_volume", "destroy_volume",
    "destroy_volume_snapshot", "create_image", "delete_image", "get_image", "copy_image",
    "list_key_pairs", "get_key_pair", "create_key_pair", "delete_key_pair",
]  # fmt: skip
UNLIKE_THE_BASE = ["class.NODE_STATE_MAP", "signatures", "auth"]


@pytest.fixture
def report() -> Report:
    return run(DummyNodeDriver(0))


def detail(report: Report, name: str) -> str:
    return next(one.detail for one in report.results if one.name == name)


def test_it_fails_what_it_leaves_to_the_base_and_where_create_node_is_another(
    report: Report,
) -> None:
    assert set(report.named(Outcome.FAILS)) == {
        *(f"method.{name}" for name in LEFT_TO_THE_BASE),
        *UNLIKE_THE_BASE,
    }


def test_its_failures_say_what_is_missing(report: Report) -> None:
    assert detail(report, "method.start_node") == (
        "It is left to the base class, which gives no reason."
    )
    assert detail(report, "signatures") == (
        "These differ from the base class: create_node: location is not its parameter 4, "
        "auth is not its parameter 5."
    )


def test_what_it_has_holds(report: Report) -> None:
    held = set(report.named(Outcome.HOLDS))
    assert held >= {"method.list_nodes", "method.deploy_node", "unknown-keywords", "ids.nodes"}
    assert held >= {"list.sizes", "stable.images", "numbers.sizes", "addresses.nodes"}


def test_what_it_does_not_have_is_not_held_for_good(report: Report) -> None:
    without = set(report.named(Outcome.NOT_APPLICABLE))
    assert without >= {"list.volumes", "error-class.image", "get-key-pair", "key-pair.read"}
    assert detail(report, "get-image") == "The driver has no get_image() of its own."


def test_its_create_node_knows_no_location_when_one_is_made() -> None:
    driver = DummyNodeDriver(0)
    report = run(driver, changes=True)
    assert "node.created" in report.named(Outcome.FAILS)
    assert "unexpected keyword argument 'location'" in detail(report, "node.created")
    assert len(driver.list_nodes()) == 2
