"""Records and words that every part of the package may use."""

from __future__ import annotations

from slipstream.values.endpoint import DEFAULT_PORTS, Credentials, Endpoint
from slipstream.values.plain import parse_timestamp, safe_text
from slipstream.values.resources import (
    GONE,
    KEEP_RUNNING,
    CloudEntryPoint,
    Connector,
    Deployment,
    DeploymentRequest,
    DeploymentState,
    Module,
    ModuleKind,
    ModuleNode,
    ModuleParameter,
    Parameter,
    Phase,
    Role,
    RunParameter,
    ServiceOffer,
    VirtualMachine,
)
from slipstream.values.ssh_key import SSHKey, generate

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
