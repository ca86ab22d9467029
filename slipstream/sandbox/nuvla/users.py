"""
Users, and the groups they are in.

Source: nuvla/api-server, server/resources/user.clj and user_username_password.clj.
"""

from __future__ import annotations

from slipstream.sandbox.nuvla.access import ADMIN
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created
from slipstream.sandbox.nuvla.kind import Kind, schema
from slipstream.sandbox.problems import JsonProblem

_TEMPLATE = "user-template/username-password"


def _add(call: Call) -> Answer:
    template = call.document.get("template")
    if not isinstance(template, dict) or template.get("href") != _TEMPLATE:
        raise JsonProblem(400, f"resource {SCHEMA}template href is missing\n")
    name, password = template.get("username"), template.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise JsonProblem(400, f"resource {SCHEMA}username and password are needed\n")
    if any(user["name"] == name for user in call.world.store.collection("user")):
        raise JsonProblem(409, f'Account with identifier "{name}" already exist!', name)
    identifier = f"user/{call.world.ids.uuid()}"
    call.world.document(
        "user",
        identifier,
        id=identifier,
        name=name,
        email=template.get("email", f"{name}@example.org"),
        state="ACTIVE",
    )
    call.world.passwords[identifier] = password
    return created(identifier)


USERS = Kind(name="user", adders=ADMIN, editable=False, add=_add)
GROUPS = Kind(name="group", adders=ADMIN, attributes=schema("users", "parents"))
