"""libcloud's dummy driver fails where it breaks the contract, and nowhere else."""

from __future__ import annotations

from typing import Any

from libcloud.compute.drivers import dummy

from slipstream.conformance import Choice, Outcome, run

LEFT_TO_THE_BASE = [
    "start_node", "stop_node", "list_volumes", "list_volume_snapshots", "create_volume",
    "create_volume_snapshot", "attach_volume", "detach_volume", "destroy_volume",
    "destroy_volume_snapshot", "create_image", "delete_image", "get_image", "copy_image",
    "list_key_pairs", "get_key_pair", "create_key_pair", "delete_key_pair",
]  # fmt: skip
Driver: Any = dummy.DummyNodeDriver


def test_outcomes_and_details() -> None:
    driver = Driver(0)
    choice = Choice(location=driver.list_locations()[0].id)
    report = run(driver, changes=True, choice=choice)
    assert set(report.named(Outcome.FAILS)) == {
        *(f"method.{name}" for name in LEFT_TO_THE_BASE),
        *("class.NODE_STATE_MAP", "signatures", "auth", "node.created"),
    }
    assert set(report.named(Outcome.HOLDS)) >= {
        *("method.list_nodes", "method.deploy_node", "unknown-keywords", "ids.nodes"),
        *("list.sizes", "stable.images", "numbers.sizes", "addresses.nodes"),
    }
    assert set(report.named(Outcome.NOT_APPLICABLE)) >= {
        *("list.volumes", "error-class.image", "get-key-pair", "key-pair.read"),
    }
    details = {result.name: result.detail for result in report.results}
    assert details["method.start_node"] == ("It is left to the base class, which has no reason.")
    assert details["signatures"] == (
        "These differ from the base class: create_node: location is not its parameter 4, "
        "auth is not its parameter 5."
    )
    assert details["get-image"] == "The driver has no get_image() of its own."
    assert "unexpected keyword argument 'location'" in details["node.created"]
    assert len(driver.list_nodes()) == 2
