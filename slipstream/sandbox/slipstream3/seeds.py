"""Filling a server with what ``seeds.yaml`` says: clouds, offers, users and modules."""

from __future__ import annotations

import copy
import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.login import Login
from slipstream.sandbox.slipstream3.access import acl, role
from slipstream.sandbox.slipstream3.accounts import Account, cloud_parameters, general_parameters
from slipstream.sandbox.slipstream3.modules import Category, Module, ModuleNode, Parameter, Rights
from slipstream.sandbox.slipstream3.profiles import SIXSQ, add_api_key, publish
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.timestamps import iso

_SEEDS = Path(__file__).with_name("seeds.yaml")
_BIRTH = datetime(2015, 3, 24, 18, 7, 21, 746000, UTC)
_CREATED = datetime(2016, 2, 1, 10, 0, 0, 79000, UTC)
_DISKS = (10, 50, 100, 200)
_OUTPUTS = {"hostname": "hostname/ip of the image", "instanceid": "Cloud instance id"}


def plant(state: State) -> dict[str, Login]:
    """Fill an empty state, and return the users' logins by name."""
    seeds = copy.deepcopy(_read_seeds())
    for name in sorted(seeds["clouds"]):
        image = seeds["images"][0]["images"][name]
        common = {**seeds["connector"], "orchestratorImageid": image}
        _plant_connector(state, name, seeds["clouds"][name]["kind"], common)
    _plant_templates(state, seeds)
    _plant_offers(state, seeds)
    _plant_modules(state, seeds)
    accounts = [_plant_account(state, name, seeds) for name in seeds["users"]]
    return {account.name: _login(state, account) for account in accounts}


@functools.cache
def _read_seeds() -> dict[str, Any]:
    """Reading the file takes as long as the rest of a new sandbox twice over."""
    seeds: dict[str, Any] = yaml.safe_load(_SEEDS.read_text("utf-8"))
    return seeds


def _plant_connector(state: State, name: str, kind: str, common: dict[str, Any]) -> None:
    state.connectors[name] = state.document(
        "connector",
        f"{SIXSQ}Connector",
        id=f"connector/{name}",
        cloudServiceType=kind,
        connectorTemplate={"href": f"connector-template/{kind}"},
        instanceName=name,
        zone=kind,
        endpoint=f"https://{name}.example.org/compute",
        created=iso(_BIRTH),
        updated=iso(_BIRTH),
        acl=acl(role("USER", "VIEW"), role("ADMIN", "ALL"), role("ADMIN", "MODIFY")),
        **common,
    )


def _plant_templates(state: State, seeds: dict[str, Any]) -> None:
    def add(kind: str, method: str, readers: tuple[str, ...], **fields: Any) -> None:
        uri = SIXSQ + "".join(word.capitalize() for word in kind.split("-"))
        metadata = f"resource-metadata/{kind}-{method}"
        common = {"id": f"{kind}/{method}", "method": method, "resourceMetadata": metadata}
        rules = acl(*(role(reader, "VIEW") for reader in readers))
        state.document(kind, uri, **common, acl=rules, **fields)

    for method, fields in seeds["session_templates"].items():
        texts = {"description": fields["name"], "group": fields["name"], "instance": method}
        add("session-template", method, ("USER", "ADMIN", "ANON"), **texts, **fields)
    for method, fields in seeds["credential_templates"].items():
        add("credential-template", method, ("USER",), name=method, description=method, **fields)
    for kind in sorted(cloud["kind"] for cloud in seeds["clouds"].values()):
        texts = {"name": f"Account on {kind}", "description": f"Account on {kind}"}
        texts |= {"type": f"cloud-cred-{kind}", "key": "", "secret": "", "domain-name": ""}
        method, connector = f"store-cloud-cred-{kind}", {"href": ""}
        add("credential-template", method, ("USER",), quota=20, connector=connector, **texts)


def _plant_offers(state: State, seeds: dict[str, Any]) -> None:
    for name, cloud in seeds["clouds"].items():
        for size in seeds["sizes"][name]:
            for disk in _DISKS:
                _add_offer(state, name, cloud, _sized(cloud, size, disk))
        bucket = {
            "name": f"Object storage [{cloud['country']}]",
            "description": f"Object storage [{cloud['country']}]",
            "resource:type": "bucket",
            "resource:storage": "objectstore",
            "price:unitCost": 0.02,
            "price:unitCode": "E34",
            "price:billingUnitCode": "MON",
        }
        _add_offer(state, name, cloud, bucket)
    for odd in seeds["odd_offers"]:
        cloud = seeds["clouds"][odd["cloud"]]
        fields = _sized(cloud, odd["size"], _DISKS[0]) | odd["with"]
        fields = {key: value for key, value in fields.items() if key not in odd["without"]}
        _add_offer(state, odd["cloud"], cloud, fields)


def _sized(cloud: dict[str, Any], size: str, disk: int) -> dict[str, Any]:
    name, *numbers = size.split()
    cpu, ram = map(int, numbers)
    price = cloud["factor"] * (0.008 * cpu + 0.000004 * ram + 0.0001 * disk)
    where = cloud["country"]
    words = f"{cpu} vCPU, {ram} MiB RAM, {disk} GiB root disk"
    return {
        "name": f"({cpu}/{ram}/{disk} {name}) [{where}]",
        "description": f"VM (standard) with {words} [{where}] ({name})",
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
        f"{cloud['kind']}:instanceType": name,
    }


def _add_offer(state: State, name: str, cloud: dict[str, Any], fields: dict[str, Any]) -> None:
    common = {
        "connector": {"href": name},
        "resource:country": cloud["country"],
        "resource:platform": cloud["platform"],
        "price:currency": "EUR",
        "acl": acl(role("USER", "VIEW"), role("ADMIN", "ALL")),
    }
    state.document("service-offer", f"{SIXSQ}ServiceOffer", **common | fields)


def _plant_modules(state: State, seeds: dict[str, Any]) -> None:
    for seed in seeds["projects"]:
        _module(state, "Project", seed)
    for seed in seeds["images"]:
        system = seed["system"]
        texts = {"description": f"Base image {system}", "published": True}
        image = _module(state, "Image", seed | texts)
        image.is_base, image.images = True, dict(seed["images"])
        image.platform = image.login = system.partition("-")[0]
    for seed in seeds["components"]:
        component = _module(state, "Image", seed)
        component.reference = f"module/{seeds['images'][0]['path']}"
        component.platform = component.login = "ubuntu"
        component.targets["execute"] = seed["execute"]
        component.custom_version, component.logo = seed.get("custom_version"), seed.get("logo")
        for name, text in {**_OUTPUTS, **seed.get("outputs", {})}.items():
            component.parameters.append(_parameter(name, text, "Output"))
        for name, text in seed.get("inputs", {}).items():
            component.parameters.append(_parameter(name, text, "Input"))
    for seed in seeds["applications"]:
        nodes = seed["nodes"].items()
        application = _module(state, "Deployment", seed)
        application.nodes = [ModuleNode(name=name, **node) for name, node in nodes]


def _module(state: State, category: Category, seed: dict[str, Any]) -> Module:
    owner = seed.get("private_to", "sixsq")
    public = frozenset() if "private_to" in seed else frozenset({"Get", "Post"})
    return state.library.add(
        Module(
            path=seed["path"],
            category=category,
            version=seed["version"],
            description=seed["description"],
            rights=Rights(owner=owner, public=public, group=frozenset({"Get"})),
            created=_CREATED,
            modified=_CREATED.replace(microsecond=5000),
            author=owner,
            comment="Initial version",
            published=_CREATED if seed.get("published") else None,
        )
    )


def _parameter(name: str, text: str, category: str) -> Parameter:
    description, _, value = text.partition(" | ")
    return Parameter(
        name,
        value or None,
        value or None,
        category=category,
        type="Password" if "password" in name else "String",
        description=description,
        mandatory=True,
        shows_set=True,
    )


def _plant_account(state: State, name: str, seeds: dict[str, Any]) -> Account:
    seed = seeds["users"][name]
    first_name, last_name = seed["name"].split()
    clouds, keys = seed["clouds"], "\n".join(seed["keys"])
    values = {"defaultCloudService": clouds[0] if clouds else "", "sshPublicKey": keys}
    parameters = list(general_parameters(tuple(sorted(state.connectors)), **values))
    for cloud, fields in seeds["clouds"].items():
        kind = fields["kind"]
        login = (f"{name.upper()}-{kind}", f"{kind}-{name}-pass") if cloud in clouds else ("", "")
        parameters += cloud_parameters(cloud, *login, fields["login"])
    account = Account(
        name=name,
        password=state.ids.password(name),
        email=f"{name}@example.org",
        first_name=first_name,
        last_name=last_name,
        organization="ACME",
        super=seed.get("super", False),
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
        username=account.name, password=account.password, key=key["id"], secret=secret, token=token
    )
