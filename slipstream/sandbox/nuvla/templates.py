"""
What logins and credentials are made from.

Source: nuvla/api-server, server/resources/session_template*.clj and credential_template*.clj.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER
from slipstream.sandbox.nuvla.credentials import TEMPLATES
from slipstream.sandbox.nuvla.infrastructure import TEMPLATE

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World

_EVERYWHERE = ("id", "name", "description")


def plant(world: World) -> None:
    """
    Add the templates.

    :param world: The world.
    """
    to_all = {"view_acl": (ANON,)}
    world.document(
        "session-template",
        ADMIN,
        rights=to_all,
        id="session-template/password",
        method="password",
        instance="password",
        name="Password",
        description="Log in with a user name and a password",
        group="Login with Username/Password",
        icon="user",
        order=0,
        username="username",
        password="password",  # noqa: S106 - the server's placeholder
        resource_metadata="resource-metadata/session-template-password",
    )
    world.document(
        "session-template",
        ADMIN,
        rights=to_all,
        id="session-template/api-key",
        method="api-key",
        instance="api-key",
        name="API Key",
        description="Log in with an API key and its secret",
        icon="key",
        order=1,
        key="key",
        secret="secret",  # noqa: S106 - the server's placeholder
        resource_metadata="resource-metadata/session-template-api-key",
    )
    for method, (subtype, needed) in TEMPLATES.items():
        world.document(
            "credential-template",
            ADMIN,
            attributes=dict.fromkeys(needed, ""),
            rights={"view_data": (USER,)},
            id=f"credential-template/{method}",
            name=method.replace("-", " "),
            method=method,
            subtype=subtype,
        )
    _plant_metadata(world)
    world.document(
        "infrastructure-service-template",
        ADMIN,
        rights={"view_data": (USER,)},
        id=TEMPLATE,
        name="generic",
        method="generic",
        subtype="generic",
    )


def _plant_metadata(world: World) -> None:
    for kind in ("credential", "deployment", "infrastructure-service", "module", "session"):
        world.document(
            "resource-metadata",
            ADMIN,
            attributes={"attributes": [{"name": one, "type": "string"} for one in _EVERYWHERE]},
            rights={"view_acl": (ANON,)},
            id=f"resource-metadata/{kind}",
            type_uri=kind,
            name=kind,
            description=f"What a {kind} is made of",
        )
