"""A world to begin with: users, and what ``seeds.yaml`` lists."""

from __future__ import annotations

import base64
import copy
import functools
import re
from datetime import timedelta
from importlib.resources import files
from typing import Any

import yaml

from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.login import Login
from slipstream.sandbox.nuvla.access import ADMIN, ANON, INTERNAL, USER, managed_acl
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.store import Document
from slipstream.sandbox.timestamps import iso

_NAME = re.compile(r"\{([\w-]+)\}")


def plant(world: World) -> dict[str, Login]:
    """Fill an empty world."""
    seeds = copy.deepcopy(_read_seeds())
    logins = {name: _user(world, name) for name in ("alice", "bob", "carol", "super")}
    carol = world.user_id("carol")
    world.second_factors[carol] = base64.b32encode(world.ids.secret().encode()).decode()
    names = {name: world.user_id(name) for name in logins} | {"now": iso(world.now())}
    for series in seeds["series"]:
        for row in series.get("rows", [{}]):
            ids = {kind: f"{kind}/{world.ids.uuid()}" for kind in series["documents"]}
            for kind, fields in series["documents"].items():
                document = _filled(fields, names | row | ids | {"row": row})
                world.document(kind, names["alice"], {"id": ids[kind]} | document)
    for age, module in enumerate(seeds["modules"]):
        # Lists begin with the newest one: they have the order of the file.
        created = iso(world.now() - timedelta(milliseconds=age))
        description = f"{module['name']}, of the sandbox"
        world.add_module(description=description, created=created, **module)
    return logins


@functools.cache
def _read_seeds() -> dict[str, Any]:
    """Reading the file takes as long as the rest of a new sandbox twice over."""
    seeds: dict[str, Any] = yaml.safe_load((files(__package__) / "seeds.yaml").read_text("utf-8"))
    return seeds


def _filled(value: Any, names: Document) -> Any:
    """Put values for the names in braces."""
    if isinstance(value, dict):
        filled = {name: _filled(item, names) for name, item in value.items()}
        return filled | filled.pop("*", {})
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    if not isinstance(value, str):
        return value
    if match := _NAME.fullmatch(value):
        return _filled(names[match[1]], names)
    return _NAME.sub(lambda match: str(names[match[1]]), value)


def _user(world: World, name: str) -> Login:
    identifier = f"user/{world.ids.uuid()}"
    password, secret = world.ids.password(name), world.ids.secret()
    world.document(
        "user",
        identifier,
        {"auth-method-2fa": "totp" if name == "carol" else None},
        id=identifier,
        name=name,
        email=f"{name}@example.org",
        state="ACTIVE",
        method="username-password",
        credential_password=f"credential/{world.ids.uuid()}",
        created_by=ADMIN,
        updated_by=INTERNAL,
        acl=managed_acl(identifier),
    )
    world.passwords[identifier] = password
    key = world.document(
        "credential",
        identifier,
        name="sandbox",
        description=f"the API key that {name} begins with",
        subtype="api-key",
        method="generate-api-key",
        digest=secret_digest(secret),
        claims={"identity": identifier, "roles": [identifier, USER, ANON]},
        acl=managed_acl(identifier),
    )
    return Login(username=name, password=password, key=key["id"], secret=secret)
