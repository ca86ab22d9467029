"""No deployment where the law forbids it."""

from __future__ import annotations

from collections.abc import Generator

from slipstream import DeploymentRequest, Role, hookimpl
from slipstream.errors import BadInput
from slipstream.values import Deployment

FORBIDDEN = {"ec2-eu-west"}


@hookimpl(wrapper=True)
def slipstream_deploy(request: DeploymentRequest) -> Generator[None, Deployment, Deployment]:
    for location in request.decides(Role.LOCATION):
        connector = location.value.removeprefix("connector/")
        if connector in FORBIDDEN:
            raise BadInput(f"Nothing may be deployed on {connector}.")
    return (yield)
