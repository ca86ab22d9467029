"""The templates: which ways there are to log in, to add a credential, to register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipstream.sandbox.slipstream3.access import acl, role

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_SIXSQ = "http://sixsq.com/slipstream/1/"
DESCRIBE = f"{_SIXSQ}action/describe"
COMMON_FIELDS = frozenset(
    {"id", "resourceURI", "created", "updated", "acl", "name", "description", "operations"}
    | {"method", "instance", "group", "order", "hidden", "icon", "type", "properties"}
)


def plant_templates(world: World) -> None:
    """
    Add the templates.

    :param world: The world.
    """
    for method, name, fields in _logins(world):
        hints: dict[str, Any] = {"order": 10, "hidden": False} if world.version.since(55) else {}
        _add(
            world,
            "session-template",
            "SessionTemplate",
            method,
            anonymous=True,
            name=name,
            description=name,
            group=name,
            **hints,
            **fields,
        )
    for method, name, kind, fields in _credentials(world):
        _add(
            world,
            "credential-template",
            "CredentialTemplate",
            method,
            name=name,
            description=name,
            type=kind,
            **fields,
        )
    _add(
        world,
        "user-template",
        "UserTemplate",
        "self-registration",
        anonymous=True,
        name="Self-Registration",
        description="Creates a new user through self-registration",
        username="username",
        password="password",  # noqa: S106 - the placeholder of the real template
        emailAddress="user@example.org",
    )


def _logins(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    found: list[tuple[str, str, dict[str, Any]]] = [
        (
            "internal",
            "Internal Authentication via Username/Password",
            {"username": "username", "password": "password"},
        ),
        ("api-key", "Login with API Key and Secret", {"key": "key", "secret": "secret"}),
        ("github", "Login with GitHub", {}),
    ]
    if world.version.since(55):
        found.append(("mitreid-token", "Login with a token of the provider", {"token": "token"}))
    return found


def _credentials(world: World) -> list[tuple[str, str, str, dict[str, Any]]]:
    found: list[tuple[str, str, str, dict[str, Any]]] = [
        ("generate-api-key", "Generate API Key", "api-key", {"ttl": 0}),
        (
            "import-ssh-public-key",
            "Import SSH Public Key",
            "ssh-public-key",
            {"publicKey": "ssh-public-key"},
        ),
        (
            "generate-ssh-key-pair",
            "Generate SSH Key Pair",
            "ssh-public-key",
            {"size": 1024, "algorithm": "rsa"},
        ),
    ]
    if world.version.since(42):
        kinds = sorted({one["cloudServiceType"] for one in world.connectors.values()})
        for kind in kinds:
            fields = {"key": "key", "secret": "secret", "quota": 20, "connector": {"href": ""}}
            found.append(
                (f"store-cloud-cred-{kind}", f"Account on {kind}", f"cloud-cred-{kind}", fields)
            )
    return found


def _add(
    world: World, kind: str, uri: str, method: str, *, anonymous: bool = False, **fields: Any
) -> None:
    rules = [role("ADMIN", "ALL"), role("USER", "VIEW")]
    if anonymous:
        rules.insert(1, role("ANON", "VIEW"))
    world.document(
        kind,
        f"{_SIXSQ}{uri}",
        id=f"{kind}/{method}",
        method=method,
        instance=method,
        **fields,
        acl=acl(*rules),
    )


def describe(template: dict[str, Any]) -> dict[str, Any]:
    """
    Tell what a template wants filled in.

    :param template: The template.
    :returns: A description for each attribute.
    """
    found: dict[str, Any] = {}
    for order, (name, value) in enumerate(template.items()):
        found[name] = {
            "displayName": name,
            "category": "general",
            "description": f"The {name} of the resource",
            "type": _kind(name, value),
            "mandatory": True,
            "readOnly": name in COMMON_FIELDS,
            "order": order,
        }
    return found


def _kind(name: str, value: Any) -> str:
    if name in {"password", "secret", "token"}:
        return "password"
    if isinstance(value, bool):
        return "boolean"
    return "int" if isinstance(value, int) else "string"
