"""Every type of resource that is spoken of."""

from __future__ import annotations

from collections.abc import Mapping

from slipstream.sandbox.nuvla.access import ADMIN, ANON
from slipstream.sandbox.nuvla.credentials import CREDENTIAL
from slipstream.sandbox.nuvla.deployments import DEPLOYMENT
from slipstream.sandbox.nuvla.edges import EDGE, STATUS
from slipstream.sandbox.nuvla.events import EVENT
from slipstream.sandbox.nuvla.infrastructure import GROUP, SERVICE
from slipstream.sandbox.nuvla.jobs import JOB
from slipstream.sandbox.nuvla.kind import Kind
from slipstream.sandbox.nuvla.modules import MODULE
from slipstream.sandbox.nuvla.parameters import PARAMETER
from slipstream.sandbox.nuvla.resource_logs import RESOURCE_LOG
from slipstream.sandbox.nuvla.sessions import CALLBACK, SESSION
from slipstream.sandbox.nuvla.users import GROUPS, USERS

_OF_ADMINISTRATORS = (
    *("configuration", "configuration-template", "email", "nuvlabox-release"),
    *("notification-subscription-config", "user-template", "group-template", "vendor"),
)
_PLAIN = (
    *("customer", "data-object", "data-object-template", "data-record", "data-set"),
    *("deployment-set", "hook", "notification", "notification-method", "nuvlabox-cluster"),
    *("nuvlabox-peripheral", "nuvlabox-playbook", "subscription-config", "user-identifier"),
    *("vendor-store", "voucher"),
)
_SPECIAL = (
    SESSION,
    CALLBACK,
    MODULE,
    DEPLOYMENT,
    PARAMETER,
    RESOURCE_LOG,
    CREDENTIAL,
    SERVICE,
    GROUP,
    EDGE,
    STATUS,
    JOB,
    EVENT,
    Kind(name="session-template", query=ANON, adders=ADMIN),
    Kind(name="credential-template", query=ANON, adders=None, editable=False),
    Kind(name="infrastructure-service-template", query=ANON, adders=None, editable=False),
    Kind(name="resource-metadata", query=ANON, adders=None, editable=False, selects=False),
    USERS,
    GROUPS,
)
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        *_SPECIAL,
        *(Kind(name=name, adders=ADMIN) for name in _OF_ADMINISTRATORS),
        *(Kind(name=name) for name in _PLAIN),
    )
}
