"""What a deployed application shows to the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from slipstream.sandbox.pages import blog

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World

TITLE = "wordpress_title"
"""The environmental variable that a blog takes its title from."""


def site(world: World, uuid: str) -> Response:
    """
    Answer as the blog that was deployed.

    :param world: The world.
    :param uuid: The deployment's, without its type.
    :returns: The page; 404 while the deployment does not run.
    """
    deployment = world.store.get(f"deployment/{uuid}")
    if deployment is None or deployment["state"] not in {"STARTED", "UPDATING"}:
        return Response("Nothing runs here.\n", 404, content_type="text/plain; charset=UTF-8")
    variables = deployment["module"]["content"].get("environmental-variables", ())
    titles = [one.get("value", "") for one in variables if one["name"] == TITLE]
    return Response(blog(titles[0] if titles else "It works"), content_type="text/html")
