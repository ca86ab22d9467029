"""Records and words that every part of the package may use."""

from __future__ import annotations

from slipstream.values.deployment_request import KEEP_RUNNING, DeploymentRequest, Parameter, Role
from slipstream.values.endpoint import DEFAULT_PORTS, Credentials, Endpoint
from slipstream.values.plain import safe_text
from slipstream.values.resources import (
    GONE,
    CloudEntryPoint,
    Connector,
    Deployment,
    DeploymentState,
    Module,
    ModuleKind,
    ModuleNode,
    ModuleParameter,
    Phase,
    RunParameter,
    ServiceOffer,
    VirtualMachine,
)
from slipstream.values.ssh_key import SSHKey, generate
from slipstream.values.timestamps import parse_timestamp

__all__ = [
    "DEFAULT_PORTS",
    "GONE",
    "KEEP_RUNNING",
    "CloudEntryPoint",
    "Connector",
    "Credentials",
    "Deployment",
    "DeploymentRequest",
    "DeploymentState",
    "Endpoint",
    "Module",
    "ModuleKind",
    "ModuleNode",
    "ModuleParameter",
    "Parameter",
    "Phase",
    "Role",
    "RunParameter",
    "SSHKey",
    "ServiceOffer",
    "VirtualMachine",
    "generate",
    "parse_timestamp",
    "safe_text",
]
