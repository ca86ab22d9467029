"""Where a cassette was recorded, and the address it is kept under."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

PLACEHOLDER_HOST: Final = "server.example"

PUBLIC_HOSTS: Final = frozenset({"nuv.la", "nuvla.io"})
"""Public services, whose names a client may know and act upon: these stay."""

_PORTS = {"http": 80, "https": 443}


def kept_endpoint(endpoint: str) -> str:
    """Choose the address that a recording is kept under."""
    parts = urlsplit(endpoint)
    host = parts.hostname if parts.hostname in PUBLIC_HOSTS else PLACEHOLDER_HOST
    return f"https://{host}{parts.path.rstrip('/')}"


def moved(source: str, target: str) -> Callable[[str], str]:
    """Build a function that moves addresses in a text from one server to another."""
    old, new = urlsplit(source), urlsplit(target)
    if (old.scheme, old.netloc) == (new.scheme, new.netloc):
        return lambda text: text
    host, port = old.hostname or "", old.port or _PORTS[old.scheme]
    # A loopback address without its port may be anything's, a machine's or a client's.
    optional = "" if _is_loopback(host) else "?"
    pattern = re.compile(
        r"(?:(?P<scheme>https?)(?P<slashes>:(?:\\?/){2}|%3[Aa]%2[Ff]%2[Ff])|(?<![\w.-]))"
        rf"{re.escape(_written_host(host))}(?:(?::|%3[Aa]){port}){optional}(?![\w-]|\.\w)",
    )

    def replace(hit: re.Match[str]) -> str:
        return f"{new.scheme}{hit['slashes']}{new.netloc}" if hit["scheme"] else new.netloc

    return lambda text: pattern.sub(replace, text)


def _written_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
