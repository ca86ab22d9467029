from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from typing import Any

import pytest
import requests

from slipstream.redaction import Redactor
from slipstream.redaction.secrets import KnownSecrets
from slipstream.sandbox import Sandbox
from slipstream.transport.request_log import LONGEST_REQUEST, LONGEST_RESPONSE, Exchange

from .support import WORDPRESS, Driver, Login, Seen, command_of

URL = "https://nuv.la/run"


def made(**options: Any) -> Exchange:
    given = {"method": "GET", "url": URL, "redactor": Redactor(KnownSecrets())}
    return Exchange(**{**given, **options})


def arguments(**options: Any) -> list[str]:
    return command_of(made(**options).text())


def after(words: list[str], option: str) -> list[str]:
    return [word for before, word in pairwise(words) if before == option]


def filled_in(words: list[str], driver: Driver) -> list[str]:
    """The command with the cookies that were masked."""
    values = {c.name: c.value for c in driver._session.cookies}
    for name, value in values.items():
        words = [word.replace(f"{name}=***", f"{name}={value}") for word in words]
    return words


def searches(seen: Seen, driver: Driver) -> list[list[str]]:
    """The commands that only read; a PUT on a collection is a search."""
    driver.list_nodes()
    driver.list_locations()
    driver.list_key_pairs()
    driver.get_image(WORDPRESS)
    words = [filled_in(command, driver) for command in seen.commands()]
    found = [w for w in words if after(w, "-X") != ["POST"]]
    assert {"GET", "PUT"} <= {after(w, "-X")[0] for w in found}
    return found


def test_the_commands_for_reads_can_be_run_by_curl(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl here")
    commands = searches(seen, driver)
    for words, block in zip(
        commands, [b for b in seen.blocks() if "-X POST" not in b], strict=True
    ):
        done = subprocess.run([curl, "-s", *words[1:]], capture_output=True, text=True, check=True)
        status = block.split(" HTTP ", 1)[1][:3]
        length = block.split(" bytes", 1)[0].rpartition(" ")[2]
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        assert head.split()[1] == status == "200"
        assert len(body.encode()) == int(length)


def test_the_commands_for_reads_hold_all_that_is_needed_to_send_them_again(
    driver: Driver, seen: Seen
) -> None:
    for words in searches(seen, driver):
        headers = dict(header.split(": ", 1) for header in after(words, "-H"))
        (url,) = (word for word in words if word.startswith("http://"))
        data = (after(words, "--data-raw") or [None])[0]
        (method,) = after(words, "-X")
        again = requests.request(method, url, headers=headers, data=data, timeout=10)
        assert again.status_code == 200


def test_a_command_survives_a_shell() -> None:
    body = b'{"name": "it\'s $HOME; `ls` \\"x\\" !"}'
    block = made(method="POST", body=body, headers={"Content-Type": "application/json"}).text()
    command = block.partition("\n")[0].partition("] ")[2]
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("curl", "printf '%s\\n'", 1)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == body.decode()


def test_a_request_with_a_body_says_its_type_or_that_it_has_none() -> None:
    typed = {"Content-Type": "application/xml"}
    assert after(arguments(body=b"<a />", headers=typed), "-H") == [
        "Content-Type: application/xml"
    ]
    assert after(arguments(body=b"x"), "-H") == ["Content-Type:"]
    assert after(arguments(), "-H") == []


def test_what_curl_sees_to_by_itself_is_left_out() -> None:
    sent = {"Accept-Encoding": "gzip", "Connection": "keep-alive", "Content-Length": "5", "A": "b"}
    words = arguments(headers=sent, body=b"12345")
    assert after(words, "-H") == ["A: b", "Content-Type:"]
    assert "--compressed" in words
    assert after(arguments(headers={"Content-Length": "0"}), "-H") == ["Content-Length: 0"]


def test_a_head_request_is_told_as_curl_wants_it() -> None:
    words = arguments(method="HEAD")
    assert "--head" in words
    assert "-X" not in words


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"verify": False}, ["-k"]),
        ({"verify": "/etc/my ca.pem"}, ["--cacert", "/etc/my ca.pem"]),
        ({"verify": "/"}, ["--capath", "/"]),
        ({"cert": "/c.pem"}, ["--cert", "/c.pem"]),
        ({"cert": ("/c.pem", "/k.pem")}, ["--cert", "/c.pem", "--key", "/k.pem"]),
        ({"proxy": "http://joe:pw@proxy:3128"}, ["--proxy", "http://***@proxy:3128"]),
    ],
)
def test_trust_and_proxies_are_told_as_curl_wants_them(
    options: dict[str, Any], shown: list[str]
) -> None:
    assert " ".join(shown) in " ".join(arguments(**options))


def test_trust_does_not_matter_without_tls() -> None:
    assert "-k" not in arguments(url="http://127.0.0.1/run", verify=False)


def test_brackets_in_an_address_are_no_patterns_for_curl() -> None:
    assert "--globoff" in arguments(url="http://[::1]:80/run?x={a}")
    assert "--globoff" not in arguments()


def test_a_request_that_was_never_sent_shows_with_its_query() -> None:
    query = {"limit": "5", "token": "x1y2"}
    prepared = requests.Request("GET", URL, params=query).prepare()
    shown = made(url=prepared.url).curl()
    assert f"'{URL}?limit=5&token=***'" in shown


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_a_long_answer_is_cut_and_the_rest_counted(kind: str) -> None:
    body = b'"' + b"x" * (LONGEST_RESPONSE + 98) + b'"'
    block = made(status=200, fields=(("Content-Type", kind),), content=body).text()
    assert block.endswith("x... (100 more characters)")
    assert len(block) < LONGEST_RESPONSE + 300
    assert "8100 bytes" in block


def test_a_secret_at_the_cut_does_not_show_in_part() -> None:
    body = (
        b'{"a": "' + b"x" * (LONGEST_RESPONSE - 40) + b'", "password": "Qz7canary-and-more-of-it"}'
    )
    fields = (("Content-Type", "application/json"),)
    assert "Qz7" not in made(status=200, fields=fields, content=body).text()


def test_a_very_long_request_is_cut_too() -> None:
    block = made(method="PUT", body=b"x" * (LONGEST_REQUEST + 1)).text()
    assert "(1 more characters)" in block


def test_a_body_that_is_no_text_is_counted() -> None:
    assert "(4 bytes that are no text)" in made(status=200, content=b"\xff\xfe\x00\x01").text()


def test_an_answer_cannot_forge_a_line_or_move_the_cursor() -> None:
    answer = b"one\r\ntwo\n[cafe0000 create_node] curl\x1b[2J\r\x00 \xc2\x85x"
    fields = (("X-Note", "a\r\n[cafe0000 x] HTTP 200"),)
    block = made(status=200, fields=fields, content=answer).text()
    assert all(line.startswith("[-]") for line in block.split("\n"))
    assert not any(character in block for character in "\x1b\r\x00\x85")


def test_an_answer_that_no_file_could_hold_is_written_all_the_same() -> None:
    fields = (("Content-Type", "application/json"),)
    block = made(status=200, fields=fields, content=b'{"a": "\\ud800"}').text()
    assert "\\ud800" in block
    block.encode()


@pytest.mark.parametrize(
    ("kind", "body", "line"),
    [
        ("application/json", b'{"a": {"b": 1}}', '    "b": 1'),
        ("application/xml", b"<a><b>1</b></a>", "  <b>1</b>"),
    ],
)
def test_a_pretty_answer_is_indented(kind: str, body: bytes, line: str) -> None:
    exchange = made(status=200, fields=(("Content-Type", kind),), content=body)
    assert f"[-] {line}" in exchange.text(pretty=True).split("\n")
    assert f"[-] {line}" not in exchange.text().split("\n")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_certificate_that_is_not_checked_shows_in_the_command(
    login: Login, sandbox: Sandbox, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libcloud.security.VERIFY_SSL_CERT", False)
    with pytest.raises(Exception, match=r"certificate|connect|answer"):
        login("a", "b", ex_endpoint=sandbox.url.replace("http:", "https:"))
    assert all("-k" in words for words in seen.commands())
    assert "failed after" in seen.blocks()[0]
