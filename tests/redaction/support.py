from __future__ import annotations

import base64
import html
import io
import json
import pickle
import re
import shlex
import traceback
from urllib.parse import quote, quote_plus

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint, Login
from libcloud.compute.base import Node

__all__ = ["BLOG", "Driver", "LiveEndpoint", "Login"]

# Every way of writing a text changes these.
PASSWORD = "Qz7 canary&<pw>\"'/é%+x\\"
TEMPLATE_FIELD = "Vf4 canary&<field>\"'/é%+x\\"
VALUE = "Jk9 canary&value%+x"


class Seen:
    """What was logged, and what stands in libcloud's debug file."""

    def __init__(self, caplog: pytest.LogCaptureFixture, file: io.StringIO) -> None:
        self.caplog, self.file = caplog, file
        self.more: list[str] = []

    def note(self, *objects: object) -> None:
        """Look at objects as a program that logs them does."""
        for item in objects:
            self.more += [repr(item), str(item)]
            if isinstance(item, BaseException):
                self.more += traceback.format_exception(item)
                self.more.append(pickle.dumps(item).decode("latin-1"))

    def note_session(self, driver: Driver) -> None:
        """Look at a driver and its session."""
        session, transport = driver._session, driver._session.transport
        self.note(driver, driver.connection, session, session._credentials, transport)
        self.note(transport.settings, transport.secrets, transport.redactor)

    def blocks(self) -> list[str]:
        """The exchanges that were logged."""
        return [r.getMessage() for r in self.caplog.records if r.name == "slipstream.exchanges"]

    def commands(self) -> list[list[str]]:
        """The words of each command line that was logged."""
        return [command_of(block) for block in self.blocks()]

    def logins(self) -> int:
        """How many logins were logged."""
        return sum("/api/session" in block and "-X POST" in block for block in self.blocks())

    def everything(self) -> str:
        formatted = [self.caplog.text, *(r.getMessage() for r in self.caplog.records)]
        return "\n".join([*formatted, self.file.getvalue(), *self.more])

    def leaks(self, *canaries: str) -> list[str]:
        """The ways of writing a canary in which it appears."""
        text = self.everything()
        return [way for canary in canaries for way in ways(canary) if way in text]


def command_of(block: str) -> list[str]:
    """The command line of a block, read as a shell reads it: up to the line of the response."""
    command = block.split("] ", 1)[1]
    return shlex.split(re.split(r"\n\[[^\]]*\] ?(?:HTTP|failed) ", command)[0])


def ways(canary: str) -> set[str]:
    """How a text may be written."""
    forms = {canary, quote(canary), quote(canary, safe=""), quote_plus(canary)}
    forms |= {json.dumps(canary)[1:-1], json.dumps(canary, ensure_ascii=False)[1:-1]}
    forms |= {html.escape(canary), html.escape(canary, quote=False), repr(canary)[1:-1]}
    return {*forms, base64.b64encode(canary.encode()).decode().rstrip("=")}


def deploy(endpoint: LiveEndpoint, driver: Driver, value: str | None = None) -> Node:
    """Deploy with a value for the password that the module declares."""
    name = "WP_ADMIN_PASSWORD" if endpoint.family == "nuvla" else "admin_password"
    return endpoint.deploy(driver, ex_parameters={name: value} if value else {})
