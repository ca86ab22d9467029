"""The form in which a session is kept: a header, then what was asked and answered."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import yaml
from attrs import asdict, field, fields, frozen

from slipstream.testing.scrubbing import encoding_of

FROM_SANDBOX: Final = "recorded from the sandbox"
FROM_SERVER: Final = "recorded from a real server"

# The same loader in C, ten times as fast, where PyYAML was built with it.
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CassetteError(ValueError):
    """A cassette, or the manifest beside it, is not what it should be."""


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@frozen(kw_only=True)
class Header:
    """What a cassette says about itself.

    :param scenario: the name of the scenario that was recorded.
    :param origin: the folder it belongs to, for example ``sandbox-3.71``.
    :param kind: :data:`FROM_SANDBOX` or :data:`FROM_SERVER`.
    :param server: the family of the server, ``SlipStream`` or ``Nuvla``.
    :param version: the server's version, ``unknown`` if it could not be told.
    :param date: the day of the recording, as ``2026-11-23``.
    :param library: the distribution that recorded, with its version.
    :param endpoint: the address the recording is kept under.
    :param credentials: which of ``username``, ``password``, ``key`` and ``secret`` were at hand.
    """

    scenario: str
    origin: str
    kind: str
    server: str
    version: str
    date: str
    library: str
    endpoint: str
    credentials: tuple[str, ...] = field(converter=_names)

    @classmethod
    def parse(cls, document: Any, path: Path) -> Self:
        """Read a header.

        :param document: what the file holds under ``header``.
        :param path: the file, for the message.
        :returns: the header.
        :raises CassetteError: if a part is missing, empty or unknown.
        """
        names = {attribute.name for attribute in fields(cls)}
        given = document if isinstance(document, dict) else {}
        wrong = sorted(name for name in names if not given.get(name)) + sorted(
            given.keys() - names
        )
        if wrong:
            raise CassetteError(f"{path}: the header lacks or does not know {', '.join(wrong)}")
        if given["kind"] not in {FROM_SANDBOX, FROM_SERVER}:
            raise CassetteError(f"{path}: the header does not say honestly where it comes from")
        return cls(**{name: _plain(value) for name, value in given.items()})


def _plain(value: Any) -> Any:
    return value if isinstance(value, list) else str(value)


@frozen(kw_only=True)
class Interaction:
    """One request and its answer, as kept.

    :param method: the verb.
    :param uri: the absolute address.
    :param request_headers: the kept headers of the request.
    :param request_body: what was sent, ``None`` if nothing.
    :param status: the code of the answer and its phrase.
    :param response_headers: the kept headers of the answer.
    :param response_body: what was answered.
    """

    method: str
    uri: str
    request_headers: dict[str, list[str]]
    request_body: bytes | None
    status: tuple[int, str]
    response_headers: dict[str, list[str]]
    response_body: bytes


class _Dumper(yaml.SafeDumper):
    """A safe dumper that writes many lines as many lines."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_yaml(path: Path, document: Any) -> None:
    """Write a YAML file whole or not at all.

    :param path: the file; folders are made as needed.
    :param document: plain data.
    """
    text = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".yaml")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save(path: Path, header: Header, interactions: list[Interaction]) -> None:
    """Write a cassette whole or not at all.

    :param path: the file.
    :param header: what it says about itself.
    :param interactions: what was asked and answered, in order, already scrubbed.
    """
    said = asdict(header) | {"credentials": list(header.credentials)}
    write_yaml(path, {"header": said, "interactions": [_written(each) for each in interactions]})


def load(path: Path) -> tuple[Header, list[Interaction]]:
    """Read a cassette.

    :param path: the file.
    :returns: its header and its interactions.
    :raises CassetteError: if the file is not a complete cassette.
    :raises FileNotFoundError: if there is none.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506
        header = Header.parse(document.get("header"), path)
        return header, [_read(each) for each in document["interactions"]]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeError) as error:
        raise CassetteError(f"{path}: not a cassette: {type(error).__name__}: {error}") from error


def _written(interaction: Interaction) -> dict[str, Any]:
    code, phrase = interaction.status
    request: dict[str, Any] = {
        "method": interaction.method,
        "uri": interaction.uri,
        "headers": _flat(interaction.request_headers),
    }
    if interaction.request_body:
        request["body"] = _as_text(interaction.request_body, interaction.request_headers)
    response: dict[str, Any] = {
        "status": code,
        "reason": phrase,
        "headers": _flat(interaction.response_headers),
    }
    if interaction.response_body:
        response["body"] = _as_text(interaction.response_body, interaction.response_headers)
    return {"request": request, "response": response}


def _read(document: dict[str, Any]) -> Interaction:
    request, response = document["request"], document["response"]
    sent, answered = _listed(request["headers"]), _listed(response["headers"])
    return Interaction(
        method=request["method"],
        uri=request["uri"],
        request_headers=sent,
        request_body=_as_bytes(request["body"], sent) if "body" in request else None,
        status=(response["status"], response["reason"]),
        response_headers=answered,
        response_body=_as_bytes(response.get("body", b""), answered),
    )


def _flat(headers: dict[str, list[str]]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in headers.items()}


def _listed(headers: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [v] if isinstance(v, str) else list(v) for name, v in headers.items()}


def _content_type(headers: dict[str, list[str]]) -> str:
    return next(iter(headers.get("content-type", ())), "")


def _as_text(body: bytes, headers: dict[str, list[str]]) -> str | bytes:
    encoding = encoding_of(_content_type(headers), body)
    text = body.decode(encoding)
    # Kept as bytes where reading the text back would not give the same bytes.
    return text if _as_bytes(text, headers) == body else body


def _as_bytes(body: str | bytes, headers: dict[str, list[str]]) -> bytes:
    if isinstance(body, bytes):
        return body
    content_type = _content_type(headers)
    try:
        return body.encode(encoding_of(content_type, body.encode(errors="surrogatepass")))
    except UnicodeError:
        return body.encode()
