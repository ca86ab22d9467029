"""What the tests of both families use."""

from __future__ import annotations

import threading

from endpoints_under_test import BLOG as WORDPRESS
from endpoints_under_test import Driver, Login, logins
from key_files import KEY, OTHER_KEY

__all__ = ["KEY", "OTHER_KEY", "WORDPRESS", "Driver", "Login", "logins"]

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "application/xml"}


def readers() -> list[threading.Thread]:
    """The threads that read ahead."""
    names = ("slipstream-ahead", "slipstream-beside")
    return [item for item in threading.enumerate() if item.name.startswith(names)]


def wait_for_readers() -> None:
    for thread in readers():
        thread.join(5)
        assert not thread.is_alive()
