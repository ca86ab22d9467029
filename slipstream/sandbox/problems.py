"""How a JSON service refuses, in both families."""

from __future__ import annotations


class JsonProblem(Exception):
    """
    A refusal of ``/api``.

    :param status: The HTTP status.
    :param message: The message in the envelope.
    :param resource: The ``resource-id`` in the envelope, if any.
    :param content_type: The type of the body.
    """

    def __init__(
        self,
        status: int,
        message: str,
        resource: str | None = None,
        *,
        content_type: str = "application/json",
    ) -> None:
        super().__init__(status, message, resource)
        self.status, self.message, self.resource = status, message, resource
        self.content_type = content_type


class MalformedJson(Exception):
    """A body of ``/api`` that is not JSON: answered in plain text."""
