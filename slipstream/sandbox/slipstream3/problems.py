"""How the XML half of the server refuses."""

from __future__ import annotations

from http import HTTPStatus

from slipstream.sandbox.slipstream3.xmltext import Element

_SENTENCES = {
    400: "The request could not be understood by the server due to malformed syntax",
    401: "The request requires user authentication",
    403: "The server understood the request, but is refusing to fulfill it",
    404: "The server has not found anything matching the request URI",
    405: "The method specified in the request is not allowed for the resource identified by the "
    "request URI",
    409: "The request could not be completed due to a conflict with the current state of the "
    "resource",
    412: "The precondition given in one or more of the request-header fields evaluated to false "
    "when it was tested on the server",
    415: "The server is refusing to service the request because the entity of the request is in "
    "a format not supported by the requested resource for the requested method",
    500: "The server encountered an unexpected condition which prevented it from fulfilling the "
    "request",
}
_RFC = "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_REASONS = {412: "Precondition Failed", 415: "Unsupported Media Type"}


class XmlProblem(Exception):
    """
    A refusal of the XML service.

    :param status: The HTTP status.
    :param detail: The message; the server's standard sentence, if left out.
    """

    def __init__(self, status: int, detail: str = "") -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail or _SENTENCES[status]

    @property
    def reason(self) -> str:
        """The words beside the status."""
        if self.status == 500:
            return "Internal Server Error"
        return _REASONS.get(self.status, HTTPStatus(self.status).phrase)

    @property
    def specification(self) -> str:
        """Where the status is defined."""
        return f"{_RFC}#sec10.{self.status // 100}.{self.status % 100 + 1}"

    def element(self) -> Element:
        """
        Describe the refusal.

        :returns: The ``error`` element.
        """
        return Element(
            "error",
            {
                "code": self.status,
                "reason": self.reason,
                "detail": self.detail,
                "specificationUri": self.specification,
            },
            text=f"\n{self.detail}\n",
        )
