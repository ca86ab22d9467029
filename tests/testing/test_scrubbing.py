"""Secrets planted anywhere are gone from the file, and the file still replays."""

from __future__ import annotations

import gzip
import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vcr.request import Request  # type: ignore[import-untyped]

from slipstream.testing.cassette_file import FROM_SANDBOX, Header, Interaction
from slipstream.testing.cassettes import MATCHERS, Recording, _scrubbed, replaying
from slipstream.testing.scrubbing import CREDENTIALS, Scrubber, is_placeholder, moved

ENDPOINT = "http://127.0.0.1:54321"
HEADER = Header(
    scenario="a.b",
    origin="o-1",
    kind=FROM_SANDBOX,
    server="SlipStream",
    version="1",
    date="2026-01-01",
    library="l 1",
    endpoint="https://server.example",
    credentials=("username", "password"),
)

MARK = "Zq9"
"""Letters that no protocol text contains, and that every notation of a secret keeps."""

secrets = st.text(
    st.sampled_from(string.ascii_letters + string.digits + " !#$%&'()*+,./:;<=>?@[]^`{|}~\"\\é€"),
    min_size=2,
    max_size=20,
).map(lambda tail: f"{MARK}{tail.strip()}xQ")
secret_names = st.sampled_from(
    ["password", "secretKey", "AUTHORIZATION", "private-key", "com.sixsq.cookie", "ec2.access.id"]
)
FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "application/xml"


def bodies_with(secret: str, name: str) -> list[tuple[str, str]]:
    """Bodies that hold a secret under a name, each with its type; tests/redaction has more."""
    documents = [
        {"items": [{name: [{"value": secret}, secret]}], "config": json.dumps({name: secret})},
        {"name": name, "value": secret, "more": None},
        {"type": "password", "value": secret},
        {"url": f"https://x.example/?{quote(name)}={quote(secret, safe='')}"},
    ]
    elements = (
        f"<{name}>{escape(secret)}</{name}>"
        f'<parameter name="{name}" type="String"><value><![CDATA[{secret}]]></value></parameter>'
        f'<runtimeParameter key="x" type="Password"><![CDATA[{secret}]]></runtimeParameter>'
    )
    entry = f"<entry><string>{name}</string><string>{escape(secret)}</string></entry>"
    return [
        (json.dumps(documents), JSON),
        (json.dumps(documents, ensure_ascii=False), ""),
        (f"<a><user>{elements}{entry}</user></a>", XML),
        (f"<a><user>{elements}</us", f"{XML}; charset=UTF-8"),
        (urlencode({"href": "internal", name: secret}), f"{FORM}; charset=utf-8"),
    ]


def record(
    folder: Path,
    scrubber: Scrubber,
    uri: str,
    body: str,
    sent: dict[str, str],
    received: dict[str, list[str]],
) -> tuple[str, Interaction]:
    """Record one request as vcrpy does, save it, and give the file's text and its replay."""
    tape = Recording(scrubber=scrubber)
    request = Request("POST", uri, body.encode(), sent)
    packed = any(name.lower() == "content-encoding" for name in received)
    content = gzip.compress(body.encode()) if packed else body.encode()
    response = {"status": {"code": 200, "message": "OK"}, "headers": received}
    response["body"] = {"string": content}
    requests = [_scrubbed(scrubber, request)]
    tape.save_cassette(None, {"requests": requests, "responses": [response]})
    path = folder / "c.yaml"
    tape.save(path, HEADER)
    with replaying(path) as replay:
        [interaction] = replay.interactions
        [recorded], _ = replay.load_cassette()
    again = _scrubbed(Scrubber(), _scrubbed(scrubber, request))
    MATCHERS["body"](again, recorded)
    MATCHERS["query"](again, recorded)
    assert again.uri == recorded.uri
    body_again = Scrubber().body(interaction.response_body, interaction.response_headers)
    assert body_again == interaction.response_body
    return path.read_text(), interaction


quick = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@quick
@given(
    data=st.data(),
    secret=secrets,
    name=secret_names,
    case=st.sampled_from([str.lower, str.upper, str.title]),
)
@pytest.mark.parametrize("packed", [False, True])
def test_secret_under_a_name_is_gone_from_the_file(
    data: Any, secret: str, name: str, case: Callable[[str], str], packed: bool, tmp_path: Path
) -> None:
    body, kind = data.draw(st.sampled_from(bodies_with(secret, name)))
    query = urlencode({"other": "x", name: secret})
    headers = {case("content-type"): [kind], case("x-token"): [secret]}
    headers[case("location")] = [f"https://server.example/done?{query}"]
    if packed:
        headers[case("content-encoding")] = ["gzip"]
    text, interaction = record(
        tmp_path,
        Scrubber(),
        f"https://me:{quote(secret, safe='')}@server.example/api/x?{query}",
        body,
        {case("content-type"): kind, case("authorization"): secret},
        headers,
    )
    assert MARK not in text
    if kind in {JSON, ""}:
        json.loads(interaction.response_body)


@quick
@given(data=st.data(), secret=secrets)
@example(data=None, secret='Zq9"<&é /xQ')
def test_known_secret_is_gone_from_the_file(data: Any, secret: str, tmp_path: Path) -> None:
    scrubber = Scrubber(
        secrets={secret: "recorded-password"},
        names={"marvin.martian": "recorded-user"},
        moved=moved(ENDPOINT, "https://server.example"),
    )
    bodies = [
        (json.dumps({"note": f"say {secret}!", secret: [secret]}), JSON),
        (urlencode({"note": f"say {secret}"}), FORM),
        (f"<note at={quoteattr(secret)}>say {escape(secret)}</note>", XML),
        (f"say {secret} and {quote(secret, safe='')}", "text/plain"),
        (f"<html><br>say {escape(secret)}", "text/html"),
    ]
    body, kind = data.draw(st.sampled_from(bodies)) if data else bodies[0]
    text, interaction = record(
        tmp_path,
        scrubber,
        f"{ENDPOINT}/run/{quote(secret, safe='')}?note={quote(secret, safe='')}",
        body,
        {"content-type": kind},
        {"content-type": [kind], "location": [f"{ENDPOINT}/user/marvin.martian"]},
    )
    assert MARK not in text
    assert "54321" not in text
    location = "https://server.example/user/recorded-user"
    assert interaction.response_headers["location"] == [location]


def test_recording_replays_under_another_address(tmp_path: Path) -> None:
    location = {"location": ["https://server.example/run/1"]}
    sent = {"content-type": "text/plain", "accept": "*/*"}
    record(
        tmp_path, Scrubber(), "https://server.example/run", "see server.example", sent, location
    )
    with replaying(tmp_path / "c.yaml", endpoint=ENDPOINT) as replay:
        body = f"see {ENDPOINT.removeprefix('http://')}"
        response = requests.post(f"{ENDPOINT}/run", body, headers=sent)
    assert (response.headers["location"], response.text) == (f"{ENDPOINT}/run/1", body)
    assert replay.unused() == []


@quick
@given(text=st.text(max_size=60))
@example(text='{"a": {"token": "Zq9abcxQ"}}')
@example(text="<html><input name='csrf-token' value='hunter2'><p>")
@example(text="made eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")
@example(text="mail me@sixsq.com, password = hunter2, and so on")
def test_text_that_is_scrubbed_is_not_changed_again(text: str) -> None:
    scrubber = Scrubber(secrets={"hunter2hunter2": "recorded-password"})
    scrubbed = scrubber.text(text)
    assert scrubber.text(scrubbed) == scrubbed
    for secret in ("Zq9", "hunter2", "eyJ", "me@"):
        assert secret not in scrubbed


def test_text_of_a_runtime_parameter_named_a_password_is_gone() -> None:
    headers = {"content-type": ["text/plain; charset=UTF-8"]}
    url = "https://server.example/run/1/machine:admin_password?_=1"
    assert Scrubber().body(b"hunter2", headers, url=url) == b"SCRUBBED"
    assert Scrubber().body(b"Ready", headers, url="/run/1/ss:state") == b"Ready"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{\n "message": "invalid credentials for alice",\n "n": 1.5,\n "ok": true\n}', JSON),
        ('{\n "href": "session-template/api-key",\n "id": "session/5f0"\n}', JSON),
        ('<run state="Ready">\n <p name="x"><value><![CDATA[a & b]]></value></p>\n</run>', XML),
    ],
)
def test_body_without_secrets_stays_as_it_is(body: str, kind: str) -> None:
    assert Scrubber().body(body.encode(), {"content-type": [kind]}).decode() == body


def test_session_cookie_keeps_its_name_and_does_not_expire() -> None:
    value = "com.sixsq.slipstream.cookie=token=eyJ;Secure;Domain=acme.ch;Path=/;Expires={} UTC"
    headers = {
        "Date": ["Fri, 13 Oct 2017 17:07:26 GMT"],
        "SET-Cookie": [
            value.format("Sat, 14 Oct 2017 17:07:26"),
            value.format("Thu, 12 Oct 2017 17:07:26"),
            "com.sixsq.slipstream.cookie=INVALID;Path=/;Max-Age=0",
        ],
    }
    attributes = "com.sixsq.slipstream.cookie=SCRUBBED; Secure; Path=/; Expires="
    assert Scrubber().response_headers(headers)["set-cookie"] == [
        f"{attributes}Thu, 31 Dec 2099 23:59:59 UTC",
        f"{attributes}Thu, 01 Jan 1970 00:00:00 UTC",
        "com.sixsq.slipstream.cookie=INVALID; Path=/; Max-Age=0",
    ]
    session = {"id": "session/1", "expiry": "2017-10-14T17:07:26.000Z"}
    other = {"id": "credential/1", "expiry": "2017-10-14T17:07:26.000Z"}
    body = json.loads(Scrubber().body(json.dumps([session, other]).encode(), {}))
    assert [document["expiry"][:4] for document in body] == ["2099", "2017"]


def test_only_headers_on_the_list_are_kept() -> None:
    sent = {"Accept": ["*/*"], "User-Agent": ["x"], "Cookie": ["a=b"], "Content-Length": ["7"]}
    assert Scrubber().request_headers(sent) == {"accept": ["*/*"]}
    received = {"Server": ["nginx"], "Retry-After": ["3"], "X-Request-Id": ["1"]}
    assert Scrubber().response_headers(received) == {"retry-after": ["3"]}
    with pytest.raises(ValueError, match="compressed as 'zstd'"):
        Scrubber().body(b"x", {"content-encoding": ["zstd"]})


@pytest.mark.parametrize("value", ["ab", "password", "user", "recorded-user"])
@pytest.mark.parametrize("kind", ["secrets", "names"])
def test_credentials_that_are_words_of_the_protocol_are_refused_unnamed(
    value: str, kind: str
) -> None:
    scrubber: Any = Scrubber
    with pytest.raises(ValueError, match="too short, or a word of the protocol"):
        scrubber(**{kind: {value: "recorded-password"}})


def test_names_are_replaced_as_words_by_placeholders() -> None:
    names = Scrubber(names={"alice": "recorded-user"})
    assert names.text("alice, malice") == "recorded-user, malice"
    assert "hunter2" not in repr(Scrubber(secrets={"hunter2": "recorded-password"}))
    for placeholder in CREDENTIALS.values():
        assert is_placeholder(placeholder)
        assert not is_placeholder(placeholder + " ")


NAMED = "https://slip.acme.ch/ss"


@pytest.mark.parametrize(
    ("server", "text", "expected"),
    [
        (ENDPOINT, "http://127.0.0.1:54321/run/1", "https://server.example/run/1"),
        (ENDPOINT, r"http:\/\/127.0.0.1:54321\/run", r"https:\/\/server.example\/run"),
        (ENDPOINT, "http%3A%2F%2F127.0.0.1%3A54321%2Fx", "https%3A%2F%2Fserver.example%2Fx"),
        (ENDPOINT, "127.0.0.1:54321", "server.example"),
        (ENDPOINT, "127.0.0.1", "127.0.0.1"),
        (ENDPOINT, "http://127.0.0.1:543210/", "http://127.0.0.1:543210/"),
        (
            NAMED,
            "slip.acme.ch, https://slip.acme.ch:443/",
            "server.example, https://server.example/",
        ),
        (NAMED, "my-slip.acme.ch slip.acme.ch.evil", "my-slip.acme.ch slip.acme.ch.evil"),
    ],
)
def test_addresses_of_the_server_are_moved_and_no_others(
    server: str, text: str, expected: str
) -> None:
    assert moved(server, "https://server.example")(text) == expected


def test_json_is_broken_into_lines() -> None:
    rules = {"acl": [{"right": "ALL", "owner": "é"}]}
    lines = Scrubber().body(json.dumps(rules).encode(), {}).decode().splitlines()
    assert lines[3:5] == ['   "right": "ALL",', '   "owner": "é"']
