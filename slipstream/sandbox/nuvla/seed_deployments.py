"""Deployments in numbers, for tests of long lists."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from slipstream.sandbox.nuvla.access import acl
from slipstream.sandbox.nuvla.modules import content_of
from slipstream.sandbox.nuvla.placement import placement
from slipstream.sandbox.nuvla.seed_modules import WORDPRESS

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World


def plant_deployments(world: World, number: int, *, owner: str, state: str) -> list[str]:
    """
    Add deployments of the seeded WordPress on the seeded Swarm.

    :param world: The world.
    :param number: How many.
    :param owner: Whose.
    :param state: The state they are in.
    :returns: Their ids, oldest first.
    """
    module = next(one for one in world.store.collection("module") if one["path"] == WORDPRESS)
    href = f"{module['id']}_{len(module['versions']) - 1}"
    kept = {name: value for name, value in module.items() if name != "acl"}
    copy = kept | {"href": href, "content": content_of(world, module, href)}
    credentials = world.store.collection("credential")
    place = placement(world, next(one for one in credentials if one["name"].startswith("swarm-")))
    added = []
    for number_left in range(number, 0, -1):
        identifier = f"deployment/{world.ids.uuid()}"
        world.document(
            "deployment",
            owner,
            at=world.now() - timedelta(seconds=number_left),
            attributes=place,
            id=identifier,
            state=state,
            owner=owner,
            module=copy,
            acl=acl(owner, view_acl=(identifier,), edit_data=(identifier,)),
        )
        added.append(identifier)
    return added
