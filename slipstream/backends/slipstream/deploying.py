"""
Deploying: one form to ``POST /run``, after everything that can be checked has been.

Every field that the server does not know is an error there, so names are checked here first,
against what the module declares. Sources: SlipStreamServer, run/RunListResource.java,
util/RequestUtil.java, factory/*.java.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import attrs

from slipstream.backends import cimi
from slipstream.backends.cimi import CimiBackend
from slipstream.backends.slipstream import account, runs
from slipstream.backends.slipstream.dialect import XML
from slipstream.backends.slipstream.modules import ANY_CLOUD, get_module, split_version
from slipstream.errors import (
    AnswerLost,
    BadInput,
    Conflict,
    DriverError,
    MalformedAnswer,
    NotFound,
    RequestFailed,
    UnknownName,
    shorten,
)
from slipstream.session import Session
from slipstream.session.session import PLACEHOLDER
from slipstream.transport.calls import get_logger
from slipstream.transport.messages import Request, expect
from slipstream.values import (
    Deployment,
    DeploymentRequest,
    Module,
    ModuleKind,
    ModuleNode,
    ModuleParameter,
    Parameter,
    Phase,
    Role,
    ServiceOffer,
)

log = get_logger(__name__)

SERVICE_OFFER = "service-offer/"
POST_TIMEOUT = 120.0  # seconds: the server checks quotas and placement before it responds
MAX_LENGTH = 4096  # characters that a value may have
_LOOK = (
    "It may have been deployed all the same and was not sent again. Look for it with list_nodes()"
    " before you try once more."
)
_HINTS = {
    "public key": "Add a key with import_key_pair_from_file(), or leave ex_check_ssh_key out.",
    "uota": "Terminate deployments that are not needed any more, or ask for a larger quota.",
    "service offer": "list_sizes(location) lists those that can be used there.",
}
"""What to do next, by a word of the refusal."""

WIRE_NAMES = {
    Role.LOCATION: "cloudservice",
    Role.SIZE: "service-offer",
    Role.MULTIPLICITY: "multiplicity",
    Role.TOLERATED_FAILURES: "max-provisioning-failures",
}
"""What the server calls the parameters that decide more than an input."""

_SETTABLE = ("Input", "Output", "Cloud")
_DECIDED_ELSEWHERE = {"refqname", "type"}
_OPTIONS = {"tags", "keep-running", "mutable", "bypass-ssh-check"} | _DECIDED_ELSEWHERE
_TRUE = {"true", "yes", "on", "1"}
_APPLICATION_ONLY = {
    Role.MULTIPLICITY: "ex_multiplicity",
    Role.TOLERATED_FAILURES: "ex_tolerate_failures",
}

Inherited = Callable[[], Iterable[ModuleParameter]]
Offers = dict[Parameter, ServiceOffer | None]


def deploy(backend: CimiBackend, request: DeploymentRequest) -> Deployment:
    """
    Check the request against the module, send it once, and read the new run.

    A component that was read before can vouch for its own parameters; what it refuses is checked
    by what it says now. Once the server has accepted, the run exists: when it cannot be read, what
    is known of it is returned rather than an error that would lose it.
    """
    session = backend.session
    check_lengths(request)
    module, form = backend.components.get(request.module_id), None
    if module is not None:
        with suppress(BadInput):
            form = fields(request, module, tuple)  # by its own parameters alone
    if module is None or form is None:
        module = get_module(backend, request.module_id)
        if module.kind is ModuleKind.PROJECT:
            raise BadInput(
                f"{module.path} is a project; only components and applications can be deployed.",
                hint=f"See list_images(ex_path={module.path!r}).",
            )
        form = fields(request, module, lambda: _inherited_parameters(backend, module))
    if request.ssh_key is not None:
        account.ensure_key(backend, request.ssh_key)
    run = _post(session, request, form)
    try:
        deployment = runs.get_deployment(backend, run)
    except DriverError as error:
        log.warning("deployment %s was created but cannot be read yet: %s", run, error)
        return Deployment(
            id=run,
            name=request.name,
            tags=request.tags,
            module_id=module.id,
            module_name=module.name,
            phase=Phase.UNKNOWN,
            scalable=request.scalable,
        )
    except BaseException as error:
        error.add_note(f"Deployment {run} was created; destroy it if it is not needed.")
        raise
    if deployment.module_id and split_version(deployment.module_id)[0] != module.path:
        raise AnswerLost(
            f"Cannot deploy {shorten(request.module_id)}: the server returned {run} as the new"
            f" deployment, which is one of {shorten(deployment.module_id)}.",
            hint=_LOOK,
        )
    return deployment


def preflight(backend: CimiBackend, request: DeploymentRequest) -> Iterator[DriverError]:
    """Find every refusal that can be known before deploying, which stops at the first."""
    session, module = backend.session, get_module(backend, request.module_id)
    if module.kind is ModuleKind.PROJECT:
        return  # deploying says so itself
    inherited = list(_inherited_parameters(backend, module))

    def check(parameter: Parameter) -> None:
        fields(attrs.evolve(request, parameters=(parameter,)), module, lambda: inherited)

    yield from cimi.refusals(check_lengths, [request])
    yield from cimi.refusals(check, request.parameters)
    profile = account.Profile.read(session, doing="look at the account")
    if request.check_ssh_key and not any(line.strip() for line in profile.ssh_lines):
        yield BadInput(
            "The account has no SSH key.", hint="Add one with import_key_pair_from_file()."
        )
    usable = account.usable_connectors(backend, profile)
    if not usable:
        yield BadInput(
            "The account is set up for no cloud.",
            hint="Enter a cloud's credentials on the server's web page first.",
        )
        return
    offers = _offers(session, request)
    for parameter, size in offers.items():
        if size is None:
            yield UnknownName("size", parameter.value)
    images = {node.name: node.image_ids for node in module.nodes}
    for name, chosen in _clouds(request, module, offers).items():
        cloud = chosen or profile.values.get(account.DEFAULT_CLOUD)
        possible = images[name] if name is not None else module.image_ids
        if cloud and cloud not in usable:
            yield UnknownName("location", cloud, usable, "among those of this account")
        elif cloud and possible and cloud not in possible:
            yield UnknownName("location", cloud, possible, f"for {name or module.path}")


def deployment_locations(
    backend: CimiBackend, request: DeploymentRequest
) -> dict[str | None, str | None]:
    """The cloud of each machine: that of its size, the location, or the application's."""
    module = get_module(backend, request.module_id)
    return _clouds(request, module, _offers(backend.session, request))


def _clouds(
    request: DeploymentRequest, module: Module, offers: Offers
) -> dict[str | None, str | None]:
    """The cloud that each machine is to start on; the size's own comes before the location."""
    locations = attrs.evolve(request, region=None).locations(module)
    sizes = {p.node: size for p, size in reversed(offers.items())}  # the first one counts

    def cloud(node: str | None, default: str | None = None) -> str | None:
        if {node, None} & sizes.keys():
            size = sizes.get(node, sizes.get(None))
            return next(iter(size.connectors), default) if size is not None else default
        name = locations.get(node)
        return default if name in {None, ANY_CLOUD} else name

    if module.kind is ModuleKind.APPLICATION:
        return {node.name: cloud(node.name, node.connector) for node in module.nodes}
    return {None: cloud(None)}


def _offers(session: Session, request: DeploymentRequest) -> Offers:
    return {p: _read_offer(session, p.value) for p in request.decides(Role.SIZE)}


def _read_offer(session: Session, size: str) -> ServiceOffer | None:
    name = SERVICE_OFFER + size.removeprefix(SERVICE_OFFER)
    if not cimi.is_id(name, "service-offer"):
        return None
    request = Request(method="GET", path=f"/api/{name}", headers=cimi.JSON, repeatable=True)
    try:
        document = cimi.json_object(session.send(request, doing=f"look at {name}"))
    except NotFound:
        return None
    return account.offer(document) if document else None


def _post(session: Session, request: DeploymentRequest, form: dict[str, str]) -> str:
    """Send the form; only a 201 with the new run's id confirms it."""
    post = Request(
        method="POST",
        path="/run",
        headers={**XML, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        read_timeout=max(POST_TIMEOUT, session.transport.settings.read_timeout),
        expects=expect(201, Location=f"/run/{PLACEHOLDER}"),
    )
    doing = f"deploy {request.module_id}"
    try:
        response = session.send(post, doing=doing)
    except DriverError as error:
        if not error.may_have_happened:
            if isinstance(error, Conflict):
                hints = (hint for word, hint in _HINTS.items() if word in error.summary)
                error.hint = next(hints, error.hint)
            raise
        # A response that is too large, or is not the server's, tells no more than none.
        cls = type(error) if isinstance(error, AnswerLost) else AnswerLost
        begin = "" if isinstance(error, RequestFailed) else f"Cannot {doing}: "
        lost = cls(f"{begin}{error.summary}", hint=_LOOK)
        lost.code = error.code
        raise lost from error
    except BaseException as error:
        error.add_note(f"{request.module_id} may have been deployed: look with list_nodes().")
        raise
    with suppress(ValueError):  # no URL, or no id
        location = urlsplit(response.headers.get("Location", "")).path.rstrip("/").split("/")
        if response.status == 201 and location[-2:-1] == ["run"]:
            return runs.run_id(location[-1])
    raise cimi.unconfirmed(response, doing=doing, hint=_LOOK)


def _inherited_parameters(backend: CimiBackend, module: Module) -> Iterator[ModuleParameter]:
    """Read the parameters that a component inherits from those it is built on."""
    paths = {module.path}
    while module.parent_id is not None:
        path = split_version(module.parent_id.strip("/"))[0]
        if path in paths:
            return
        if len(paths) > cimi.MAX_LEVELS:
            raise MalformedAnswer(
                f"The image is built on more than {cimi.MAX_LEVELS} others, the last one"
                f" {shorten(path)}."
            )
        paths.add(path)
        with cimi.of_server(f"read what {shorten(module.path)} is built on"):
            module = get_module(backend, module.parent_id)
        yield from module.parameters


def fields(request: DeploymentRequest, module: Module, inherited: Inherited) -> dict[str, str]:
    """
    The form for a request, checked against the module.

    :param inherited: Returns the parameters of the module's ancestors, if some are needed.
    """
    request = _with_options(request)
    form = {"refqname": f"module/{module.id}"}
    if labels := _labels(request):
        form["tags"] = labels
    if request.keep_running:
        form["keep-running"] = request.keep_running
    if not request.check_ssh_key:
        form["bypass-ssh-check"] = "true"
    nodes = module.nodes
    if module.kind is ModuleKind.APPLICATION:
        _check_nodes(request, module)
        if request.scalable:
            form["mutable"] = "on"
    else:
        _refuse_application_options(request, module)
        parameters = module.parameters
        if not {p.name for p in request.decides(Role.INPUT)} <= _by_name(parameters).keys():
            parameters = (*inherited(), *parameters)
        images = module.image_ids
        nodes = (ModuleNode(name="", module_id="", parameters=parameters, image_ids=images),)
    for node in nodes:
        prefix = f"parameter--node--{node.name}--" if node.name else "parameter--"
        declared = _by_name(node.parameters)
        for parameter in sorted(request.parameters, key=lambda p: p.node is None):
            if parameter.node in {None, node.name}:
                name, value = _field(parameter, module, node, declared)
                # What users name by the server's own parameter comes first and wins.
                form.setdefault(prefix + name, value)
    return form


def _field(
    parameter: Parameter, module: Module, node: ModuleNode, declared: Mapping[str, ModuleParameter]
) -> tuple[str, str]:
    """The name and the value of the field for a checked parameter."""
    what = f"node {node.name} of {module.path}" if node.name else module.path
    name, value = WIRE_NAMES.get(parameter.role, parameter.name), parameter.value
    if "--" in name:
        raise BadInput(f"The parameter {name!r} cannot be sent: its name holds '--'.")
    if parameter.role is Role.LOCATION:
        # A component of its own names the clouds that have its image; one that is built on
        # another names none. "" and "default" stand for the user's default cloud.
        clouds = node.image_ids or module.connectors
        if clouds and value not in {"", ANY_CLOUD, *clouds}:
            raise UnknownName("location", value, clouds, f"for {what}")
    if parameter.role is Role.SIZE:
        return name, SERVICE_OFFER + value.removeprefix(SERVICE_OFFER)
    if parameter.role is not Role.INPUT:
        return name, value
    if name not in declared:
        raise UnknownName("parameter", name, declared, f"of {what}")
    mapped_to = declared[name].mapped_to
    if mapped_to is not None:
        raise BadInput(
            f"{name!r} of {what} is mapped to {mapped_to!r}: the server overwrites its value.",
            hint="Leave it out.",
        )
    if node.name:
        # The server strips a pair of equal quotes from the value of an application's parameter,
        # and adds one where there is none, so one that is quoted itself gets another pair.
        is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        return name, f"'{value}'" if is_quoted else value
    if declared[name].value and not value:
        raise BadInput(
            f"{name!r} of {what} cannot be set to an empty text: the server ignores that and keeps"
            " the default.",
            hint="Leave it out for the default, or pass a blank.",
        )
    return name, value


def _labels(request: DeploymentRequest) -> str:
    """The name and the tags; an empty name keeps the first tag from becoming the name."""
    return ",".join((request.name or "", *filter(None, request.tags)))


def check_lengths(request: DeploymentRequest) -> None:
    """Refuse values that are too long for the server, whose own error has no reason."""
    values = [(f"The value of {p.name!r}", p.value) for p in request.parameters]
    for what, value in [("The name with the tags", _labels(request)), *values]:
        # The server counts as Java does.
        length = len(value.encode("utf-16-le", "surrogatepass")) // 2
        if length > MAX_LENGTH:
            raise BadInput(
                f"{what} has {length} characters; the server stores at most {MAX_LENGTH}."
            )


def _with_options(request: DeploymentRequest) -> DeploymentRequest:
    """Accept options of the form among the parameters, as 0.1.3 did."""
    options = {
        p.name: p.value for p in request.parameters if p.node is None and p.name in _OPTIONS
    }
    if names := sorted(options.keys() & _DECIDED_ELSEWHERE):
        raise BadInput(
            f"{', '.join(names)} cannot be passed as a parameter: the image decides it."
        )
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
                hint="For a component pass values by parameter name, and ex_cloud as text.",
            )


def _check_nodes(request: DeploymentRequest, module: Module) -> None:
    nodes = {node.name: node for node in module.nodes}
    counts: dict[tuple[Role, str | None], int] = {}
    for parameter in request.parameters:
        if parameter.node is not None and parameter.node not in nodes:
            raise UnknownName("node", parameter.node, nodes, f"of {module.path}")
        if parameter.node is None and parameter.role is Role.INPUT:
            raise BadInput(
                f"{module.path} is an application: its parameters belong to nodes, and"
                f" {parameter.name!r} was passed for none.",
                hint=f"Write ex_parameters={{'<node>': {{{parameter.name!r}: ...}}}}; its nodes:"
                f" {', '.join(nodes)}.",
            )
        if parameter.role in _APPLICATION_ONLY:
            if not parameter.value.isdecimal():
                raise BadInput(
                    f"The {parameter.role.value} of node {parameter.node} is"
                    f" {parameter.value!r}: a whole number is needed."
                )
            counts.setdefault((parameter.role, parameter.node), int(parameter.value))
    for name, node in nodes.items():
        instances = counts.get((Role.MULTIPLICITY, name), node.multiplicity)
        tolerated = counts.get((Role.TOLERATED_FAILURES, name), 0)
        if tolerated > instances:
            raise BadInput(
                f"Node {name} starts {instances} instances and cannot tolerate {tolerated}"
                " failures.",
                hint="Pass at most the node's multiplicity in ex_tolerate_failures.",
            )


def _by_name(parameters: Iterable[ModuleParameter]) -> dict[str, ModuleParameter]:
    """Parameters by name; those of a connector also by the name without its prefix."""
    by_name = {}
    for parameter in parameters:
        by_name[parameter.name] = parameter
        if parameter.category not in _SETTABLE:
            by_name[parameter.name.removeprefix(f"{parameter.category}.")] = parameter
    return by_name
