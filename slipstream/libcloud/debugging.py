"""libcloud's own debug file, filled with what this driver sends and gets."""

from __future__ import annotations

import os
import threading
from typing import Any

from libcloud.utils.loggingconnection import LoggingConnection

from slipstream.transport.forking import PerProcess
from slipstream.transport.logs import get_logger
from slipstream.transport.request_log import Exchange

log = get_logger(__name__)

PRETTY_VARIABLE = "LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE"
"""The environment variable by which libcloud is told to indent JSON and XML."""

_lock = PerProcess(threading.Lock)


class DebugFile:
    """
    Writes exchanges where ``LIBCLOUD_DEBUG`` or ``libcloud.enable_debug`` want them.

    The driver does not send by libcloud's connection class, which would write them by itself,
    secrets included.
    """

    def is_listening(self) -> bool:
        """Whether libcloud has a debug file at the moment."""
        return LoggingConnection.log is not None

    def note(self, exchange: Exchange) -> None:
        """
        Write an exchange as one block, whatever other threads write.

        A file that cannot be written does not undo what was sent: a warning tells of it.
        """
        file: Any = LoggingConnection.log
        block = exchange.text(pretty=bool(os.environ.get(PRETTY_VARIABLE)))
        try:
            with _lock.get():
                file.write(f"{block}\n\n")
                file.flush()
        except (OSError, ValueError, AttributeError) as error:
            log.warning("libcloud's debug file cannot be written: %s", error)
