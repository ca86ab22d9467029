"""
Runs as values: an item of the list, and the whole document.

The two name the same things differently (``status`` and ``state``, ``username`` and ``user``).
Source: SlipStreamServer, persistence/Run.java, persistence/RunView.java.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from slipstream.backends.slipstream import xml
from slipstream.backends.slipstream.dialect import STATES
from slipstream.backends.slipstream.module_document import PREFIX, split_version
from slipstream.values import Deployment, Phase, ServiceOffer
from slipstream.values.timestamps import parse_timestamp

STATE, ABORT, TAGS, SERVICE_URL = "ss:state", "ss:abort", "ss:tags", "ss:url.service"


def phase(state: str) -> Phase:
    """
    What a state means.

    :param state: The server's word.
    """
    return STATES.get(state, Phase.UNKNOWN)


def summary(item: Element, addresses: Iterable[str] = ()) -> Deployment:
    """
    An item of ``GET /run``.

    :param item: The element.
    :param addresses: The addresses of its machines, if they were read.
    """
    return _deployment(
        item,
        state=item.get("status", ""),
        user=item.get("username"),
        tags=item.get("tags", ""),
        failure=item.get("abort", ""),
        service_url=item.get("serviceUrl", ""),
        addresses=addresses,
    )


def document(root: Element) -> Deployment:
    """
    The document of ``GET /run/{uuid}``.

    :param root: Its root element.
    """
    parameters = xml.entries(root, "runtimeParameters", "runtimeParameter")
    values = {
        p.get("key", ""): p.text if xml.flag(p, "isSet") and p.text else None for p in parameters
    }
    return _deployment(
        root,
        state=root.get("state") or values.get(STATE) or "",
        user=root.get("user"),
        tags=values.get(TAGS) or "",
        failure=values.get(ABORT) or "",
        service_url=values.get(SERVICE_URL) or "",
        scalable=xml.flag(root, "mutable"),
        size=_size(values),
        addresses=tuple(_addresses(values)),
        parameters=values,
    )


def passwords(root: Element) -> dict[str, str | None]:
    """
    The runtime parameters that the module declares as passwords, which the run calls texts.

    :param root: The root element of a run's document.
    :returns: Their values by their keys.
    """
    names = {p.get("name") for p in root.iterfind("module//parameter[@type='Password']")}
    parameters = xml.entries(root, "runtimeParameters", "runtimeParameter")
    values = {p.get("key", ""): p.text for p in parameters}
    return {key: value for key, value in values.items() if key.partition(":")[2] in names}


def _size(values: dict[str, str | None]) -> ServiceOffer | None:
    """The offer that all machines of the user have; its id is all that a run tells."""
    offers = {
        value
        for key, value in values.items()
        if key.endswith(":service-offer") and not key.startswith("orchestrator-")
    }
    offer = offers.pop() if len(offers) == 1 else None
    return ServiceOffer(id=offer, name=offer) if offer else None


def _addresses(values: dict[str, str | None]) -> Iterator[str]:
    """The host names of the user's machines; those of orchestrators serve the server only."""
    for key in sorted(values):
        group, _, name = key.partition(":")
        value = values[key]
        if name == "hostname" and value and not group.startswith("orchestrator-"):
            yield value


def _deployment(
    element: Element,
    *,
    state: str,
    user: str | None,
    tags: str,
    failure: str,
    service_url: str,
    scalable: bool | None = None,
    size: ServiceOffer | None = None,
    addresses: Iterable[str] = (),
    parameters: dict[str, str | None] | None = None,
) -> Deployment:
    name, *labels = (label.strip() for label in tags.split(","))
    module_id = element.get("moduleResourceUri", "").removeprefix(PREFIX)
    return Deployment(
        id=element.get("uuid", ""),
        name=name or None,
        state=state,
        phase=phase(state),
        failure=(xml.without_markup(failure) or None) if failure else None,
        module_id=module_id,
        module_name=split_version(module_id)[0].rpartition("/")[2] or None,
        size=size,
        tags=[label for label in labels if label],
        connectors=[c for c in element.get("cloudServiceNames", "").split(",") if c],
        user=user,
        started=parse_timestamp(element.get("startTime")),
        service_url=service_url or None,
        scalable=scalable,
        addresses=addresses,
        parameters=parameters,
        raw=element.attrib,
    )
