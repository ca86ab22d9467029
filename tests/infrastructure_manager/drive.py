"""
Let the Infrastructure Manager run a machine, from its description to its end.

It runs in the interpreter of the program's environment. The program's files stay as they were
published; it finds the driver by the name that its configuration has. Of that driver only the
address of the sandbox is preset, for which the program has no setting.
"""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

from IM.auth import Authentication
from IM.CloudInfo import CloudInfo
from IM.connectors.LibCloud import LibCloudCloudConnector
from IM.VirtualMachine import VirtualMachine
from libcloud.compute.providers import set_driver
from libcloud.compute.types import Provider
from radl.radl_parse import parse_radl

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

URL, USER, PASSWORD, REGION, IMAGE = sys.argv[1:]
RADL = f"""
network public (outbound = 'yes')
system blog (
    memory.size >= 0M and
    disk.0.os.name = 'linux' and
    disk.0.image.url = 'slipstream://here/{IMAGE}' and
    disk.0.os.credentials.username = 'root' and
    net_interface.0.connection = 'public'
)
deploy blog 1
"""


class Here(SlipStreamNodeDriver):
    def __init__(self, key: str, secret: str) -> None:
        super().__init__(key, secret, ex_endpoint=URL, region=REGION or None)


def until(machine: Any, connector: Any, auth: Any, *states: str) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        success, result = connector.updateVMInfo(machine, auth)
        assert success, result
        if machine.state in states and (machine.getPublicIP() or machine.getPrivateIP()):
            return
        time.sleep(0.05)
    raise TimeoutError(f"the machine is {machine.state}")


def main() -> None:
    set_driver("here", "__main__", "Here")
    Provider.HERE = "here"  # type: ignore[attr-defined]
    cloud = CloudInfo()
    cloud.type = "LibCloud"
    # What the connector knows of the machines that it starts.
    machines: list[Any] = []
    infrastructure = SimpleNamespace(id="infrastructure", add_vm=machines.append)
    connector = LibCloudCloudConnector(cloud, infrastructure)
    auth = Authentication(
        [{"type": "LibCloud", "driver": "HERE", "username": USER, "password": PASSWORD}]
    )
    description = parse_radl(RADL)
    (system,) = connector.concreteSystem(description.systems[0], auth)
    description.systems = [system]
    driver = connector.get_driver(auth)
    if driver.features["create_node"]:
        [(launched, _)] = connector.launch(infrastructure, description, description, 1, auth)
        (machine,) = machines
    else:
        # Without keys for machines the connector can start none: it passes OpenStack's ex_keyname.
        launched = None
        node = driver.create_node(
            "blog",
            connector.get_instance_type(driver, system),
            connector.get_image_id(f"x://y/{IMAGE}"),
        )
        machine = VirtualMachine(
            infrastructure, node.id, cloud, description, description, connector
        )
        machine.keypair = None
    until(machine, connector, auth, VirtualMachine.RUNNING)
    report = {
        "launched": launched,
        "size": system.getValue("instance_type"),
        "address": machine.getPublicIP() or machine.getPrivateIP(),
        "key": (machine.getCredentialValues()[3] or "")[:40],
    }
    try:
        connector.stop(machine, auth)
        until(machine, connector, auth, VirtualMachine.STOPPED)
        connector.start(machine, auth)
        until(machine, connector, auth, VirtualMachine.RUNNING)
        report["stopped"] = True
    except NotImplementedError as error:
        report["stopped"] = str(error)
    public_key = "" if machine.keypair else "none"
    machine.getRequestedSystem().setValue("disk.0.os.credentials.public_key", public_key)
    report["finalized"] = connector.finalize(machine, True, auth)
    print(json.dumps(report))


main()
