"""Log lines that say which call of the user they belong to."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from slipstream.transport import call_context
from slipstream.values.text import safe_text

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

NO_CALL = "-"
"""Stands for the id and the method where no call of the user is being carried out."""


def label() -> str:
    """What a line of the current call begins with, as in ``[3f2a91c4 create_node]``."""
    call = call_context.current()
    return f"[{NO_CALL}]" if call is None else f"[{call.id} {call.operation}]"


def attributes() -> dict[str, str]:
    """What a log record of the current call carries beside its message."""
    call = call_context.current()
    if call is None:
        return {"call_id": NO_CALL, "operation": NO_CALL}
    return {"call_id": call.id, "operation": call.operation}


class CallLogger(_Adapter):
    """A logger that puts the current call before each message and into each record."""

    def log(self, level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log a message, its texts made safe: some are a server's."""
        if self.isEnabledFor(level):
            texts = (
                safe_text(str(value)) if isinstance(value, str | BaseException) else value
                for value in args
            )
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            super().log(level, msg, *texts, **kwargs)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the current call to a message; see :class:`logging.LoggerAdapter`."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **attributes()}
        return f"{label()} {msg}", kwargs


def get_logger(name: str) -> CallLogger:
    """The logger for a module."""
    return CallLogger(logging.getLogger(name), {})
