"""
Nuvla API v2: nuvla.io and self-hosted API servers.

This package is a plugin; the names imported here are the hooks that it answers.
"""

from slipstream.backends.nuvla.deploying import slipstream_deploy
from slipstream.backends.nuvla.edges import slipstream_list_virtual_machines
from slipstream.backends.nuvla.kinds import slipstream_endpoints
from slipstream.backends.nuvla.lifecycle import (
    slipstream_get_deployment,
    slipstream_get_state,
    slipstream_list_deployments,
    slipstream_start_deployment,
    slipstream_stop_deployment,
    slipstream_terminate,
    slipstream_update_deployment,
)
from slipstream.backends.nuvla.locations import (
    slipstream_list_connectors,
    slipstream_list_service_offers,
)
from slipstream.backends.nuvla.logs import slipstream_get_logs
from slipstream.backends.nuvla.modules import (
    slipstream_delete_module,
    slipstream_get_module,
    slipstream_list_modules,
)
from slipstream.backends.nuvla.parameters import slipstream_get_parameter
from slipstream.backends.nuvla.ssh_keys import (
    slipstream_add_ssh_key,
    slipstream_delete_ssh_key,
    slipstream_list_ssh_keys,
)
from slipstream.backends.nuvla.state_reads import slipstream_get_deployments

__all__ = [
    "slipstream_add_ssh_key",
    "slipstream_delete_module",
    "slipstream_delete_ssh_key",
    "slipstream_deploy",
    "slipstream_endpoints",
    "slipstream_get_deployment",
    "slipstream_get_deployments",
    "slipstream_get_logs",
    "slipstream_get_module",
    "slipstream_get_parameter",
    "slipstream_get_state",
    "slipstream_list_connectors",
    "slipstream_list_deployments",
    "slipstream_list_modules",
    "slipstream_list_service_offers",
    "slipstream_list_ssh_keys",
    "slipstream_list_virtual_machines",
    "slipstream_start_deployment",
    "slipstream_stop_deployment",
    "slipstream_terminate",
    "slipstream_update_deployment",
]
