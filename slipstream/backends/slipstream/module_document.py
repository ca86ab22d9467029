"""
One module's document, as a value.

Source: SlipStreamServer, persistence/Module.java, ImageModule.java, DeploymentModule.java and
the stylesheet module-export.xsl, which takes ``name`` and ``resourceUri`` off the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import attrs

from slipstream.backends.slipstream import xml
from slipstream.errors import MalformedAnswer
from slipstream.values import Module, ModuleKind, ModuleNode, ModuleParameter
from slipstream.values.timestamps import parse_timestamp

PREFIX = "module/"
KINDS = {
    "Project": ModuleKind.PROJECT,
    "Image": ModuleKind.COMPONENT,
    "Deployment": ModuleKind.APPLICATION,
}
ANY_CLOUD = "default"
"""What a node or a list of clouds says for "the default cloud of the user"."""


def split_version(identity: str) -> tuple[str, str | None]:
    """
    Take the version off the end of a module's id.

    :param identity: A path, with a version behind it or without.
    :returns: The path, and the version or ``None``.
    """
    path, _, last = identity.rpartition("/")
    return (path, last) if path and last.isascii() and last.isdigit() else (identity, None)


def module(root: Element) -> Module:
    """
    Read a module's document.

    :param root: Its root element.
    :raises MalformedAnswer: If it does not say what it is.
    """
    name, version = root.get("shortName"), root.get("version")
    kind = KINDS.get(root.get("category", ""))
    if not name or kind is None:
        raise MalformedAnswer("The document of a module has no name or no category.")
    parent = root.get("parentUri", "").removeprefix(PREFIX).strip("/")
    path = f"{parent}/{name}" if parent else name
    clouds = [cloud.text or "" for cloud in root.iterfind("cloudNames/string")]
    return Module(
        id=f"{path}/{version}" if version else path,
        path=path,
        name=name,
        kind=kind,
        version=version,
        description=root.get("description", ""),
        parameters=tuple(_parameters(root)),
        nodes=tuple(map(_node, xml.entries(root, "nodes", "node"))),
        image_ids=_image_ids(root),
        connectors=[cloud for cloud in clouds if cloud not in {"", ANY_CLOUD}],
        parent_id=root.get("moduleReferenceUri", "").removeprefix(PREFIX) or None,
        created=parse_timestamp(root.get("creation")),
        modified=parse_timestamp(root.get("lastModified")),
        raw=dict(root.attrib),
    )


def _node(element: Element) -> ModuleNode:
    image = element.find("image")
    parameters = {} if image is None else {p.name: p for p in _parameters(image)}
    # A node's own parameters are values for those of its component, without their types.
    for own in _parameters(element, "parameters", "parameterMappings"):
        parameter = parameters.get(own.name, own)
        parameters[own.name] = attrs.evolve(parameter, value=own.value, mapped_to=own.mapped_to)
    connector = element.get("cloudService", ANY_CLOUD)
    multiplicity = xml.whole(element.get("multiplicity"))
    return ModuleNode(
        name=element.get("name", ""),
        module_id=element.get("imageUri", "").removeprefix(PREFIX),
        multiplicity=1 if multiplicity is None else multiplicity,
        connector=None if connector == ANY_CLOUD else connector,
        parameters=tuple(parameters.values()),
        image_ids=_image_ids(image) if image is not None else {},
    )


def _parameters(element: Element, *maps: str) -> Iterator[ModuleParameter]:
    # A module repeats its own parameters among those that it inherits.
    names: set[str] = set()
    for name in maps or ("parameters", "inputParametersExpanded"):
        for parameter in xml.entries(element, name, "parameter"):
            if parameter.get("name", "") in names:
                continue
            names.add(parameter.get("name", ""))
            value = parameter.findtext("value")
            yield ModuleParameter(
                name=parameter.get("name", ""),
                category=parameter.get("category", ""),
                value=parameter.findtext("defaultValue") if value is None else value,
                type=parameter.get("type", ""),
                description=parameter.get("description", ""),
                mandatory=xml.flag(parameter, "mandatory"),
                choices=[choice.text or "" for choice in parameter.iterfind("enumValues/string")],
                mapped_to=value if xml.flag(parameter, "isMappedValue") else None,
            )


def _image_ids(element: Element) -> dict[str, str]:
    images = element.iterfind("cloudImageIdentifiers/cloudImageIdentifier")
    identifiers = {
        image.get("cloudServiceName", ""): image.get("cloudImageIdentifier", "")
        for image in images
    }
    return {cloud: image for cloud, image in identifiers.items() if cloud and image}
