"""
A deployment request as the form that ``POST /run`` takes.

Every field that the server does not know is an error there, so names are checked here first,
against what the module declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from slipstream.backends.slipstream.dialect import WIRE_NAMES
from slipstream.backends.slipstream.module_document import ANY_CLOUD
from slipstream.errors import BadInput, UnknownName
from slipstream.values import Module, ModuleKind, ModuleNode, ModuleParameter
from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role

CONNECTOR = "connector/"
SERVICE_OFFER = "service-offer/"
MAX_LENGTH = 4096
"""Characters that a value may have."""

_SETTABLE = ("Input", "Output", "Cloud")
_DECIDED_ELSEWHERE = {"refqname", "type"}
_OPTIONS = {"tags", "keep-running", "mutable", "bypass-ssh-check"} | _DECIDED_ELSEWHERE
_TRUE = {"true", "yes", "on", "1"}
_APPLICATION_ONLY = {
    Role.MULTIPLICITY: "ex_multiplicity",
    Role.TOLERATED_FAILURES: "ex_tolerate_failures",
}

Inherited = Callable[[], Iterable[ModuleParameter]]


def fields(request: DeploymentRequest, module: Module, inherited: Inherited) -> dict[str, str]:
    """
    The form for a request.

    :param request: What to deploy and how.
    :param module: The module as the server has it.
    :param inherited: Gives the parameters of the module's ancestors; called only when a
        parameter is not the module's own.
    :returns: Field names and values.
    :raises BadInput: If the server would refuse it or misunderstand it.
    """
    request = _with_options(request)
    form = {"refqname": f"module/{module.id}"}
    labels = _labels(request)
    if labels:
        form["tags"] = labels
    if request.keep_running:
        form["keep-running"] = request.keep_running
    if not request.check_ssh_key:
        form["bypass-ssh-check"] = "true"
    if module.kind is ModuleKind.APPLICATION:
        if request.scalable:
            form["mutable"] = "on"
        return form | _application(request, module)
    return form | _component(request, module, inherited)


def _labels(request: DeploymentRequest) -> str:
    """The first label is the name; an empty one keeps the first tag from being taken for it."""
    return ",".join((request.name or "", *filter(None, request.tags)))


def check_lengths(request: DeploymentRequest) -> None:
    """
    Refuse values that the server cannot store; it answers them with an error without a reason.

    :param request: What to deploy and how.
    :raises BadInput: If a value is too long.
    """
    labels = _labels(request)
    values = [(f"The value of {p.name!r}", p.value) for p in request.parameters]
    for what, value in [("The name with the tags", labels), *values]:
        # The server counts as Java does.
        length = len(value.encode("utf-16-le", "surrogatepass")) // 2
        if length > MAX_LENGTH:
            raise BadInput(
                f"{what} has {length} characters; the server stores at most {MAX_LENGTH}."
            )


def _with_options(request: DeploymentRequest) -> DeploymentRequest:
    """The options of the form are taken among the parameters too, as 0.1.3 did."""
    options = {
        p.name: p.value for p in request.parameters if p.node is None and p.name in _OPTIONS
    }
    if options.keys() & _DECIDED_ELSEWHERE:
        names = ", ".join(sorted(options.keys() & _DECIDED_ELSEWHERE))
        raise BadInput(f"{names} cannot be given as a parameter: the image decides it.")
    changes: dict[str, Any] = {}
    if "tags" in options:
        changes["tags"] = (*request.tags, *options["tags"].split(","))
    if "keep-running" in options:
        changes["keep_running"] = options["keep-running"]
    if "mutable" in options:
        changes["scalable"] = options["mutable"].lower() in _TRUE
    if "bypass-ssh-check" in options:
        changes["check_ssh_key"] = options["bypass-ssh-check"].lower() not in _TRUE
    parameters = [p for p in request.parameters if p.node is not None or p.name not in options]
    return attrs.evolve(request, parameters=parameters, **changes)


def _component(request: DeploymentRequest, module: Module, inherited: Inherited) -> dict[str, str]:
    _refuse_application_options(request, module)
    form: dict[str, str] = {}
    declared = _by_name(module.parameters)
    for parameter in request.parameters:
        if parameter.role is Role.INPUT:
            if parameter.name not in declared:
                declared = _by_name(inherited()) | declared
            if parameter.name not in declared:
                raise UnknownName("parameter", parameter.name, declared, f"of {module.path}")
            if not parameter.value and declared[parameter.name].value:
                raise BadInput(
                    f"{parameter.name!r} of {module.path} cannot be set to an empty text: the"
                    " server ignores that and keeps the default.",
                    hint="Leave it out to mean the default, or give it a blank.",
                )
        if parameter.role is Role.LOCATION:
            _check_location(_value(parameter), module.path, module.image_ids, module.connectors)
        # What users name by the server's own parameter comes first and wins.
        form.setdefault(f"parameter--{_name(parameter)}", _value(parameter))
    return form


def _application(request: DeploymentRequest, module: Module) -> dict[str, str]:
    nodes = {node.name: node for node in module.nodes}
    form: dict[str, str] = {}
    for parameter in sorted(request.parameters, key=lambda p: p.node is None):
        if parameter.node is not None and parameter.node not in nodes:
            raise UnknownName("node", parameter.node, nodes, f"of {module.path}")
        if parameter.node is None and parameter.role is Role.INPUT:
            raise _not_for_a_node(parameter, module)
        targets = nodes.values() if parameter.node is None else [nodes[parameter.node]]
        for node in targets:
            _check_for_node(parameter, node, module)
            field = f"parameter--node--{node.name}--{_name(parameter)}"
            form.setdefault(field, _protected(parameter))
    _check_tolerance(request, nodes.values())
    return form


def _refuse_application_options(request: DeploymentRequest, module: Module) -> None:
    options = [
        _APPLICATION_ONLY[p.role] for p in request.parameters if p.role in _APPLICATION_ONLY
    ]
    if request.scalable:
        options.append("ex_scalable")
    if options:
        raise BadInput(
            f"{module.path} is a component: {' and '.join(sorted(options))} only apply to"
            " applications."
        )
    for parameter in request.parameters:
        if parameter.node is not None:
            raise BadInput(
                f"{module.path} is a component and has no node {parameter.node!r}.",
                hint="For a component give values by parameter name, and ex_cloud as text.",
            )


def _check_for_node(parameter: Parameter, node: ModuleNode, module: Module) -> None:
    where = f"node {node.name} of {module.path}"
    if parameter.role is Role.INPUT:
        declared = _by_name(node.parameters)
        if parameter.name not in declared:
            raise UnknownName("parameter", parameter.name, declared, f"of {where}")
        mapped_to = declared[parameter.name].mapped_to
        if mapped_to is not None:
            raise BadInput(
                f"{parameter.name!r} of {where} is mapped to {mapped_to!r}: the server overwrites"
                " what is given for it.",
                hint="Leave it out.",
            )
    if parameter.role is Role.LOCATION:
        _check_location(_value(parameter), where, node.image_ids, module.connectors)


def _check_location(
    value: str, what: str, image_ids: Iterable[str], connectors: Iterable[str]
) -> None:
    # A component of its own names the clouds that have its image; one that is built on another
    # names none. "" and "default" stand for the user's default cloud.
    possible = sorted(image_ids) or sorted(connectors)
    if value not in {"", ANY_CLOUD} and possible and value not in possible:
        raise UnknownName("location", value, possible, f"for {what}")


def _check_tolerance(request: DeploymentRequest, nodes: Iterable[ModuleNode]) -> None:
    multiplicities = _counts(request, Role.MULTIPLICITY)
    tolerances = _counts(request, Role.TOLERATED_FAILURES)
    for node in nodes:
        instances = multiplicities.get(node.name, node.multiplicity)
        if tolerances.get(node.name, 0) > instances:
            raise BadInput(
                f"Node {node.name} starts {instances} instances and cannot tolerate"
                f" {tolerances[node.name]} failures.",
                hint="Give ex_tolerate_failures at most the node's multiplicity.",
            )


def _counts(request: DeploymentRequest, role: Role) -> dict[str | None, int]:
    for parameter in request.decides(role):
        if not parameter.value.isdecimal():
            raise BadInput(
                f"The {role.value} of node {parameter.node} is {parameter.value!r}:"
                " a whole number is needed."
            )
    return {parameter.node: int(parameter.value) for parameter in request.decides(role)}


def _by_name(parameters: Iterable[ModuleParameter]) -> dict[str, ModuleParameter]:
    """What can be set: a connector's own parameters go by their names without its prefix too."""
    by_name = {}
    for parameter in parameters:
        by_name[parameter.name] = parameter
        if parameter.category not in _SETTABLE:
            by_name[parameter.name.removeprefix(f"{parameter.category}.")] = parameter
    return by_name


def _name(parameter: Parameter) -> str:
    name = WIRE_NAMES.get(parameter.role, parameter.name)
    if "--" in name:
        raise BadInput(f"The parameter {name!r} cannot be sent: its name holds '--'.")
    return name


def _value(parameter: Parameter) -> str:
    """The value as the form wants it: clouds by their bare names, offers by their full ids."""
    if parameter.role is Role.LOCATION:
        return parameter.value.removeprefix(CONNECTOR)
    if parameter.role is Role.SIZE and not parameter.value.startswith(SERVICE_OFFER):
        return SERVICE_OFFER + parameter.value
    return parameter.value


def _protected(parameter: Parameter) -> str:
    """
    The server strips a pair of equal quotes from the value of an application's parameter, and
    adds one where there is none, so a value that is quoted itself is given another pair.
    """
    value = _value(parameter)
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return f"'{value}'" if quoted and parameter.role is Role.INPUT else value


def _not_for_a_node(parameter: Parameter, module: Module) -> BadInput:
    nodes = [node.name for node in module.nodes]
    return BadInput(
        f"{module.path} is an application: its parameters belong to nodes, and {parameter.name!r}"
        " was given for none.",
        hint=f"Write ex_parameters={{'<node>': {{{parameter.name!r}: ...}}}}; its nodes:"
        f" {', '.join(nodes)}.",
    )
