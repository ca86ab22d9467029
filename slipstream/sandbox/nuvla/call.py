"""One request, as the resources see it, and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from slipstream.sandbox.nuvla.access import Identity
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

Fields = Mapping[str, Sequence[str]]
SCHEMA = "does not satisfy defined schema:\n"


@attrs.frozen(kw_only=True)
class Call:
    """
    A request.

    :param world: The world.
    :param identity: Who asks.
    :param method: The HTTP method, in lower case.
    :param path: What follows ``/api/``.
    :param base: The address of the server as the client sees it.
    :param body: The JSON that was sent.
    :param fields: The parameters of the address and of a form.
    :param bulk: Whether the header ``bulk`` is there.
    :param patch: Whether the body is a JSON patch.
    """

    world: World
    identity: Identity
    method: str
    path: str
    base: str
    body: Any
    fields: Fields
    bulk: bool = False
    patch: bool = False

    @property
    def identifier(self) -> str:
        """The id in the address, with a module's version."""
        return "/".join(self.path.split("/")[:2])

    @property
    def document(self) -> Document:
        """
        The body as a map.

        :raises JsonProblem: If it is none.
        """
        if not isinstance(self.body, dict):
            raise JsonProblem(400, f"resource {SCHEMA}not a map\n")
        return self.body


@attrs.frozen(kw_only=True)
class Answer:
    """
    What is answered.

    :param document: The JSON.
    :param status: The HTTP status.
    :param location: The ``Location`` header.
    :param cookie: The ``Set-Cookie`` header.
    """

    document: Any
    status: int = 200
    location: str | None = None
    cookie: str | None = attrs.field(default=None, repr=False)


def told(
    status: int,
    message: str,
    resource: str | None = None,
    *,
    location: str | None = None,
    cookie: str | None = None,
    **more: Any,
) -> Answer:
    """
    Answer in the server's envelope.

    :param status: The HTTP status.
    :param message: The message.
    :param resource: The ``resource-id``.
    :param location: The ``location``, in the envelope and as a header.
    :param cookie: The ``Set-Cookie`` header.
    :param more: Further attributes, underscores for dashes.
    :returns: The answer.
    """
    document: dict[str, Any] = {"status": status, "message": message}
    if resource:
        document["resource-id"] = resource
    if location:
        document["location"] = location
    document |= {name.replace("_", "-"): value for name, value in more.items()}
    return Answer(document=document, status=status, location=location, cookie=cookie)


def created(identifier: str, **more: Any) -> Answer:
    """
    Answer that a resource was added.

    :param identifier: Its id.
    :param more: What is told only once, underscores for dashes.
    :returns: The answer.
    """
    body = told(201, f"{identifier} created", identifier, **more).document
    return Answer(document=body, status=201, location=identifier)


def forbidden(identifier: str) -> JsonProblem:
    """
    Make the refusal of a right on a resource.

    :param identifier: Its id.
    :returns: The refusal.
    """
    return JsonProblem(403, f"invalid credentials for '{identifier}'", identifier)


def not_found(identifier: str) -> JsonProblem:
    """
    Make the refusal of what does not exist.

    :param identifier: The id.
    :returns: The refusal.
    """
    return JsonProblem(404, f"{identifier} not found", identifier)


def required(call: Call, right: str, document: Document) -> None:
    """
    Insist on a right.

    :param call: The request.
    :param right: The right.
    :param document: The resource.
    :raises JsonProblem: 403 if it is not granted.
    """
    if not call.identity.may(right, document["acl"]):
        raise forbidden(document["id"])


def visible(call: Call, identifier: object) -> Document:
    """
    Follow a reference to a resource that the asker must be able to see.

    :param call: The request.
    :param identifier: The reference as it was sent.
    :returns: The resource.
    :raises JsonProblem: 404 or 403.
    """
    document = call.world.store.get(str(identifier))
    if document is None:
        raise not_found(str(identifier))
    required(call, "view-meta", document)
    return document
