"""Deploy where the law allows it, and nowhere else."""

from collections.abc import Generator

from slipstream import Backend, DeploymentRequest, hookimpl
from slipstream.errors import BadInput
from slipstream.values import Deployment

ALLOWED = {"exoscale-ch-gva"}


@hookimpl(wrapper=True)
def slipstream_deploy(
    backend: Backend, request: DeploymentRequest, dry_run: bool
) -> Generator[None, Deployment, Deployment]:
    for node, location in backend.deployment_locations(request).items():
        if location not in ALLOWED:
            where = location or "a location that the server chooses"
            raise BadInput(f"{node or request.module_id} may not be deployed on {where}.")
    return (yield)
