"""
Modules as XML documents.

Source: SlipStreamServer, jar-persistence Module.java and module-export.xsl.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from slipstream.sandbox.slipstream3.java_moments import java
from slipstream.sandbox.slipstream3.modules import RIGHTS, Module, ModuleNode, Rights
from slipstream.sandbox.slipstream3.parameters import Parameter, parameter_map, string_array
from slipstream.sandbox.slipstream3.xmltext import Element, entries

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_ROOTS = {"Project": "projectModule", "Image": "imageModule", "Deployment": "deploymentModule"}
_CLASS = "com.sixsq.slipstream.persistence.{}"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def authz(rights: Rights, *, kind: str | None = None) -> Element:
    """
    Write who may do what.

    :param rights: The rights.
    :param kind: The ``class`` attribute of the members.
    :returns: The ``authz`` element.
    """
    attributes: dict[str, object] = {"owner": rights.owner}
    attributes |= {f"owner{right}": True for right in RIGHTS}
    attributes |= {f"group{right}": right in rights.group for right in RIGHTS}
    attributes |= {f"public{right}": right in rights.public for right in RIGHTS}
    attributes["inheritedGroupMembers"] = rights.inherited_members
    members = [Element("string", text=name) for name in rights.members]
    return Element("authz", attributes, [Element("groupMembers", {"class": kind}, members)])


def store_item(module: Module) -> Element:
    """
    Write an entry of the App Store.

    :param module: The module.
    :returns: The ``item`` element.
    """
    return Element(
        "item",
        {
            "resourceUri": module.uri,
            "category": module.category,
            "customVersion": module.custom_version,
            "description": module.description or None,
            "version": module.version,
            "name": module.name,
            "published": True,
            "logoLink": module.logo,
        },
        [authz(module.rights, kind="java.util.ArrayList")],
    )


def root_item(module: Module) -> Element:
    """
    Write an entry of the list of root projects.

    :param module: The project.
    :returns: The ``item`` element.
    """
    item = store_item(module)
    item.attributes.pop("published")
    item.attributes.pop("logoLink", None)
    return item


def version_list(versions: Iterable[Module]) -> Element:
    """
    Write the list of a module's versions.

    :param versions: The versions; one at least.
    :returns: The ``versionList`` element.
    """
    every = list(versions)
    items = [
        Element(
            "item",
            {
                "resourceUri": one.uri,
                "version": one.version,
                "lastModified": java(one.modified),
                "category": one.category,
                "name": one.name,
                "moduleName": one.path,
            },
            [authz(one.rights, kind="java.util.ArrayList"), _commit(one)],
        )
        for one in every
    ]
    attributes = {"moduleCategory": every[0].category, "moduleName": every[0].path}
    return Element("versionList", attributes, items)


def _commit(module: Module) -> Element:
    comment = Element("comment", text=module.comment, cdata=True)
    return Element("commit", {"author": module.author}, [comment])


def document(world: World, module: Module, *, runs: Element | None = None) -> Element:
    """
    Write a module as the server keeps it.

    :param world: The world.
    :param module: The module.
    :param runs: The list of runs to put inside.
    :returns: The element.
    """
    latest = world.library.latest(module.path)
    return Element(
        _ROOTS[module.category],
        {
            "category": module.category,
            "creation": java(module.created),
            "customVersion": module.custom_version,
            "deleted": module.deleted,
            "description": module.description,
            "isBase": module.is_base if module.category == "Image" else None,
            "isLatestVersion": latest is None or latest.version == module.version,
            "lastModified": java(module.modified),
            "loginUser": module.login,
            "logoLink": module.logo,
            "moduleReferenceUri": module.reference,
            "name": module.path,
            "parentUri": f"module/{module.parent}",
            "placementPolicy": module.placement,
            "platform": module.platform,
            "resourceUri": module.uri,
            "shortName": module.name,
            "tag": module.tag,
            "version": module.version,
        },
        [
            parameter_map(module.parameters),
            authz(module.rights),
            _commit(module),
            _published(module),
            Element("note", text=module.note, cdata=True) if module.note else None,
            string_array("cloudNames", [*sorted(world.connectors), "default"]),
            runs,
            *_particulars(world, module),
        ],
    )


def _published(module: Module) -> Element | None:
    if module.published is None:
        return None
    attributes = {"publicationDate": java(module.published), "publisher": module.publisher}
    return Element("published", attributes)


def _particulars(world: World, module: Module) -> list[Element]:
    if module.category == "Project":
        children = [_child(child) for child in world.library.children(module.path)]
        return [Element("children", children=children)]
    targets = Element(
        "targets",
        children=[
            Element("target", {"name": name}, text=text, cdata=True)
            for name, text in module.targets.items()
        ],
    )
    if module.category == "Deployment":
        nodes = [(node.name, _node(world, node)) for node in module.nodes]
        return [targets, Element("nodes", children=entries(nodes)), Element("targetsExpanded")]
    return [targets, *_image_parts(world, module)]


def _child(module: Module) -> Element:
    return Element(
        "item",
        {
            "resourceUri": module.uri,
            "category": module.category,
            "customVersion": module.custom_version,
            "description": module.description or None,
            "name": module.name,
            "version": module.version,
        },
        [authz(module.rights)],
    )


def _image_parts(world: World, module: Module) -> list[Element]:
    packages = [Element("package", {"name": name}) for name in module.packages]
    images = [
        Element(
            "cloudImageIdentifier",
            {
                "resourceUri": f"{module.uri}/{cloud}",
                "cloudServiceName": cloud,
                "cloudImageIdentifier": image,
            },
        )
        for cloud, image in module.images.items()
    ]
    inherited = [
        parameter
        for name, parameter in world.library.inputs(module).items()
        if name not in {one.name for one in module.parameters}
    ]
    return [
        Element("packages", children=packages),
        Element("prerecipe", text=module.targets.get("prerecipe"), cdata=True),
        Element("recipe", text=module.targets.get("recipe"), cdata=True),
        Element("cloudImageIdentifiers", children=images),
        _expanded("inputParametersExpanded", inherited, "Input"),
        _expanded("outputParametersExpanded", inherited, "Output"),
        Element("targetsExpanded"),
        Element("packagesExpanded"),
        Element("buildStates"),
    ]


def _expanded(name: str, parameters: Iterable[Parameter], category: str) -> Element:
    return parameter_map((one for one in parameters if one.category == category), name=name)


def _node(world: World, node: ModuleNode) -> Element:
    component = world.library.find(node.image.removeprefix("module/"))
    parameters = [
        Parameter(name, value, mapped=not value.startswith("'"))
        for name, value in node.parameters.items()
    ]
    image = document(world, component)
    image.name = "image"
    return Element(
        "node",
        {
            "name": node.name,
            "multiplicity": node.multiplicity,
            "maxProvisioningFailures": node.max_provisioning_failures,
            "cloudService": node.cloud,
            "imageUri": node.image,
            "network": node.network,
            "deleted": False,
            "creation": java(component.created),
        },
        [parameter_map(parameters), Element("parameterMappings"), image],
    )


def exported(element: Element) -> Element:
    """
    Do what the stylesheet of ``/module`` does to a document.

    :param element: The document, which is changed.
    :returns: The same element without ``resourceUri``, ``class`` and the root's ``name``.
    """
    element.attributes.pop("name", None)
    for one in element.walk():
        one.attributes.pop("resourceUri", None)
        one.attributes.pop("class", None)
        one.cdata = False
        one.text = one.text or None
    return element


def inner(world: World, module: Module) -> Element:
    """
    Write a module the way it stands inside a run.

    :param world: The world.
    :param module: The module.
    :returns: The ``module`` element.
    """
    found = document(world, module)
    kind = found.name[0].upper() + found.name[1:]
    found.name = "module"
    found.attributes = {"class": _CLASS.format(kind), **found.attributes}
    return found
