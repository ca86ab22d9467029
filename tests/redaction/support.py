from __future__ import annotations

import base64
import html
import io
import json
import pickle
import re
import shlex
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from libcloud.compute.base import Node

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

Driver = SlipStreamNodeDriver
Login = Callable[..., Driver]

WORDPRESS = "apps/WordPress/wordpress"
SECRET_INPUT = {"slipstream": "admin_password", "nuvla": "WP_ADMIN_PASSWORD"}

# Every way of writing a text changes this one.
PASSWORD = "Qz7 canary&<pw>\"'/é%+x\\"
TEMPLATE_FIELD = "Vf4 canary&<field>\"'/é%+x\\"
VALUE = "Jk9 canary&value%+x"


class Seen:
    """What was logged, and what stands in libcloud's debug file."""

    def __init__(self, caplog: pytest.LogCaptureFixture, file: io.StringIO) -> None:
        self.caplog, self.file = caplog, file
        self.more: list[str] = []

    def note(self, *things: object) -> None:
        """Look at things as a program that logs them does."""
        for thing in things:
            self.more += [repr(thing), str(thing)]
            if isinstance(thing, BaseException):
                self.more += traceback.format_exception(thing)
                self.more.append(pickle.dumps(thing).decode("latin-1"))

    def blocks(self) -> list[str]:
        """The exchanges that were logged."""
        return [r.getMessage() for r in self.caplog.records if r.name == "slipstream.exchanges"]

    def commands(self) -> list[list[str]]:
        """The words of each command line that was logged."""
        return [command_of(block) for block in self.blocks()]

    def everything(self) -> str:
        formatted = [self.caplog.text, *(r.getMessage() for r in self.caplog.records)]
        return "\n".join([*formatted, self.file.getvalue(), *self.more])

    def leaks(self, *canaries: str) -> list[str]:
        """The ways of writing a canary in which it appears."""
        text = self.everything()
        return [way for canary in canaries for way in ways(canary) if way in text]


def command_of(block: str) -> list[str]:
    """The command line of a block, read as a shell reads it: up to the line of the answer."""
    command = block.split("] ", 1)[1]
    return shlex.split(re.split(r"\n\[[^\]]*\] ?(?:HTTP|failed) ", command)[0])


def ways(canary: str) -> set[str]:
    """How a text may be written."""
    forms = {canary, quote(canary), quote(canary, safe=""), quote_plus(canary)}
    forms |= {json.dumps(canary)[1:-1], json.dumps(canary, ensure_ascii=False)[1:-1]}
    forms |= {html.escape(canary), html.escape(canary, quote=False), repr(canary)[1:-1]}
    forms.add(base64.b64encode(canary.encode()).decode().rstrip("="))
    return forms


def set_password(sandbox: Sandbox, password: str) -> None:
    world = sandbox.world
    if sandbox.family == "slipstream":
        world.accounts["alice"].password = password
    else:
        (user,) = (u for u, current in world.passwords.items() if current == sandbox.password)
        world.passwords[user] = password


def deploy(driver: Driver, **options: Any) -> Node:
    image = driver.get_image(WORDPRESS)
    if driver._session.kind.name == "nuvla":
        # The first place in the list may not be one that runs the application.
        cloud = driver.list_locations()[0].extra["credentials"][0]["id"]
        options = {"ex_cloud": cloud, **options}
    return driver.create_node("blog", image=image, **options)
