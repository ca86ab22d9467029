"""
SlipStream 3.x: the hosted service and self-hosted servers.

This package is a plugin; the names imported here are the hooks that it answers.
"""

from slipstream.backends.slipstream.deploying import slipstream_deploy
from slipstream.backends.slipstream.kinds import slipstream_endpoints
from slipstream.backends.slipstream.machines import slipstream_list_virtual_machines
from slipstream.backends.slipstream.modules import (
    slipstream_delete_module,
    slipstream_get_module,
    slipstream_list_modules,
)
from slipstream.backends.slipstream.offers import (
    slipstream_list_connectors,
    slipstream_list_service_offers,
)
from slipstream.backends.slipstream.runs import (
    slipstream_get_deployment,
    slipstream_get_parameter,
    slipstream_get_state,
    slipstream_list_deployments,
    slipstream_terminate,
)
from slipstream.backends.slipstream.ssh_keys import (
    slipstream_add_ssh_key,
    slipstream_delete_ssh_key,
    slipstream_list_ssh_keys,
)
from slipstream.backends.slipstream.state_reads import slipstream_get_deployments

__all__ = [
    "slipstream_add_ssh_key",
    "slipstream_delete_module",
    "slipstream_delete_ssh_key",
    "slipstream_deploy",
    "slipstream_endpoints",
    "slipstream_get_deployment",
    "slipstream_get_deployments",
    "slipstream_get_module",
    "slipstream_get_parameter",
    "slipstream_get_state",
    "slipstream_list_connectors",
    "slipstream_list_deployments",
    "slipstream_list_modules",
    "slipstream_list_service_offers",
    "slipstream_list_ssh_keys",
    "slipstream_list_virtual_machines",
    "slipstream_terminate",
]
