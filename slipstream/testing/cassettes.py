"""Record HTTP sessions to cassettes, and replay them, with vcrpy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import ParseError, canonicalize

import vcr  # type: ignore[import-untyped]
from attrs import define, evolve, field
from vcr.persisters.filesystem import CassetteNotFoundError  # type: ignore[import-untyped]
from vcr.request import Request  # type: ignore[import-untyped]

from slipstream.testing.cassette_file import CassetteError, Header, Interaction, load, save
from slipstream.testing.scrubbing import Scrubber, moved

IGNORED_IN_QUERIES: Final = {
    # The driver sends another one with each read, to get past the cache of SlipStream's front
    # server, which is keyed by the whole address. The server itself never looks at it: SlipStream
    # 3.71 answers GET /run, /run/U and /run/U/ss:state alike with, without and with any other.
    "_": "a nonce against caches"
}
"""Parameters in the query of a GET that a server provably ignores, and what they are."""

WHOLE_LIST: Final = 1000
"""A page of SlipStream that ends here or later holds the whole list in every recording."""

_LONGEST_DIFF = 40


def _query(request: Request) -> list[tuple[str, str]]:
    """The query, empty values included, in any order, without what servers ignore."""
    ignored = IGNORED_IN_QUERIES if request.method == "GET" else {}
    pairs = _pairs(request.uri.partition("?")[2])
    return [pair for pair in pairs if pair[0] not in ignored]


@cache
def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(text, keep_blank_values=True)))


def _header(request: Request, name: str) -> str:
    value = request.headers.get(name, "")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(request: Request) -> Any:
    """What a body means: JSON, a form, XML, or plain bytes."""
    content = bytes(request.body_bytes or b"")
    content_type = _header(request, "content-type")
    try:
        if "json" in content_type and content:
            return json.loads(content)
        if "x-www-form-urlencoded" in content_type:
            pairs = _pairs(content.decode())
            return [(name, "all" if _is_whole(name, value) else value) for name, value in pairs]
        if "xml" in content_type and content:
            return canonicalize(content.decode())
    except (ValueError, ParseError):
        pass
    return content.decode(errors="backslashreplace")


def _is_whole(name: str, value: str) -> bool:
    return name == "$last" and value.isdecimal() and int(value) >= WHOLE_LIST


def _matcher(part: Callable[[Request], Any]) -> Callable[[Request, Request], None]:
    def match(request: Request, recorded: Request) -> None:
        sent, expected = part(request), part(recorded)
        if sent != expected:
            lines = difflib.unified_diff(
                _lines(expected), _lines(sent), "recorded", "sent", lineterm=""
            )
            raise AssertionError("\n".join([*lines][:_LONGEST_DIFF]))

    return match


def _lines(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=1, sort_keys=True)
    return text.splitlines()


# Each request is compared with each recorded one. Most differ in the first, which parses nothing.
MATCHERS: Final = {
    "address": _matcher(lambda request: f"{request.method} {request.uri.partition('?')[0]}"),
    "query": _matcher(_query),
    # The servers choose between XML, JSON and text by these, and take no form for one unless it is
    # called so to the letter.
    "negotiation": _matcher(
        lambda request: [
            f"{name}: {_header(request, name)}" for name in ("accept", "content-type")
        ]
    ),
    "body": _matcher(_body),
}
"""What of a request has to be as it was recorded."""


@define(kw_only=True)
class Recording:
    """A session while it is recorded.

    :param scrubber: The rules.
    :ivar interactions: What was recorded, once the session has ended.
    """

    scrubber: Scrubber
    interactions: list[Interaction] = field(factory=list, init=False, repr=False)

    def save(self, path: Path, header: Header) -> None:
        """Write what was recorded."""
        if not self.interactions:
            raise CassetteError(f"{header.scenario} made no request: it is not a scenario")
        if any(secret in repr(self.interactions) for secret in self.scrubber.secrets):
            raise CassetteError(f"{header.scenario} was not saved: a known secret got through")
        save(path, header, self.interactions)

    def load_cassette(self, *_: object, **__: object) -> Any:
        """Raise the error by which vcrpy starts empty."""
        raise CassetteNotFoundError

    def save_cassette(self, _: object, recorded: dict[str, list[Any]], **__: object) -> None:
        """Scrub what was recorded; called by vcrpy."""
        pairs = zip(recorded["requests"], recorded["responses"], strict=True)
        self.interactions = [_interaction(self.scrubber, *pair) for pair in pairs]


@define(kw_only=True)
class Replay:
    """A session while it is replayed.

    :param header: What the cassette says about itself.
    :param endpoint: The address that requests have to go to.
    :param interactions: What was recorded.
    """

    header: Header
    endpoint: str
    interactions: list[Interaction] = field(repr=False)
    _cassette: Any = field(default=None, repr=False)

    def unused(self) -> list[str]:
        """List the recorded requests that were not sent, without repeated reads."""
        cassette = self._cassette
        reads = [
            # Servers write sets in any order.
            (request.method, request.uri, sorted(response["body"]["string"].split()))
            for request, response in zip(cassette.requests, cassette.responses, strict=True)
        ]
        sent = [read for index, read in enumerate(reads) if cassette.play_counts[index]]
        return [
            f"{read[0]} {read[1]}"
            for index, read in enumerate(reads)
            if not cassette.play_counts[index] and not (read[0] == "GET" and read in sent)
        ]

    def load_cassette(self, *_: object, **__: object) -> tuple[list[Request], list[Any]]:
        """Return the interactions in vcrpy's own form; called by vcrpy."""
        requests = [
            Request(i.method, i.uri, i.request_body, i.request_headers) for i in self.interactions
        ]
        responses = [
            {
                "status": {"code": i.status[0], "message": i.status[1]},
                "headers": i.response_headers,
                "body": {"string": i.response_body},
            }
            for i in self.interactions
        ]
        return requests, responses

    def save_cassette(self, *_: object, **__: object) -> None:
        """Leave the file as it is; called by vcrpy."""


def build_vcr(persister: Recording | Replay, scrubber: Scrubber) -> vcr.VCR:
    """Configure vcrpy: bodies matched, both sides scrubbed before they are compared."""
    recorder = vcr.VCR(
        record_mode="all" if isinstance(persister, Recording) else "none",
        match_on=MATCHERS,
        before_record_request=lambda request: _scrubbed(scrubber, request),
    )
    for name, matcher in MATCHERS.items():
        recorder.register_matcher(name, matcher)
    recorder.register_persister(persister)
    return recorder


@contextmanager
def recording(scrubber: Scrubber, *, name: str = "recording") -> Iterator[Recording]:
    """Record every request in the block; nothing is written before it is saved.

    :param scrubber: The rules, knowing the credentials in use and the server's address.
    :param name: What messages call the session.
    :returns: The recording, complete when the block has ended.
    """
    session = Recording(scrubber=scrubber)
    with build_vcr(session, scrubber).use_cassette(name):
        yield session


@contextmanager
def replaying(path: Path, *, endpoint: str | None = None) -> Iterator[Replay]:
    """Respond to every request in the block from a cassette.

    :param path: The cassette's file.
    :param endpoint: The client's endpoint, which replaces the address in the recording.
    :returns: The replay, which knows the requests that were not sent.
    :raises CassetteError: If the file is not a complete cassette.
    :raises FileNotFoundError: If there is none.
    """
    header, interactions = load(path)
    target = endpoint or header.endpoint
    move = moved(header.endpoint, target)
    session = Replay(
        header=header,
        endpoint=target,
        interactions=[_moved(interaction, move) for interaction in interactions],
    )
    scrubber = Scrubber(moved=moved(target, header.endpoint))
    with build_vcr(session, scrubber).use_cassette(str(path)) as cassette:
        session._cassette = cassette  # noqa: SLF001 - vcrpy makes it when the block begins
        yield session


def _moved(interaction: Interaction, move: Callable[[str], str]) -> Interaction:
    """Let a response name the client's endpoint; requests are compared as they were recorded."""
    headers, body = interaction.response_headers, interaction.response_body.decode("latin-1")
    return evolve(
        interaction,
        response_headers={name: [move(v) for v in values] for name, values in headers.items()},
        response_body=move(body).encode("latin-1"),
    )


def _scrubbed(scrubber: Scrubber, request: Request) -> Request:
    headers = {name: [_header(request, name)] for name in request.headers}
    content = bytes(request.body_bytes or b"")
    return Request(
        method=request.method,
        uri=scrubber.url(request.uri),
        body=scrubber.body(content, headers, url=request.uri) or None,
        headers=scrubber.request_headers(headers),
    )


def _interaction(scrubber: Scrubber, request: Request, response: dict[str, Any]) -> Interaction:
    headers = response["headers"]
    return Interaction(
        method=request.method,
        uri=request.uri,
        request_headers={name: [value] for name, value in request.headers.items()},
        request_body=request.body_bytes,
        status=(response["status"]["code"], response["status"]["message"]),
        response_headers=scrubber.response_headers(headers),
        response_body=scrubber.body(response["body"]["string"], headers, url=request.uri),
    )
