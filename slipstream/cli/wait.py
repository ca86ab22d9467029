"""``slipstream wait``: wait for a node, with its progress on standard error."""

from __future__ import annotations

import sys

import click
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from slipstream.cli.driver_command import driver_command, find_node
from slipstream.cli.number_option import Number
from slipstream.cli.show import print_node
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.progress import ProgressLine

PERIOD = 2.0
"""The longest pause between two polls in seconds."""

timeout_option = click.option(
    "--timeout", type=Number(), default=1800, show_default=True, help="Seconds to wait at most."
)


@driver_command
@click.argument("node")
@click.option("--state", help="Wait for this state.  [default: running]")
@timeout_option
def wait(
    driver: SlipStreamNodeDriver, as_json: bool, node: str, state: str | None, timeout: float
) -> None:
    """Wait until a node runs, and show it."""
    wait_and_print(driver, find_node(driver, node), as_json, timeout, state)


def wait_and_print(
    driver: SlipStreamNodeDriver,
    node: Node,
    as_json: bool,
    timeout: float,
    state: str | None = None,
) -> None:
    """Wait until a node is in a state, and print it."""
    with ProgressLine(
        sys.stderr, machines=lambda: driver.ex_list_virtual_machines(node=node)
    ) as progress:
        driver.ex_wait_node_in_state(
            node, state or NodeState.RUNNING, PERIOD, timeout, progress=progress
        )
    print_node(driver, find_node(driver, str(node.id)), as_json)
