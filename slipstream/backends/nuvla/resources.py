"""Single resources, read without trusting that the answer is one."""

from __future__ import annotations

from typing import Any

from slipstream.backends.nuvla.dialect import get
from slipstream.errors import MalformedAnswer
from slipstream.session import Session
from slipstream.transport.messages import Response


def read_resource(
    session: Session, name: str, select: str | None = None, *, doing: str
) -> dict[str, Any]:
    """
    Read one resource.

    :param session: The logged-in session.
    :param name: Its id.
    :param select: The attributes wanted; ``None`` for all.
    :param doing: What is being done, in words that go after "Cannot".
    :returns: The document.
    :raises MalformedAnswer: If the answer is none.
    """
    return resource(session, session.send(get(name, select), doing=doing), doing)


def resource(session: Session, answer: Response, doing: str) -> dict[str, Any]:
    """
    The resource that an answer holds.

    :param session: The session.
    :param answer: The answer.
    :param doing: What is being done, in words that go after "Cannot".
    :returns: The document, which has an id.
    :raises MalformedAnswer: If it holds none.
    """
    document = answer.json()
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise MalformedAnswer(
            f"Cannot {doing}: the answer is not a resource.", endpoint=session.endpoint.url
        )
    return document


def reference(session: Session, answer: Response, key: str, doing: str) -> str:
    """
    The id that an answer gives for what was made or begun.

    :param session: The session.
    :param answer: The answer.
    :param key: What the id is called in it.
    :param doing: What is being done, in words that go after "Cannot".
    :returns: The id.
    :raises MalformedAnswer: If there is none.
    """
    document = answer.json()
    name = document.get(key) if isinstance(document, dict) else None
    if not isinstance(name, str) or not name:
        raise MalformedAnswer(
            f"Cannot {doing}: the answer does not say where to find what was made.",
            endpoint=session.endpoint.url,
        )
    return name
