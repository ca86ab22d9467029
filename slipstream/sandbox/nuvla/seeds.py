"""A world to begin with: three services, two users and one with a second factor, a group."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.login import Login
from slipstream.sandbox.nuvla import seed_infrastructure, seed_modules, templates
from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER, acl
from slipstream.sandbox.nuvla.world import World

BIRTH = datetime(2019, 4, 2, 9, 0, 0, tzinfo=UTC)
GROUP = "group/acme"


def plant(world: World) -> dict[str, Login]:
    """
    Fill an empty world.

    :param world: The world.
    :returns: The users' logins, by name.
    """
    templates.plant(world)
    logins = {name: _plant_user(world, name) for name in ("alice", "bob", "carol", "super")}
    users = {name: world.user_id(name) for name in logins}
    world.second_factors[users["carol"]] = world.ids.secret()
    _plant_groups(world, users)
    seed_infrastructure.plant(world, users["alice"])
    seed_modules.plant(world, users["alice"])
    return logins


def _plant_user(world: World, name: str) -> Login:
    identifier = f"user/{world.ids.uuid()}"
    password, secret = f"{name}-in-the-sandbox", world.ids.secret()
    factor = {"auth-method-2fa": "totp"} if name == "carol" else {}
    world.document(
        "user",
        identifier,
        at=BIRTH,
        attributes=factor,
        id=identifier,
        name=name,
        email=f"{name}@example.org",
        state="ACTIVE",
    )
    world.passwords[identifier] = password
    key = world.document(
        "credential",
        identifier,
        name="sandbox",
        description=f"the API key that {name} begins with",
        subtype="api-key",
        method="generate-api-key",
        digest=sha256(bare_secret(secret).encode()).hexdigest(),
        claims={"identity": identifier, "roles": [identifier, USER, ANON]},
    )
    return Login(username=name, password=password, key=key["id"], secret=secret)


def _plant_groups(world: World, users: dict[str, str]) -> None:
    world.document(
        "group",
        ADMIN,
        at=BIRTH,
        id=GROUP,
        name="ACME",
        description="Everybody at ACME",
        users=[users["alice"], users["bob"]],
        acl=acl(ADMIN, view_data=(GROUP,), view_meta=(USER,)),
    )
    world.document(
        "group",
        ADMIN,
        at=BIRTH,
        id=ADMIN,
        name="Nuvla administrators",
        users=[users["super"]],
    )
