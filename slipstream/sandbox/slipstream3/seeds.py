"""What a server has to begin with: three clouds and their offers, three users."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from slipstream.sandbox.login import Login
from slipstream.sandbox.moments import iso
from slipstream.sandbox.slipstream3 import seed_modules
from slipstream.sandbox.slipstream3.access import acl, role
from slipstream.sandbox.slipstream3.accounts import Account, cloud_parameters, general_parameters
from slipstream.sandbox.slipstream3.profiles import SIXSQ, add_api_key, publish
from slipstream.sandbox.slipstream3.sessions import secret_digest
from slipstream.sandbox.slipstream3.state import State

_BIRTH = datetime(2015, 3, 24, 18, 7, 21, 746000, UTC)
ALICE_KEYS = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7vbqajDhA4RH5KZ3Nq8F0xnkZ3T0pVYyLw8dQ alice@laptop\n"
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDFzXkWq0S1cX2sYpQmH7uNvB4tRj5eKoL9iPz1"
)
_BOB_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIXalamU2gT18rYXqcsIoRgHwXHZSrlbiS+7+j9k8YIr bob@desk"
)
_DISKS = (10, 50, 100, 200)


@attrs.frozen(kw_only=True)
class _Cloud:
    """A cloud, and its market: sizes as lines of a name, CPUs and MiB of memory."""

    name: str
    kind: str
    country: str
    platform: str
    factor: float
    sizes: str
    parameters: tuple[str, str] = ("username", "password")


_CLOUDS = (
    _Cloud(
        name="exoscale-ch-gva",
        kind="exoscale",
        country="CH",
        platform="cloudstack",
        factor=1.0,
        sizes="Micro 1 512, Tiny 1 1024, Small 2 2048, Medium 2 4096, Large 4 8192,"
        "Extra-large 4 16384, Huge 8 32768",
    ),
    _Cloud(
        name="ec2-eu-west",
        kind="ec2",
        country="IE",
        platform="ec2",
        factor=1.2,
        sizes="t2.micro 1 1024, t2.small 1 2048, t2.medium 2 4096, t2.large 2 8192,"
        "m4.large 2 8192, m4.xlarge 4 16384, m4.2xlarge 8 32768, c4.xlarge 4 7680",
        parameters=("access.id", "secret.key"),
    ),
    _Cloud(
        name="open-telekom-de1",
        kind="otc",
        country="DE",
        platform="otc",
        factor=0.9,
        sizes="computev1-1 1 1024, computev1-2 2 4096, computev1-4 4 8192, normal1 1 4096,"
        "normal2 2 8192, normal4 4 16384, highmem2 2 16384, highmem4 4 32768",
    ),
)


def plant(state: State) -> dict[str, Login]:
    """
    Fill an empty state.

    :param state: The state.
    :returns: The users' logins, by name.
    """
    for cloud in sorted(_CLOUDS, key=lambda one: one.name):
        _plant_connector(state, cloud)
    _plant_templates(state)
    for cloud in _CLOUDS:
        _plant_offers(state, cloud)
    _plant_odd_offers(state)
    seed_modules.plant(state)
    exoscale, ec2 = "exoscale-ch-gva", "ec2-eu-west"
    alice = _plant_account(state, "alice", "Alice Martin", ALICE_KEYS, (exoscale, ec2))
    bob = _plant_account(state, "bob", "Bob Keller", _BOB_KEY, (exoscale,))
    root = _plant_account(state, "super", "Sam Root", "", (), is_super=True)
    return {account.name: _login(state, account) for account in (alice, bob, root)}


def _plant_connector(state: State, cloud: _Cloud) -> None:
    state.connectors[cloud.name] = state.document(
        "connector",
        f"{SIXSQ}Connector",
        id=f"connector/{cloud.name}",
        cloudServiceType=cloud.kind,
        connectorTemplate={"href": f"connector-template/{cloud.kind}"},
        instanceName=cloud.name,
        orchestratorImageid=seed_modules.IMAGES["ubuntu-16.04"][cloud.name],
        orchestratorInstanceType="Micro",
        orchestratorDisk="10G",
        orchestratorSSHUsername="ubuntu",
        orchestratorSSHPassword="",
        securityGroups="slipstream_managed",
        nativeContextualization="linux-only",
        updateClientURL="",
        objectStoreEndpoint="",
        zone=cloud.country,
        quotaVm="20",
        maxIaasWorkers=5,
        endpoint=f"https://{cloud.name}.example.org/compute",
        created=iso(_BIRTH),
        updated=iso(_BIRTH),
        acl=acl(role("USER", "VIEW"), role("ADMIN", "ALL"), role("ADMIN", "MODIFY")),
    )


def _plant_templates(state: State) -> None:
    def add(kind: str, method: str, *readers: str, **fields: Any) -> None:
        rules = [role(reader, "VIEW") for reader in readers]
        uri = SIXSQ + "".join(word.capitalize() for word in kind.split("-"))
        metadata = f"resource-metadata/{kind}-{method}"
        more = {"method": method, "resourceMetadata": metadata, "acl": acl(*rules)}
        state.document(kind, uri, id=f"{kind}/{method}", **more, **fields)

    for method, name, *placeholders in (
        ("internal", "Internal", "username", "password"),
        ("api-key", "Login with API Key and Secret", "key", "secret"),
        ("mitreid-token", "Login with a token of the provider", "token"),
    ):
        fields = {"name": name, "description": name, "group": name, "instance": method}
        fields |= {placeholder: placeholder for placeholder in placeholders}
        add("session-template", method, "USER", "ADMIN", "ANON", **fields)
    credentials: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("generate-api-key", "api-key", {"ttl": 0}),
        ("generate-ssh-key-pair", "ssh-public-key", {"size": 1024, "algorithm": "rsa"}),
        ("import-ssh-public-key", "ssh-public-key", {"publicKey": "ssh-public-key"}),
    )
    for method, kind, more in credentials:
        texts = {"name": method, "description": method, "type": kind}
        add("credential-template", method, "USER", **texts, **more)
    for kind in sorted(cloud.kind for cloud in _CLOUDS):
        texts = {"name": f"Account on {kind}", "description": f"Account on {kind}"}
        texts |= {"type": f"cloud-cred-{kind}", "key": "", "secret": "", "domain-name": ""}
        method = f"store-cloud-cred-{kind}"
        add("credential-template", method, "USER", quota=20, connector={"href": ""}, **texts)


def _plant_offers(state: State, cloud: _Cloud) -> None:
    for size in cloud.sizes.split(","):
        name, cpu, ram = size.split()
        for disk in _DISKS:
            _add_offer(state, cloud, **_sized(cloud, name, int(cpu), int(ram), disk))
    bucket = {
        "name": f"Object storage [{cloud.country}]",
        "description": f"Object storage [{cloud.country}]",
        "resource:type": "bucket",
        "resource:storage": "objectstore",
        "price:unitCost": 0.02,
        "price:unitCode": "E34",
        "price:billingUnitCode": "MON",
    }
    _add_offer(state, cloud, **bucket)


def _sized(cloud: _Cloud, name: str, cpu: int, ram: int, disk: int) -> dict[str, Any]:
    price = cloud.factor * (0.008 * cpu + 0.000004 * ram + 0.0001 * disk)
    size = f"{cpu} vCPU, {ram} MiB RAM, {disk} GiB root disk"
    return {
        "name": f"({cpu}/{ram}/{disk} {name}) [{cloud.country}]",
        "description": f"VM (standard) with {size} [{cloud.country}] ({name})",
        "resource:type": "VM",
        "resource:class": "standard",
        "resource:vcpu": cpu,
        "resource:ram": ram,
        "resource:disk": disk,
        "resource:diskType": "SSD",
        "resource:instanceType": name,
        "resource:operatingSystem": "linux",
        "price:unitCost": round(price, 6),
        "price:unitCode": "C62",
        "price:billingUnitCode": "HUR",
        "price:billingPeriodCode": "MIN",
        "price:freeUnits": 0,
        f"{cloud.kind}:instanceType": name,
    }


def _plant_odd_offers(state: State) -> None:
    """One offer without a size, one without a disk, and one with little more than CPUs."""
    exoscale, ec2, otc = _CLOUDS
    vcpu, ram, disk = "resource:vcpu", "resource:ram", "resource:disk"
    for cloud, size, absent, more in (
        (
            exoscale,
            ("custom", 1, 1024, 10),
            {vcpu, ram, disk, "resource:instanceType"},
            {"name": "(flexible) [CH]", "schema-org:flexible": "true"},
        ),
        (ec2, ("m4.4xlarge", 16, 65536, 0), {disk}, {"name": "(16/65536 m4.4xlarge) [IE]"}),
        (
            otc,
            ("baremetal", 32, 0, 0),
            {disk, ram, "price:unitCost"},
            {"name": "(32 baremetal) [DE]"},
        ),
    ):
        fields = _sized(cloud, *size) | more
        fields = {name: value for name, value in fields.items() if name not in absent}
        _add_offer(state, cloud, **fields)


def _add_offer(state: State, cloud: _Cloud, **fields: Any) -> None:
    common = {
        "connector": {"href": cloud.name},
        "resource:country": cloud.country,
        "resource:platform": cloud.platform,
        "price:currency": "EUR",
        "acl": acl(role("USER", "VIEW"), role("ADMIN", "ALL")),
    }
    state.document("service-offer", f"{SIXSQ}ServiceOffer", **common | fields)


def _plant_account(
    state: State,
    name: str,
    full_name: str,
    ssh_keys: str,
    clouds: tuple[str, ...],
    *,
    is_super: bool = False,
) -> Account:
    first_name, last_name = full_name.split()
    values = {"defaultCloudService": clouds[0] if clouds else "", "sshPublicKey": ssh_keys}
    parameters = list(general_parameters(tuple(sorted(state.connectors)), **values))
    for cloud in _CLOUDS:
        login = ("", "")
        if cloud.name in clouds:
            login = (f"{name.upper()}-{cloud.kind}", f"{cloud.kind}-{name}-pass")
        parameters += cloud_parameters(cloud.name, *login, cloud.parameters)
    account = Account(
        name=name,
        password=f"{name}-in-the-sandbox",
        email=f"{name}@example.org",
        first_name=first_name,
        last_name=last_name,
        organization="ACME",
        super=is_super,
        created=_BIRTH,
        modified=_BIRTH,
        parameters={parameter.name: parameter for parameter in parameters},
    )
    state.accounts[name] = account
    publish(state, account)
    return account


def _login(state: State, account: Account) -> Login:
    secret = state.ids.secret()
    token = f"provider.{account.name}.{state.ids.uuid()}"
    state.provider_tokens[token] = account.name
    key = add_api_key(state, account, secret_digest(secret), account.roles, name="sandbox")
    return Login(
        username=account.name,
        password=account.password,
        key=key["id"],
        secret=secret,
        token=token,
    )
