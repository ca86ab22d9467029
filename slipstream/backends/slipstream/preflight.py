"""
What would be refused of a deployment, as far as it can be known without asking for it.

Source: SlipStreamServer, run/RunListResource.java, factory/RunFactory.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from slipstream.backends.slipstream.deploying import inherited_parameters
from slipstream.backends.slipstream.dialect import JSON
from slipstream.backends.slipstream.form import CONNECTOR, SERVICE_OFFER, check_lengths, fields
from slipstream.backends.slipstream.module_document import ANY_CLOUD
from slipstream.backends.slipstream.modules import read
from slipstream.backends.slipstream.offers import list_connectors, offer
from slipstream.backends.slipstream.profile import Profile
from slipstream.errors import BadInput, DriverError, NotFound, UnknownName
from slipstream.session import Session
from slipstream.transport.messages import Request
from slipstream.values import Module, ModuleKind, ModuleParameter, ServiceOffer
from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role

_OFFER_ID = re.compile(r"service-offer/[\w-]+", re.ASCII)
Images = Mapping[str, str]


def find_refusals(session: Session, request: DeploymentRequest) -> Iterator[DriverError]:
    """
    Find every refusal that can be known beforehand.

    :param session: The logged-in session.
    :param request: What to deploy and how.
    """
    module = read(session, request.module_id)
    if module.kind is ModuleKind.PROJECT:
        return  # deploying says so itself
    yield from _of_the_parameters(request, module, list(inherited_parameters(session, module)))
    profile = Profile.read(session, doing="look at the account")
    if request.check_ssh_key and not any(line.strip() for line in profile.ssh_lines):
        yield BadInput(
            "The account has no SSH key.", hint="Add one with import_key_pair_from_file()."
        )
    yield from _of_the_clouds(session, request, module, profile)


def _of_the_parameters(
    request: DeploymentRequest, module: Module, inherited: list[ModuleParameter]
) -> Iterator[DriverError]:
    """One after the other, since the first that is wrong hides the rest."""
    try:
        check_lengths(request)
    except BadInput as error:
        yield error
    for parameter in request.parameters:
        try:
            fields(attrs.evolve(request, parameters=(parameter,)), module, lambda: iter(inherited))
        except BadInput as error:
            yield error


def _of_the_clouds(
    session: Session, request: DeploymentRequest, module: Module, profile: Profile
) -> Iterator[DriverError]:
    usable = {connector.name for connector in list_connectors(session)}
    if not usable:
        yield BadInput(
            "The account is set up for no cloud.", hint="Give it a cloud's credentials first."
        )
        return
    offers = {p: _offer(session, p) for p in request.decides(Role.SIZE)}
    for parameter, size in offers.items():
        if size is None:
            yield UnknownName("size", parameter.value, (), f"on {session.endpoint}")
    for node, (images, connector) in _machines(module).items():
        cloud = _cloud(request, node, offers) or connector or profile.default_cloud
        if cloud and cloud not in usable:
            yield UnknownName("location", cloud, usable, "among those of this account")
        elif cloud and images and cloud not in images:
            yield UnknownName("location", cloud, images, f"for {node or module.path}")


def _machines(module: Module) -> dict[str | None, tuple[Images, str | None]]:
    """The machine images of each node, and the cloud that the application names for it."""
    if module.kind is ModuleKind.APPLICATION:
        return {node.name: (node.image_ids, node.connector) for node in module.nodes}
    return {None: (module.image_ids, None)}


def _cloud(
    request: DeploymentRequest,
    node: str | None,
    offers: Mapping[Parameter, ServiceOffer | None],
) -> str | None:
    """The cloud that a machine is asked for on; the size's own comes before the location."""
    for parameter, size in offers.items():
        if size is not None and parameter.node in {None, node}:
            return next(iter(size.connectors), None)
    for parameter in request.decides(Role.LOCATION):
        if parameter.node in {None, node} and parameter.value not in {"", ANY_CLOUD}:
            return parameter.value.removeprefix(CONNECTOR)
    return None


def _offer(session: Session, parameter: Parameter) -> ServiceOffer | None:
    name = SERVICE_OFFER + parameter.value.removeprefix(SERVICE_OFFER)
    if not _OFFER_ID.fullmatch(name):
        return None
    request = Request(method="GET", path=f"/api/{name}", headers=JSON, repeatable=True)
    try:
        document = session.send(request, doing=f"look at {name}").json()
    except NotFound:
        return None
    return offer(document) if isinstance(document, dict) else None
