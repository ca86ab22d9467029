"""The files of recordings: a cassette for each scenario, a manifest for each origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import yaml
from attrs import NOTHING, asdict, field, fields, frozen

from slipstream.testing.scenarios import without_parameters

FROM_SANDBOX: Final = "recorded from the sandbox"
FROM_SERVER: Final = "recorded from a real server"

MANIFEST: Final = "origin.yaml"  # the name of the file that describes an origin
STATUSES: Final = ("unsupported", "unrecorded", "outdated")
"""The reasons why a scenario is not replayed, as the manifest calls them."""


def _by_name(reasons: dict[str, str] | None) -> dict[str, str]:
    return dict(sorted((reasons or {}).items()))


# The same loader in C, ten times as fast, where PyYAML was built with it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CassetteError(ValueError):
    """A cassette or a manifest is malformed."""


@frozen(kw_only=True)
class Provenance:
    """The origin of a recording.

    :param origin: The folder it belongs to, for example ``sandbox-3.71``.
    :param kind: :data:`FROM_SANDBOX` or :data:`FROM_SERVER`.
    :param server: What serves, as in ``SlipStream`` or ``Nuvla``.
    :param endpoint_kind: The kind of endpoint; empty if a driver recognises it by itself.
    :param version: The server's version, ``unknown`` if it is not known.
    :param date: The day of the latest recording, as ``2026-11-23``.
    :param library: The distribution that recorded, with its version.
    :param endpoint: The address that replaces that of the server.
    """

    origin: str = field(converter=str)
    kind: str
    server: str
    version: str = field(converter=str)
    date: str = field(converter=str)
    library: str
    endpoint: str
    endpoint_kind: str = ""

    @classmethod
    def parse(cls, document: Any, path: Path) -> Self:
        """Read the header of a file; one that is incomplete is refused."""
        attributes = fields(cls)
        values = document if isinstance(document, dict) else {}
        wrong = [a.name for a in attributes if a.default is NOTHING and not values.get(a.name)]
        wrong += sorted(values.keys() - {a.name for a in attributes})
        if wrong:
            raise CassetteError(f"{path}: the header lacks or does not know {', '.join(wrong)}")
        if values["kind"] not in {FROM_SANDBOX, FROM_SERVER}:
            raise CassetteError(f"{path}: the header does not say honestly where it comes from")
        return cls(**values)


@frozen(kw_only=True)
class Header(Provenance):
    """The header of a cassette.

    :param scenario: The name of the scenario that was recorded.
    :param credentials: Which of ``username``, ``password``, ``key`` and ``secret`` there were.
    """

    scenario: str
    credentials: tuple[str, ...] = field(converter=tuple[str, ...])


@frozen(kw_only=True)
class Manifest(Provenance):
    """The manifest of an origin. Each part maps scenarios to reasons.

    :param unsupported: Scenarios that the server cannot serve.
    :param unrecorded: Scenarios without a recording of this server so far.
    :param outdated: Scenarios whose recording the present code cannot replay.
    """

    unsupported: dict[str, str] = field(factory=dict, converter=_by_name)
    unrecorded: dict[str, str] = field(factory=dict, converter=_by_name)
    outdated: dict[str, str] = field(factory=dict, converter=_by_name)

    @classmethod
    def load(cls, folder: Path) -> Manifest | None:
        """Read the manifest of an origin's folder; ``None`` if there is none."""
        path = folder / MANIFEST
        return cls.parse(_load_yaml(path), path) if path.is_file() else None

    def save(self, folder: Path) -> None:
        """Write the manifest into an origin's folder."""
        _write_yaml(folder / MANIFEST, _document(self))

    def obstacle(self, name: str) -> tuple[str, str] | None:
        """The status of a scenario that is not replayed, and the reason."""
        for status in STATUSES:
            reasons: dict[str, str] = getattr(self, status)
            for listed in (name, without_parameters(name)):
                if listed in reasons:
                    return status, reasons[listed]
        return None


def origins(root: Path) -> list[str]:
    """Name the folders of recordings that have a manifest, in order."""
    return sorted(path.parent.name for path in root.glob(f"*/{MANIFEST}"))


@frozen(kw_only=True)
class Interaction:
    """One request and its response, scrubbed.

    :param method: The method of the request.
    :param uri: The whole address.
    :param request_headers: The headers of the request, with all values of each.
    :param request_body: ``None`` if nothing was sent.
    :param status: The code of the response and its phrase.
    :param response_headers: The headers of the response.
    :param response_body: The body of the response.
    """

    method: str
    uri: str
    request_headers: dict[str, list[str]]
    request_body: bytes | None
    status: tuple[int, str]
    response_headers: dict[str, list[str]]
    response_body: bytes


def save(path: Path, header: Header, interactions: list[Interaction]) -> None:
    """Write a cassette, already scrubbed, whole or not at all."""
    document = {"scenario": header.scenario} | _document(header)  # which comes first
    _write_yaml(path, {"header": document, "interactions": [*map(_as_document, interactions)]})


def _document(provenance: Provenance) -> dict[str, Any]:
    """What a file says of itself, without what is left to the defaults."""
    return asdict(provenance, filter=lambda a, value: a.default is NOTHING or bool(value))


def load(path: Path) -> tuple[Header, list[Interaction]]:
    """Read a cassette."""
    try:
        document = _load_yaml(path)
        header = Header.parse(document.get("header"), path)
        return header, [*map(_as_interaction, document["interactions"])]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeError) as error:
        raise CassetteError(f"{path}: not a cassette: {type(error).__name__}: {error}") from error


class _Dumper(yaml.SafeDumper):
    """A safe dumper that writes texts of several lines as such."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _load_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader


def _write_yaml(path: Path, document: Any) -> None:
    text = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_text(text, "utf-8", newline="\n")
    temporary.replace(path)


def _as_document(interaction: Interaction) -> dict[str, Any]:
    code, phrase = interaction.status
    request: dict[str, Any] = {
        "method": interaction.method,
        "uri": interaction.uri,
        "headers": _flat(interaction.request_headers),
    }
    if interaction.request_body:
        request["body"] = _as_text(interaction.request_body)
    response: dict[str, Any] = {
        "status": code,
        "reason": phrase,
        "headers": _flat(interaction.response_headers),
    }
    if interaction.response_body:
        response["body"] = _as_text(interaction.response_body)
    return {"request": request, "response": response}


def _as_interaction(document: dict[str, Any]) -> Interaction:
    request, response = document["request"], document["response"]
    return Interaction(
        method=request["method"],
        uri=request["uri"],
        request_headers=_listed(request["headers"]),
        request_body=_as_bytes(request["body"]) if "body" in request else None,
        status=(response["status"], response["reason"]),
        response_headers=_listed(response["headers"]),
        response_body=_as_bytes(response.get("body", b"")),
    )


def _flat(headers: dict[str, list[str]]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in headers.items()}


def _listed(headers: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [v] if isinstance(v, str) else list(v) for name, v in headers.items()}


def _as_text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _as_bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
