"""What the request log says of one exchange: a command for curl, and the response."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from typing import Any

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from slipstream.redaction import KnownSecrets, Redactor
from slipstream.transport.request_log import LONGEST_REQUEST, LONGEST_RESPONSE, Exchange

from .support import BLOG, Driver, Seen, command_of

URL = "https://nuv.la/run"


def text_of(*, pretty: bool = False, kind: str | None = None, **options: Any) -> str:
    request = requests.PreparedRequest()
    request.method, request.url = options.pop("method", "GET"), options.pop("url", URL)
    request.headers = CaseInsensitiveDict(options.pop("headers", {}))
    request.body = options.pop("body", None)
    if kind:
        options |= {"status": 200, "fields": (("Content-Type", kind),)}
    return Exchange(request, Redactor(KnownSecrets()), **options).text(pretty=pretty)


def after(words: list[str], option: str) -> list[str]:
    return [word for before, word in pairwise(words) if before == option]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")
def test_command_for_a_read_can_be_run_by_curl(driver: Driver, seen: Seen) -> None:
    driver.list_nodes()
    driver.list_locations()
    driver.list_key_pairs()
    driver.get_image(BLOG)
    cookies = {f"{c.name}=***": f"{c.name}={c.value}" for c in driver._session.cookies}
    methods = set()
    for block in seen.blocks():
        words = command_of(block)
        for masked, cookie in cookies.items():
            words = [word.replace(masked, cookie) for word in words]
        (method,) = after(words, "-X")
        methods.add(method)
        if method == "POST":
            continue
        command = [shutil.which("curl") or "", "-s", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        assert head.split()[1] == block.split(" HTTP ", 1)[1][:3] == "200"
        assert len(body.encode()) == int(block.split(" bytes", 1)[0].rpartition(" ")[2])
    assert {"GET", "PUT"} <= methods


def test_command_survives_a_shell() -> None:
    body = b'{"name": "it\'s $HOME; `ls` \\"x\\" !"}'
    text = text_of(method="POST", body=body, headers={"Content-Type": "application/json"})
    command = text.partition("\n")[0].partition("] ")[2]
    shell = ["/bin/sh", "-c", command.replace("curl", "printf '%s\\n'", 1)]
    done = subprocess.run(shell, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == body.decode()


@pytest.mark.parametrize(
    ("options", "expected", "missing"),
    [
        ({"verify": False}, "--compressed -k", "--globoff"),
        ({"verify": False, "url": "http://127.0.0.1/run"}, "-X GET --compressed", "-k"),
        ({"verify": "/etc/my ca.pem"}, "--cacert /etc/my ca.pem", "--capath"),
        ({"verify": "/"}, "--capath /", "--cacert"),
        ({"cert": "/c.pem"}, "--cert /c.pem", "--key"),
        ({"cert": ("/c.pem", "/k.pem")}, "--cert /c.pem --key /k.pem", "-k"),
        ({"proxy": "http://joe:pw@proxy:3128"}, "--proxy http://***@proxy:3128", "joe"),
        ({"method": "HEAD"}, "--head", "-X"),
        ({"url": f"{URL}?limit=5&token=x1y2"}, f"{URL}?limit=5&token=***", "x1y2"),
        ({"url": "http://[::1]:80/run?x={a}"}, "--globoff", "--cert"),
        # The headers that curl does not send by itself.
        ({"body": b"<a />", "headers": {"Content-Type": "a/xml"}}, "-H Content-Type: a/xml", "-k"),
        ({"body": b"x"}, "-H Content-Type: --data-raw x", "-k"),
        ({"headers": {"Content-Length": "0"}}, "-H Content-Length: 0", "--data-raw"),
        ({"headers": {"Content-Length": "1", "A": "b"}}, f"{URL} -H A: b", "Content-Length: 1"),
        ({"headers": {"Accept-Encoding": "gzip", "Connection": "x"}}, URL, "-H"),
    ],
)
def test_command_has_the_options_of_curl(options: Any, expected: str, missing: str) -> None:
    words = command_of(text_of(**options))
    assert expected in " ".join(words)
    assert missing not in words
    assert "--compressed" in words


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_long_response_is_cut_and_the_rest_counted(kind: str) -> None:
    text = text_of(kind=kind, content=b'"' + b"x" * (LONGEST_RESPONSE + 98) + b'"')
    assert text.endswith("x... (100 more characters)")
    assert len(text) < LONGEST_RESPONSE + 300
    assert "8100 bytes" in text
    assert "(1 more characters)" in text_of(method="PUT", body=b"x" * (LONGEST_REQUEST + 1))


def test_response_is_safe_to_log() -> None:
    filler = b"x" * (LONGEST_RESPONSE - 40)
    content = b'{"a": "' + filler + b'", "password": "Qz7canary-and-more-of-it"}'
    assert "Qz7" not in text_of(kind="application/json", content=content)
    assert "(4 bytes that are no text)" in text_of(status=200, content=b"\xff\xfe\x00\x01")
    text = text_of(kind="application/json", content=b'{"a": "\\ud800"}')
    assert "\\ud800" in text
    text.encode()
    content = b"one\r\ntwo\n[cafe0000 create_node] curl\x1b[2J\r\x00 \xc2\x85x"
    fields = (("X-Note", "a\r\n[cafe0000 x] HTTP 200"),)
    text = text_of(status=200, fields=fields, content=content)
    assert all(line.startswith("[-]") for line in text.split("\n"))
    assert not any(character in text for character in "\x1b\r\x00\x85")


@pytest.mark.parametrize(
    ("kind", "body", "line"),
    [
        ("application/json", b'{"a": {"b": 1}}', '    "b": 1'),
        ("application/xml", b"<a><b>1</b></a>", "  <b>1</b>"),
    ],
)
def test_pretty_response_is_indented(kind: str, body: bytes, line: str) -> None:
    for pretty in (True, False):
        lines = text_of(kind=kind, content=body, pretty=pretty).split("\n")
        assert (f"[-] {line}" in lines) is pretty
