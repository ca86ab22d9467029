"""
Deployments as values.

What is selected leaves out ``api-credentials``, which the server shows in clear. Source:
nuvla/api-server, spec/deployment.cljc.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from slipstream.backends import documents
from slipstream.backends.nuvla.dialect import STATES
from slipstream.values import Deployment, Phase

SELECT = (
    "id,name,description,state,tags,created,updated,parent,credential-name,infrastructure-service,"
    "infrastructure-service-name,nuvlabox,nuvlabox-name,owner,execution-mode,module,acl"
)
_PATTERN = re.compile(r"\$\{([^}]+)\}")
_NEVER = "api-credentials"


def phase(state: str) -> Phase:
    """What a state means."""
    return STATES.get(state, Phase.UNKNOWN)


def deployment(
    document: Mapping[str, Any],
    *,
    parameters: Mapping[str, str | None] | None = None,
    failure: str | None = None,
) -> Deployment:
    """A deployment's document as a value."""
    entry = {name: value for name, value in document.items() if name != _NEVER}
    state = documents.text(entry, "state") or ""
    copied = entry.get("module")
    module: dict[str, Any] = copied if isinstance(copied, dict) else {}
    place = documents.text(entry, "infrastructure-service-name")
    tags = entry.get("tags")
    filled_in = urls(module, parameters) if parameters else {}
    more = (
        {} if parameters is None else {"urls": filled_in, "hostname": parameters.get("hostname")}
    )
    return Deployment(
        id=entry["id"],
        name=documents.text(entry, "name"),
        state=state,
        phase=phase(state),
        failure=failure,
        module_id=documents.text(module, "href") or documents.text(module, "id") or "",
        module_name=documents.text(module, "name"),
        tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        connectors=[place] if place else [],
        user=documents.text(entry, "owner"),
        started=documents.moment(documents.text(entry, "created")),
        service_url=next(iter(filled_in.values()), None),
        addresses=addresses(parameters) if parameters else (),
        parameters=parameters,
        raw={**entry, **more, "module": _light(module), "subtype": module.get("subtype")},
    )


def urls(module: Mapping[str, Any], parameters: Mapping[str, str | None]) -> dict[str, str]:
    """The addresses of an application: the module's patterns, filled in."""
    content = module.get("content")
    patterns = content.get("urls") if isinstance(content, dict) else None
    filled = {}
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, list) and len(pattern) == 2:
            names = _PATTERN.findall(str(pattern[1]))
            if all(parameters.get(name) for name in names):
                filled[str(pattern[0])] = _PATTERN.sub(
                    lambda match: str(parameters[match[1]]), str(pattern[1])
                )
    return filled


def addresses(parameters: Mapping[str, str | None]) -> Iterable[str]:
    """The addresses of the place that a deployment runs on."""
    names = ("ip.public", "hostname", "ip.local", "ip.vpn", "ip.swarm")
    values = [parameters.get(name) for name in names]
    return dict.fromkeys(value for value in values if value and _is_address(value))


def _is_address(value: str) -> bool:
    # The parameter hostname holds either, most often an address.
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _light(module: Mapping[str, Any]) -> dict[str, Any]:
    """The module without its content, which holds the values of environment variables."""
    return {name: value for name, value in module.items() if name != "content"}
