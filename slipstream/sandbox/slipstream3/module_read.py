"""Modules read from XML, as ``PUT /module/PATH`` sends them. Source: module-import.xsl."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from slipstream.sandbox.slipstream3.modules import RIGHTS, Category, Module, ModuleNode, Rights
from slipstream.sandbox.slipstream3.parameters import Parameter, read_parameters
from slipstream.sandbox.slipstream3.problems import XmlProblem

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_CATEGORIES: dict[str, Category] = {
    "projectModule": "Project",
    "imageModule": "Image",
    "deploymentModule": "Deployment",
}
_NODE_NAME = re.compile(r"\w+", re.ASCII)


def read_xml(body: bytes) -> Element:
    """
    Parse a document, entities off.

    :param body: The bytes.
    :returns: Its root.
    :raises XmlProblem: 400 if it is not XML.
    """
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        raise XmlProblem(400, "Invalid xml document") from None
    return root


def parameters_of(root: Element) -> list[Parameter]:
    """
    Read the parameters of a document.

    :param root: The element that has a ``parameters`` child.
    :returns: The parameters.
    """
    return read_parameters(
        (dict(one.attrib), {child.tag: child.text or "" for child in one})
        for one in root.findall("parameters/entry/parameter")
    )


def read_category(root: Element) -> Category:
    """
    Tell what kind of module a document is.

    :param root: The document.
    :returns: The category.
    :raises XmlProblem: 400 if it is no module.
    """
    category = _CATEGORIES.get(root.tag)
    if category is None:
        raise XmlProblem(400, "Unknown category")
    return category


def read_module(root: Element, path: str, *, user: str, now: datetime) -> Module:
    """
    Read a module.

    :param root: The document.
    :param path: The path it was sent to.
    :param user: Who sends it, and owns it then, whatever the document says.
    :param now: The moment.
    :returns: The module, without a version.
    :raises XmlProblem: 400 if it cannot be one, 409 if it breaks a rule.
    """
    category = read_category(root)
    comment = root.findtext("commit/comment") or root.findtext("comment") or ""
    module = Module(
        path=path,
        category=category,
        rights=_rights(root, user),
        description=root.get("description", ""),
        created=now,
        modified=now,
        author=user,
        comment=comment,
        custom_version=root.get("customVersion"),
        logo=root.get("logoLink") or None,
        note=root.findtext("note"),
        placement=root.get("placementPolicy"),
        tag=root.get("tag"),
        parameters=parameters_of(root),
        targets={one.get("name", ""): one.text or "" for one in root.findall("targets/target")},
        packages=[one.get("name", "") for one in root.findall("packages/package")],
        reference=_reference(root),
        is_base=root.get("isBase") == "true",
        platform=root.get("platform"),
        login=root.get("loginUser"),
        images=_images(root),
        nodes=[_node(one) for one in root.findall("nodes/entry/node")],
    )
    for name in ("prerecipe", "recipe"):
        if text := root.findtext(name):
            module.targets[name] = text
    _check_path(root, path)
    return module


def _check_path(root: Element, path: str) -> None:
    parent = root.get("parentUri", "").removeprefix("module/").strip("/")
    name = root.get("shortName", "")
    if f"{parent}/{name}".strip("/") != path:
        raise XmlProblem(400, "The uploaded module does not correspond to the target module uri")


def _rights(root: Element, user: str) -> Rights:
    found = root.find("authz")
    if found is None:
        return Rights(owner=user)

    def granted(prefix: str) -> frozenset[str]:
        return frozenset(right for right in RIGHTS if found.get(f"{prefix}{right}") == "true")

    return Rights(
        owner=user,
        public=granted("public"),
        group=granted("group"),
        members=tuple(one.text or "" for one in found.findall("groupMembers/string")),
        inherited_members=found.get("inheritedGroupMembers") != "false",
    )


def _reference(root: Element) -> str | None:
    text = root.get("moduleReferenceUri") or None
    return text if text is None or text.startswith("module/") else f"module/{text}"


def _images(root: Element) -> dict[str, str]:
    return {
        one.get("cloudServiceName", ""): one.get("cloudImageIdentifier", "")
        for one in root.findall("cloudImageIdentifiers/cloudImageIdentifier")
    }


def _node(element: Element) -> ModuleNode:
    name = element.get("name", "")
    if not _NODE_NAME.fullmatch(name):
        raise XmlProblem(409, f"Invalid node name: {name}")
    return ModuleNode(
        name=name,
        image=element.get("imageUri", ""),
        multiplicity=int(element.get("multiplicity", "1")),
        max_provisioning_failures=int(element.get("maxProvisioningFailures", "0")),
        cloud=element.get("cloudService", "default"),
        network=element.get("network"),
        parameters={one.name: one.value or "" for one in parameters_of(element)},
    )


def check_module(world: World, module: Module) -> None:
    """
    Make sure that a module refers to what exists.

    :param world: The world.
    :param module: The module.
    :raises XmlProblem: 409 if it does not.
    """
    references = [module.reference] if module.reference else []
    references += [node.image for node in module.nodes]
    for reference in references:
        try:
            world.library.find(reference.removeprefix("module/"))
        except XmlProblem:
            raise XmlProblem(409, f"Unknown reference module: {reference}") from None
    if module.parent and world.library.latest(module.parent) is None:
        raise XmlProblem(409, f"Unknown parent project: {module.parent}")
