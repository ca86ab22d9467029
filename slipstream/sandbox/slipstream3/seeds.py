"""A world to begin with: three clouds, three people, an App Store."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import attrs

from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.login import Login
from slipstream.sandbox.moments import iso
from slipstream.sandbox.slipstream3 import seed_modules, seed_offers
from slipstream.sandbox.slipstream3.access import acl, modifiable_by, role
from slipstream.sandbox.slipstream3.accounts import (
    Account,
    cloud_parameters,
    general_parameters,
)
from slipstream.sandbox.slipstream3.people import publish_account
from slipstream.sandbox.slipstream3.templates import plant_templates
from slipstream.sandbox.slipstream3.world import World

_BIRTH = datetime(2015, 3, 24, 18, 7, 21, 746000, UTC)
_SIXSQ = "http://sixsq.com/slipstream/1/"
ALICE_KEYS = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ alice@laptop\n"
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDFzXkWq0S1cX2sYpQmH7uNvB4tRj5eKoL9iPz1"
)
_BOB_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIXalamU2gT18rYXqcsIoRgHwXHZSrlbiS+7+j9k8YIr bob@desk"
)


@attrs.frozen
class Cloud:
    """
    A cloud of the seeds.

    :param name: The connector's name.
    :param kind: The type of the connector.
    :param parameters: What the connector calls an account's name and password.
    """

    name: str
    kind: str
    parameters: tuple[str, str] = ("username", "password")


CLOUDS = (
    Cloud("ec2-eu-west", "ec2", ("access.id", "secret.key")),
    Cloud("exoscale-ch-gva", "exoscale"),
    Cloud("open-telekom-de1", "otc"),
)


def plant(world: World) -> dict[str, Login]:
    """
    Fill an empty world.

    :param world: The world.
    :returns: The users' logins, by name.
    """
    _plant_connectors(world)
    plant_templates(world)
    seed_offers.plant(world)
    seed_modules.plant(world)
    _plant_accounts(world)
    _plant_quota(world)
    return {name: _login(world, account) for name, account in world.accounts.items()}


def _plant_connectors(world: World) -> None:
    rules = [role("USER", "VIEW")] if world.version.since(49) else []
    for cloud in CLOUDS:
        world.connectors[cloud.name] = world.document(
            "connector",
            f"{_SIXSQ}Connector",
            id=f"connector/{cloud.name}",
            cloudServiceType=cloud.kind,
            instanceName=cloud.name,
            orchestratorImageid=seed_modules.IMAGES["ubuntu-16.04"][cloud.name],
            quotaVm="20",
            maxIaasWorkers=5,
            endpoint=f"https://{cloud.name}.example.org/compute",
            created=iso(_BIRTH),
            updated=iso(_BIRTH),
            acl=acl(role("ADMIN", "ALL"), *rules),
        )


def _plant_accounts(world: World) -> None:
    _plant_account(
        world, "alice", "Alice", "Martin", ALICE_KEYS, ("exoscale-ch-gva", "ec2-eu-west")
    )
    _plant_account(world, "bob", "Bob", "Keller", _BOB_KEY, ("exoscale-ch-gva",))
    _plant_account(world, "super", "Sam", "Root", "", (), is_super=True)


def _plant_account(
    world: World,
    name: str,
    first: str,
    last: str,
    ssh_keys: str,
    clouds: tuple[str, ...],
    *,
    is_super: bool = False,
) -> None:
    general = general_parameters(
        default_cloud=clouds[0] if clouds else "",
        clouds=tuple(sorted(world.connectors)),
        ssh_keys=ssh_keys,
    )
    settings = [
        parameter
        for cloud in CLOUDS
        for parameter in cloud_parameters(
            cloud.name,
            f"{name.upper()}-{cloud.kind}" if cloud.name in clouds else "",
            f"{cloud.kind}-{name}-pass" if cloud.name in clouds else "",
            names=cloud.parameters,
        )
    ]
    account = Account(
        name=name,
        password=f"{name}-in-the-sandbox",
        email=f"{name}@example.org",
        first_name=first,
        last_name=last,
        organization="ACME",
        super=is_super,
        created=_BIRTH,
        modified=_BIRTH,
        parameters={one.name: one for one in (*general, *settings)},
    )
    world.accounts[name] = account
    publish_account(world, account)


def _login(world: World, account: Account) -> Login:
    secret = world.ids.secret()
    token = f"provider.{account.name}.{world.ids.uuid()}"
    world.provider_tokens[token] = account.name
    key = plant_api_key(world, account, secret, roles=account.login_roles, name="sandbox")
    return Login(
        username=account.name,
        password=account.password,
        key=key["id"],
        secret=secret,
        token=token,
    )


def plant_api_key(
    world: World, account: Account, secret: str, *, roles: list[str], **fields: Any
) -> dict[str, Any]:
    """
    Keep an API key.

    :param world: The world.
    :param account: Whose key it is.
    :param secret: Its secret, of which only a digest is kept.
    :param roles: The roles a login with it gets.
    :param fields: Further attributes.
    :returns: The credential's document.
    """
    return world.document(
        "credential",
        f"{_SIXSQ}Credential",
        type="api-key",
        method="generate-api-key",
        digest=sha256(bare_secret(secret).encode()).hexdigest(),
        claims={"identity": account.name, "roles": roles},
        acl=modifiable_by(account.name),
        **fields,
    )


def _plant_quota(world: World) -> None:
    if not world.version.since(39):
        return
    for resource, aggregation, limit in (
        ("VMs", "count:id", 100),
        ("vCPUs", "sum:serviceOffer/resource:vcpu", 400),
    ):
        world.document(
            "quota",
            f"{_SIXSQ}Quota",
            name=resource,
            description=f"Limit on {resource} of one user",
            resource="VirtualMachine",
            selection="id!=null",
            aggregation=aggregation,
            limit=limit,
            acl=acl(role("USER", "VIEW"), role("ADMIN", "ALL")),
        )
