"""
Modules as XML documents.

Source: SlipStreamServer, jar-persistence Module.java and module-export.xsl.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slipstream.sandbox.slipstream3.modules import (
    Library,
    Module,
    ModuleNode,
    Parameter,
    Rights,
    parameter_map,
)
from slipstream.sandbox.slipstream3.xml import Element, attributes_of, entries, string_array

_ROOTS = {"Project": "projectModule", "Image": "imageModule", "Deployment": "deploymentModule"}
_RIGHTS = ("Get", "Put", "Post", "Delete", "CreateChildren")
_LIST, _HASH_SET, _HASH_MAP = "java.util.ArrayList", "java.util.HashSet", "java.util.HashMap"
PERSISTENT_MAP = "org.hibernate.collection.internal.PersistentMap"
_PERSISTENT_SET = "org.hibernate.collection.internal.PersistentSet"
# The build targets of a component stand in its document even where they are empty.
_BUILD_TARGETS = ("prerecipe", "recipe")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_ITEM = "resourceUri=uri category customVersion=custom_version description name version"
_VERSION = "resourceUri=uri lastModified=modified version category moduleName=path name"
_MODULE = (
    "category creation=created customVersion=custom_version deleted description isBase=is_base "
    "lastModified=modified loginUser=login logoLink=logo moduleReferenceUri=reference name=path "
    "parentUri=parent platform resourceUri=uri shortName=name version"
)
_NODE = (
    "name multiplicity maxProvisioningFailures=max_provisioning_failures cloudService=cloud "
    "imageUri=image"
)


def _authz(rights: Rights) -> Element:
    attributes: dict[str, object] = {"owner": rights.owner, "inheritedGroupMembers": True}
    for right in _RIGHTS:
        attributes[f"owner{right}"] = True
        attributes[f"group{right}"] = right == "Get"
        attributes[f"public{right}"] = right in rights.public
    return Element("authz", attributes, [Element("groupMembers", {"class": _LIST})])


def _commit(module: Module) -> Element:
    comment = Element("comment", text="Initial version")
    return Element("commit", {"author": module.rights.owner}, [comment])


def cloud_names(connectors: Iterable[str]) -> Element:
    """The clouds that a module can be deployed to."""
    return string_array("cloudNames", [*sorted(connectors), "default"])


def item(module: Module, **attributes: object) -> Element:
    """An entry of a list of modules."""
    return Element("item", attributes | attributes_of(module, _ITEM), [_authz(module.rights)])


def store_item(module: Module) -> Element:
    """An entry of the App Store."""
    view = {"class": "com.sixsq.slipstream.module.ModuleViewPublished"}
    return item(module, published=True, logoLink=module.logo, **view)


def version_list(versions: Sequence[Module]) -> Element:
    """The versions of a module, oldest first."""
    items = [
        Element("item", attributes_of(module, _VERSION), [_authz(module.rights), _commit(module)])
        for module in versions
    ]
    table = "moduleCategory=category moduleName=path"
    return Element("versionList", attributes_of(versions[-1], table), items)


def module_document(
    library: Library, module: Module, *, beside: Sequence[Element | None] = ()
) -> Element:
    """Write a module as the server keeps it; some elements stand only where it is by itself."""
    latest = library.latest(module.path)
    is_latest = latest is None or latest.version == module.version
    date = {"publicationDate": module.published}
    return Element(
        _ROOTS[module.category],
        attributes_of(module, _MODULE) | {"isLatestVersion": is_latest},
        [
            _authz(module.rights),
            _commit(module),
            Element("published", date) if module.published else None,
            *beside,
            parameter_map(module.parameters, PERSISTENT_MAP),
            *_contents(library, module),
        ],
    )


def _contents(library: Library, module: Module) -> list[Element]:
    if module.category == "Project":
        children = [item(child) for child in library.children(module.path)]
        return [Element("children", {"class": _LIST}, children)]
    own = [
        Element("target", {"name": name}, text=text, cdata=True)
        for name, text in module.targets.items()
    ]
    targets = Element("targets", {"class": _PERSISTENT_SET}, own)
    if module.category == "Image":
        return [targets, *_image_contents(library, module)]
    nodes = entries((node.name, _node(library, node)) for node in module.nodes)
    expanded = Element("targetsExpanded", {"class": _HASH_SET})
    return [targets, Element("nodes", {"class": PERSISTENT_MAP}, nodes), expanded]


def _image_contents(library: Library, module: Module) -> list[Element]:
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
    lineage = library.lineage(module)
    parameters = library.parameters(module).values()
    built = [
        Element("buildState", {"moduleUri": ancestor.uri, "builtOn": ""}) for ancestor in lineage
    ]
    return [
        Element("packages", {"class": _PERSISTENT_SET}),
        *[Element(name, text="", cdata=True) for name in _BUILD_TARGETS],
        Element("cloudImageIdentifiers", {"class": _PERSISTENT_SET}, images),
        Element("targetsExpanded", {"class": _HASH_SET}, _expanded_targets(lineage[::-1])),
        _expanded_parameters(parameters, "Output"),
        _expanded_parameters(parameters, "Input"),
        Element("packagesExpanded", {"class": _HASH_SET}),
        Element("buildStates", {"class": _HASH_SET}, built),
        string_array("notes", ()),
    ]


def _expanded_targets(base_first: Sequence[Module]) -> list[Element]:
    names = [*_BUILD_TARGETS, *(name for module in base_first for name in module.targets)]
    expanded = []
    for name in dict.fromkeys(names):
        sources = [module for module in base_first if name in (*module.targets, *_BUILD_TARGETS)]
        steps = [
            Element(
                "subTarget",
                {"name": name, "order": order}
                | attributes_of(module, "moduleUri=uri moduleShortName=name"),
                text=module.targets.get(name, ""),
                cdata=True,
            )
            for order, module in enumerate(sources, 1)
        ]
        expanded.append(Element("targetExpanded", {"name": name}, steps))
    return expanded


def _expanded_parameters(parameters: Iterable[Parameter], category: str) -> Element:
    chosen = [parameter for parameter in parameters if parameter.category == category]
    return parameter_map(chosen, _HASH_MAP, f"{category.lower()}ParametersExpanded")


def _node(library: Library, node: ModuleNode) -> Element:
    component = library.find(node.path)
    parameters = [
        Parameter(name, value, mapped=not value.startswith("'"))
        for name, value in node.parameters.items()
    ]
    mapped = [parameter for parameter in parameters if parameter.mapped]
    image = module_document(library, component)
    image.name = "image"
    return Element(
        "node",
        attributes_of(node, _NODE) | {"deleted": False, "creation": component.created},
        [
            parameter_map(mapped, PERSISTENT_MAP, "parameterMappings"),
            parameter_map(parameters, PERSISTENT_MAP),
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
        part.cdata, part.text = False, part.text or None
    return element


def module_in_run(library: Library, module: Module) -> Element:
    """A module the way it stands inside a run."""
    element = module_document(library, module)
    kind = f"com.sixsq.slipstream.persistence.{module.category}Module"
    element.name, element.attributes = "module", {"class": kind, **element.attributes}
    return element
