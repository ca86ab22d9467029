"""What the tests of both families use."""

from __future__ import annotations

import threading
from collections.abc import Callable

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

Driver = SlipStreamNodeDriver
Login = Callable[..., Driver]

WORDPRESS = "apps/WordPress/wordpress"
JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "application/xml"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILSSbaV6YtS3GWUVXjFm881NqhWzZo+fmWZb2dx9NLZO"


def logins(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("POST", "/api/session"))


def changed(sandbox: Sandbox) -> list[str]:
    """The methods of what may have changed something; a PUT with a form is a search."""
    return [e.method for e in sandbox.journal if e.method not in {"GET", "HEAD"} and not e.form]


def readers() -> list[threading.Thread]:
    """The threads that read ahead."""
    names = ("slipstream-ahead", "slipstream-beside")
    return [item for item in threading.enumerate() if item.name.startswith(names)]


def wait_for_readers() -> None:
    for thread in readers():
        thread.join(5)
        assert not thread.is_alive()
