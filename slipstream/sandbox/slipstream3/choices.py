"""What a deployment form asks for, node by node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.modules import Module, ModuleNode
from slipstream.sandbox.slipstream3.problems import XmlProblem

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

CONNECTOR_PARAMETERS = (
    "cpu",
    "ram",
    "disk",
    "instance.type",
    "security.groups",
    "extra.disk.volatile",
    "network",
)
_REFERENCE = re.compile(r"[A-Za-z0-9_]+(\.\d+)?:\S+")
_NO_REFERENCE = "a machine image reference"
_FIELD_PARTS = {"Image": 2, "Deployment": 4}


@attrs.define(kw_only=True)
class NodeChoice:
    """
    A node as it will be deployed.

    :param name: The node's name; ``machine`` for a component.
    :param component: What is installed on it.
    :param values: Values of its parameters.
    :param mappings: Parameters taken from other nodes: name to ``NODE:NAME``.
    :param size: What is asked of the connector itself.
    """

    name: str
    component: Module
    cloud: str = ""
    offer: str | None = None
    multiplicity: int = 1
    max_failures: str = "0"
    values: dict[str, str] = attrs.field(factory=dict)
    mappings: dict[str, str] = attrs.field(factory=dict)
    size: dict[str, str] = attrs.field(factory=dict)
    asked_cloud: str = ""

    def put(self, name: str, value: str, known: Mapping[str, object]) -> None:
        """
        Take one parameter of the form.

        :param name: Its name.
        :param value: Its value.
        :param known: The parameters the component has.
        :raises XmlProblem: 409 if there is no such parameter, 500 for a bad multiplicity.
        """
        if name == "cloudservice":
            self.asked_cloud = value
        elif name == "service-offer":
            self.offer = value or None
        elif name == "multiplicity":
            self.multiplicity = _count(value)
        elif name == "max-provisioning-failures" and self.name != "machine":
            self.max_failures = value
        elif name in known:
            self.mappings.pop(name, None)
            self.values[name] = value
        elif name in CONNECTOR_PARAMETERS:
            self.size[name] = value
        else:
            raise XmlProblem(409, f"Unknown parameter: {name} in node: {self.name}")


def _count(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise XmlProblem(500, f'For input string: "{text}"') from None


def read(world: World, module: Module, fields: Mapping[str, str]) -> list[NodeChoice]:
    """
    Read the parameters of a form.

    :param world: The world.
    :param module: What is deployed.
    :param fields: The fields that are not global ones.
    :returns: Every node.
    :raises XmlProblem: 409 for a field, node or parameter that does not exist.
    """
    nodes = {one.name: one for one in _defaults(world, module)}
    for field, value in fields.items():
        parts = field.split("--")
        if len(parts) != _FIELD_PARTS[module.category]:
            raise XmlProblem(409, f"Invalid key format for {module.category} module: {field}")
        name = parts[2] if module.category == "Deployment" else "machine"
        if name not in nodes:
            raise XmlProblem(409, f"Unknown node: {name}")
        text = _unquoted(value) if module.category == "Deployment" else value
        nodes[name].put(parts[-1], text, world.library.inputs(nodes[name].component))
    return list(nodes.values())


def _unquoted(text: str) -> str:
    # The server wraps a value in quotes unless it has some, then strips one pair.
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _defaults(world: World, module: Module) -> list[NodeChoice]:
    if module.category == "Image":
        return [NodeChoice(name="machine", component=module)]
    return [_node_default(world, node) for node in module.nodes]


def _node_default(world: World, node: ModuleNode) -> NodeChoice:
    component = world.library.find(node.image.removeprefix("module/"))
    choice = NodeChoice(
        name=node.name,
        component=component,
        cloud=node.cloud,
        multiplicity=node.multiplicity,
        max_failures=str(node.max_provisioning_failures),
    )
    for name, value in node.parameters.items():
        if _REFERENCE.fullmatch(value):
            choice.mappings[name] = value
        else:
            choice.values[name] = _unquoted(value)
    return choice


def settle_cloud(world: World, account: Account, node: NodeChoice, *, building: bool) -> None:
    """
    Decide where a node goes.

    :param world: The world.
    :param account: Who deploys.
    :param node: The node; its cloud is filled in.
    :param building: Whether an image is built; the offer is then not looked at.
    :raises XmlProblem: 409 if it cannot go there.
    """
    asked = "" if node.asked_cloud in {"", "default"} else node.asked_cloud
    offered = "" if building else _offered_cloud(world, node, asked)
    own = "" if node.cloud == "default" else node.cloud
    cloud = offered or asked or ("" if node.asked_cloud else own)
    node.cloud = cloud or account.value("General.default.cloud.service")
    if not node.cloud:
        raise XmlProblem(409, "No cloud service names set on the run.")
    if node.cloud not in world.connectors:
        raise XmlProblem(409, f"Failed to load cloud connector: {node.cloud}")
    if not account.configured(node.cloud):
        raise XmlProblem(
            409, f"Incomplete cloud configuration for {node.cloud} in your user profile."
        )


def _offered_cloud(world: World, node: NodeChoice, asked: str) -> str:
    if node.offer is None:
        return ""
    offer = world.store.get(node.offer)
    if offer is None or not node.offer.startswith("service-offer/"):
        raise XmlProblem(409, f"Failed to find the service offer '{node.offer}'")
    cloud = str(offer["connector"]["href"]).removeprefix("connector/")
    if asked and asked != cloud:
        raise XmlProblem(
            409,
            f"The service offer is for '{cloud}' but the Cloud service '{asked}' was asked "
            f"for node '{node.name}'",
        )
    return cloud


def check_image(world: World, node: NodeChoice) -> None:
    """
    Make sure that a cloud has the image a node begins with.

    Source: SlipStreamServer, ImageModule.java and DeploymentFactory.java.

    :param world: The world.
    :param node: The node, its cloud known.
    :raises XmlProblem: 409 if it has not.
    """
    line = world.library.lineage(node.component)
    if any(one.images.get(node.cloud) for one in line):
        return
    raise XmlProblem(409, _missing_image(node, line[-1]))


def _missing_image(node: NodeChoice, base: Module) -> str:
    if node.name != "machine":
        lack = f"an image id for cloud: {node.cloud}" if base.is_base else _NO_REFERENCE
        return f"Node {node.name} refers to image {base.path} missing {lack}"
    if node.component.is_base:
        return f"Base image must have an image id for cloud service: {node.cloud}"
    if not base.is_base:
        return "Missing reference module"
    return f"Missing image id for base image: {base.path} on cloud service: {node.cloud}"
