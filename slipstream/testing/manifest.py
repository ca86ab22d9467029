"""What stands beside the cassettes of one origin: the server, and what it could not serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from attrs import field, frozen

from slipstream.testing.cassette_file import (
    FROM_SANDBOX,
    FROM_SERVER,
    CassetteError,
    write_yaml,
)

FILE_NAME: Final = "origin.yaml"

STATUSES: Final = ("unsupported", "unrecorded", "outdated")
"""The ways in which a scenario is not replayed, as they are called in the file."""

_REQUIRED = ("origin", "kind", "server", "version", "date", "library", "endpoint")


@frozen(kw_only=True)
class Manifest:
    """The description of one origin.

    :param origin: the name of the folder.
    :param kind: recorded from the sandbox, or from a real server.
    :param server: the family of the server.
    :param version: its version, ``unknown`` if it could not be told.
    :param date: the day of the latest recording.
    :param library: the distribution that recorded, with its version.
    :param endpoint: the address the recordings are kept under.
    :param unsupported: scenarios that the server cannot serve, and why.
    :param unrecorded: scenarios without a recording of this server so far, and why.
    :param outdated: scenarios whose recording the present code cannot replay, and why; the
        recording stays until it is made anew.
    """

    origin: str
    kind: str
    server: str
    version: str
    date: str
    library: str
    endpoint: str
    unsupported: dict[str, str] = field(factory=dict)
    unrecorded: dict[str, str] = field(factory=dict)
    outdated: dict[str, str] = field(factory=dict)

    def obstacle(self, name: str) -> tuple[str, str] | None:
        """Say why a scenario is not replayed.

        :param name: the scenario; a parametrised one is listed with its parameters or without.
        :returns: the status, one of :data:`STATUSES`, and the reason, or ``None`` if it is.
        """
        for status in STATUSES:
            reasons: dict[str, str] = getattr(self, status)
            for listed in (name, ".".join(name.split(".")[:2])):
                if listed in reasons:
                    return status, reasons[listed]
        return None


def load_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of an origin.

    :param folder: the origin's folder.
    :returns: the manifest, or ``None`` if there is none.
    :raises CassetteError: if it is not complete.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = document if isinstance(document, dict) else {}
    missing = [name for name in _REQUIRED if not given.get(name)]
    if missing:
        raise CassetteError(f"{path} lacks {', '.join(missing)}")
    if given["kind"] not in {FROM_SANDBOX, FROM_SERVER}:
        raise CassetteError(f"{path} does not say honestly where its cassettes come from")
    values: dict[str, Any] = {name: str(given[name]) for name in _REQUIRED}
    for status in STATUSES:
        listed = given.get(status) or {}
        values[status] = {str(name): str(reason) for name, reason in listed.items()}
    return Manifest(**values)


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of an origin.

    :param folder: the origin's folder; made as needed.
    :param manifest: what to write.
    """
    document: dict[str, Any] = {name: getattr(manifest, name) for name in _REQUIRED}
    for status in STATUSES:
        if reasons := getattr(manifest, status):
            document[status] = dict(sorted(reasons.items()))
    write_yaml(folder / FILE_NAME, document)


def origins(root: Path) -> list[str]:
    """List the origins that have recordings.

    :param root: the folder of all cassettes.
    :returns: the names of its folders that have a manifest, in order.
    """
    return sorted(path.parent.name for path in root.glob(f"*/{FILE_NAME}"))
