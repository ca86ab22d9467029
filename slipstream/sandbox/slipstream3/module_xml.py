"""
Modules as XML documents.

Source: SlipStreamServer, jar-persistence Module.java and module-export.xsl.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slipstream.sandbox.slipstream3.modules import (
    RIGHTS,
    Module,
    ModuleNode,
    Parameter,
    Rights,
    parameter_map,
)
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import Element, entries, java_timestamp, string_array

_ROOTS = {"Project": "projectModule", "Image": "imageModule", "Deployment": "deploymentModule"}
_PUBLISHED_VIEW = "com.sixsq.slipstream.module.ModuleViewPublished"
_PERSISTENCE = "com.sixsq.slipstream.persistence."
_LIST, _HASH_SET, _HASH_MAP = "java.util.ArrayList", "java.util.HashSet", "java.util.HashMap"
PERSISTENT_MAP = "org.hibernate.collection.internal.PersistentMap"
_PERSISTENT_SET = "org.hibernate.collection.internal.PersistentSet"
# The build targets of a component stand in its document even where they are empty.
_BUILD_TARGETS = ("prerecipe", "recipe")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def _authz(rights: Rights) -> Element:
    attributes: dict[str, object] = {"owner": rights.owner}
    attributes |= {f"owner{right}": True for right in RIGHTS}
    attributes |= {f"group{right}": right in rights.group for right in RIGHTS}
    attributes |= {f"public{right}": right in rights.public for right in RIGHTS}
    attributes["inheritedGroupMembers"] = True
    members = [Element("string", text=name) for name in rights.members]
    return Element("authz", attributes, [Element("groupMembers", {"class": _LIST}, members)])


def _item(module: Module, **attributes: object) -> Element:
    common = {
        "resourceUri": module.uri,
        "category": module.category,
        "customVersion": module.custom_version,
        "description": module.description or None,
        "name": module.name,
        "version": module.version,
    }
    return Element("item", attributes | common, [_authz(module.rights)])


def store_item(module: Module) -> Element:
    """An entry of the App Store."""
    more = {"published": True, "logoLink": module.logo}
    return _item(module, **{"class": _PUBLISHED_VIEW}, **more)


def root_item(module: Module) -> Element:
    """An entry of the list of root projects."""
    return _item(module)


def version_list(versions: Sequence[Module]) -> Element:
    """The versions of a module, oldest first."""
    items = [
        Element(
            "item",
            {
                "resourceUri": module.uri,
                "lastModified": java_timestamp(module.modified),
                "version": module.version,
                "category": module.category,
                "moduleName": module.path,
                "name": module.name,
            },
            [_authz(module.rights), _commit(module)],
        )
        for module in versions
    ]
    newest = versions[-1]
    named = {"moduleCategory": newest.category, "moduleName": newest.path}
    return Element("versionList", named, items)


def _commit(module: Module) -> Element:
    comment = Element("comment", text=module.comment)
    return Element("commit", {"author": module.author}, [comment])


def module_document(
    state: State, module: Module, *, alone: bool = True, runs: Element | None = None
) -> Element:
    """Write a module as the server keeps it."""
    latest = state.library.latest(module.path)
    published = module.published and {"publicationDate": java_timestamp(module.published)}
    clouds = string_array("cloudNames", [*sorted(state.connectors), "default"])
    return Element(
        _ROOTS[module.category],
        {
            "category": module.category,
            "creation": java_timestamp(module.created),
            "customVersion": module.custom_version,
            "deleted": module.deleted,
            "description": module.description,
            "isBase": module.is_base if module.category == "Image" else None,
            "isLatestVersion": latest is None or latest.version == module.version,
            "lastModified": java_timestamp(module.modified),
            "loginUser": module.login,
            "logoLink": module.logo,
            "moduleReferenceUri": module.reference,
            "name": module.path,
            "parentUri": f"module/{module.parent}",
            "platform": module.platform,
            "resourceUri": module.uri,
            "shortName": module.name,
            "version": module.version,
        },
        [
            _authz(module.rights),
            _commit(module),
            Element("published", published) if published else None,
            clouds if alone else None,
            runs,
            *_contents(state, module),
        ],
    )


def _contents(state: State, module: Module) -> list[Element]:
    parameters = parameter_map(module.parameters, kind=PERSISTENT_MAP)
    if module.category == "Project":
        children = [_item(child) for child in state.library.children(module.path)]
        return [Element("children", {"class": _LIST}, children), parameters]
    targets = Element(
        "targets",
        {"class": _PERSISTENT_SET},
        [
            Element("target", {"name": name}, text=text, cdata=True)
            for name, text in module.targets.items()
        ],
    )
    if module.category == "Deployment":
        nodes = [(node.name, _node(state, node)) for node in module.nodes]
        return [
            targets,
            Element("nodes", {"class": PERSISTENT_MAP}, entries(nodes)),
            parameters,
            Element("targetsExpanded", {"class": _HASH_SET}),
        ]
    return [targets, *_image_contents(state, module), parameters]


def _image_contents(state: State, module: Module) -> list[Element]:
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
    lineage = state.library.lineage(module)
    parameters = list(state.library.parameters(module).values())
    built = [
        Element("buildState", {"moduleUri": ancestor.uri, "builtOn": ""}) for ancestor in lineage
    ]
    return [
        Element("packages", {"class": _PERSISTENT_SET}),
        *[Element(name, text="", cdata=True) for name in _BUILD_TARGETS],
        Element("cloudImageIdentifiers", {"class": _PERSISTENT_SET}, images),
        Element("targetsExpanded", {"class": _HASH_SET}, _expanded_targets(lineage)),
        _expanded_parameters("outputParametersExpanded", parameters, "Output"),
        _expanded_parameters("inputParametersExpanded", parameters, "Input"),
        Element("packagesExpanded", {"class": _HASH_SET}),
        Element("buildStates", {"class": _HASH_SET}, built),
        string_array("notes", ()),
    ]


def _expanded_targets(lineage: list[Module]) -> list[Element]:
    base_first = list(reversed(lineage))
    names = dict.fromkeys(
        [*_BUILD_TARGETS, *(name for module in base_first for name in module.targets)]
    )
    expanded = []
    for name in names:
        sources = [module for module in base_first if name in (*module.targets, *_BUILD_TARGETS)]
        steps = [
            Element(
                "subTarget",
                {
                    "name": name,
                    "moduleUri": module.uri,
                    "moduleShortName": module.name,
                    "order": order,
                },
                text=module.targets.get(name, ""),
                cdata=True,
            )
            for order, module in enumerate(sources, 1)
        ]
        expanded.append(Element("targetExpanded", {"name": name}, steps))
    return expanded


def _expanded_parameters(name: str, parameters: Iterable[Parameter], category: str) -> Element:
    chosen = [parameter for parameter in parameters if parameter.category == category]
    return parameter_map(chosen, name=name, kind=_HASH_MAP)


def _node(state: State, node: ModuleNode) -> Element:
    component = state.library.find(node.path)
    parameters = [
        Parameter(name, value, mapped=not value.startswith("'"))
        for name, value in node.parameters.items()
    ]
    mapped = [parameter for parameter in parameters if parameter.mapped]
    image = module_document(state, component, alone=False)
    image.name = "image"
    return Element(
        "node",
        {
            "name": node.name,
            "multiplicity": node.multiplicity,
            "maxProvisioningFailures": node.max_provisioning_failures,
            "cloudService": node.cloud,
            "imageUri": node.image,
            "deleted": False,
            "creation": java_timestamp(component.created),
        },
        [
            parameter_map(mapped, kind=PERSISTENT_MAP, name="parameterMappings"),
            parameter_map(parameters, kind=PERSISTENT_MAP),
            image,
            string_array("notes", ()),
        ],
    )


def exported(element: Element) -> Element:
    """Do what the stylesheet of ``/module`` does to a document, and return it."""
    element.attributes.pop("name", None)
    for part in element.walk():
        part.attributes.pop("resourceUri", None)
        part.attributes.pop("class", None)
        part.cdata = False
        part.text = part.text or None
    return element


def module_in_run(state: State, module: Module) -> Element:
    """A module the way it stands inside a run."""
    element = module_document(state, module, alone=False)
    kind = element.name[0].upper() + element.name[1:]
    element.name = "module"
    element.attributes = {"class": f"{_PERSISTENCE}{kind}", **element.attributes}
    return element
