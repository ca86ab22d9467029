"""Secrets planted anywhere are gone from the file, and the file still replays."""

from __future__ import annotations

import gzip
import json
import string
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vcr.request import Request

from slipstream.testing.cassette_file import FROM_SANDBOX, Header, Interaction
from slipstream.testing.cassettes import MATCHERS, Recording, _scrubbed, replaying
from slipstream.testing.scrubbing import Scrubber, is_placeholder, moved, pretty

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

# A marker that no protocol text contains, and after it whatever a user may type.
secrets = st.text(
    st.sampled_from(string.ascii_letters + string.digits + " !#$%&'()*+,./:;<=>?@[]^`{|}~\"\\é€"),
    min_size=2,
    max_size=20,
).map(lambda tail: f"Zq9{tail.strip()}xQ")
plain_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=10)
secret_names = st.sampled_from(
    [
        *("password", "Password", "secret", "secretKey", "secret-key", "SECRET", "token"),
        *("authnToken", "privateKey", "private-key", "digest", "apiSecret", "com.sixsq.cookie"),
        *("Authorization", "exoscale.password", "ec2.secret.key", "ec2.access.id", "passphrase"),
        "parameter--node--db--root_password",
    ],
)
words = st.sampled_from(["id", "name", "href", "template", "sessionTemplate", "items", "a.b"])
content_types = st.sampled_from(
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", ""]
)
cases = st.sampled_from([str.lower, str.upper, str.title])


def nested(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The leaf at some depth of a JSON document."""
    scalars = st.none() | st.booleans() | st.integers(-9, 9) | plain_text
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(words, inner).map(lambda pair: dict([pair])),
            st.tuples(scalars, inner, scalars).map(list),
            st.tuples(words, inner, scalars).map(lambda t: {t[0]: t[1], "more": t[2]}),
        ),
        max_leaves=5,
    )


def json_with(secret: str, name: str) -> st.SearchStrategy[Any]:
    leaves = [
        {name: secret},
        {name: [{"value": secret}, secret]},
        {"name": name, "value": secret},
        {"type": "password", "value": secret},
        {"config": json.dumps({name: secret})},
        {"url": f"https://x.example/?{quote(name)}={quote(secret, safe='')}"},
    ]
    return nested(st.sampled_from(leaves))


def exchange(
    scrubber: Scrubber,
    *,
    uri: str,
    request_headers: dict[str, str],
    request_body: bytes,
    headers: dict[str, list[str]],
    body: bytes,
) -> tuple[str, Interaction]:
    """Record one request as vcrpy does, save it, and give the file's bytes and its replay."""
    tape = Recording(scrubber=scrubber)
    request = Request("POST", uri, request_body, request_headers)
    sent = _scrubbed(scrubber, request)
    status = {"code": 200, "message": "OK"}
    response = {"status": status, "headers": headers, "body": {"string": body}}
    tape.save_cassette(None, {"requests": [sent], "responses": [response]})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.yaml"
        tape.save(path, HEADER)
        content = path.read_bytes()
        with replaying(path) as replay:
            [interaction] = replay.interactions
            [recorded], _ = replay.load_cassette()
    again = _scrubbed(Scrubber(), _scrubbed(scrubber, request))
    MATCHERS["body"](again, recorded)
    MATCHERS["query"](again, recorded)
    assert again.uri == recorded.uri
    assert (
        Scrubber().body(interaction.response_body, interaction.response_headers)
        == interaction.response_body
    )
    return content.decode(), interaction


def assert_absent(secret: str, text: str) -> None:
    forms = {
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1],
        escape(secret),
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
    }
    for form in forms:
        assert form not in text
    assert "Zq9" not in text


quick = settings(suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@quick
@given(data=st.data(), secret=secrets, name=secret_names, kind=content_types, case=cases)
@pytest.mark.parametrize("packed", [False, True])
def test_a_secret_in_json_of_any_depth_is_gone_from_the_file(
    data: Any, secret: str, name: str, kind: str, case: Callable[[str], str], packed: bool
) -> None:
    document = data.draw(json_with(secret, name))
    body = json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode()
    headers = {case("content-type"): [kind], case("x-token"): [secret]}
    if packed:
        headers[case("content-encoding")] = ["gzip"]
    text, interaction = exchange(
        Scrubber(),
        uri="https://server.example/api/x",
        request_headers={case("content-type"): kind, case("authorization"): secret},
        request_body=body,
        headers=headers,
        body=gzip.compress(body) if packed else body,
    )
    assert_absent(secret, text)
    json.loads(interaction.response_body)


@quick
@given(secret=secrets, name=secret_names, other=plain_text, case=cases, charset=st.booleans())
def test_a_secret_in_a_form_or_a_query_is_gone_from_the_file(
    secret: str, name: str, other: str, case: Callable[[str], str], charset: bool
) -> None:
    form = urlencode({"href": "session-template/internal", "other": other, name: secret})
    kind = "application/x-www-form-urlencoded" + ("; charset=utf-8" if charset else "")
    text, _ = exchange(
        Scrubber(),
        uri=f"https://me:{quote(secret, safe='')}@server.example/api/x?{form}",
        request_headers={case("content-type"): kind},
        request_body=form.encode(),
        headers={case("location"): [f"https://server.example/done?{form}"]},
        body=b"",
    )
    assert_absent(secret, text)


@quick
@given(
    secret=secrets,
    name=secret_names,
    depth=st.integers(0, 4),
    shape=st.integers(0, 7),
    cut=st.booleans(),
)
def test_a_secret_in_xml_is_gone_from_the_file(
    secret: str, name: str, depth: int, shape: int, cut: bool
) -> None:
    tag = "".join(c for c in name if c.isalnum() or c in "._-")
    cdata = f"<![CDATA[{secret}]]>"
    inner = [
        f"<{tag}>{escape(secret)}</{tag}>",
        f"<user {tag}={quoteattr(secret)}/>",
        f'<parameter name="{name}" type="String"><value>{cdata}</value></parameter>',
        f'<parameter name="x" type="Password"><value>{cdata}</value></parameter>',
        f'<runtimeParameter key="machine:{name}" type="String">{cdata}</runtimeParameter>',
        f'<runtimeParameter key="machine:x" type="Password">{cdata}</runtimeParameter>',
        f"<entry><string>{name}</string><string>{escape(secret)}</string></entry>",
        f"<item><note>{name}={cdata}</note></item>" if secret.isalnum() else "<item/>",
    ][shape]
    source = "<a>" * depth + f"<user>{inner}</user>" + "</a>" * depth
    if cut:
        # A map's entry and a note differ from prose in their tags alone.
        source = source[: -3 if shape < 6 else len(source)]
    text, _ = exchange(
        Scrubber(),
        uri="https://server.example/user/x",
        request_headers={"content-type": "application/xml"},
        request_body=source.encode(),
        headers={"content-type": ["application/xml; charset=UTF-8"]},
        body=source.encode(),
    )
    assert_absent(secret, text)


@quick
@given(data=st.data(), secret=secrets)
@example(data=None, secret='Zq9"<&é /xQ')
def test_a_known_secret_is_gone_wherever_it_stands(data: Any, secret: str) -> None:
    scrubber = Scrubber(
        secrets={secret: "recorded-password"},
        names={"marvin.martian": "recorded-user"},
        moved=moved(ENDPOINT, "https://server.example"),
    )
    place = 0 if data is None else data.draw(st.integers(0, 4))
    body, kind = [
        (json.dumps({"note": f"say {secret}!", secret: [secret]}), "application/json"),
        (urlencode({"note": f"say {secret}"}), "application/x-www-form-urlencoded"),
        (f"<note at={quoteattr(secret)}>say {escape(secret)}</note>", "application/xml"),
        (f"say {secret} and {quote(secret, safe='')}", "text/plain"),
        (f"<html><br>say {escape(secret)}", "text/html"),
    ][place]
    text, interaction = exchange(
        scrubber,
        uri=f"{ENDPOINT}/run/{quote(secret, safe='')}?note={quote(secret, safe='')}",
        request_headers={"content-type": kind},
        request_body=body.encode(),
        headers={"content-type": [kind], "location": [f"{ENDPOINT}/user/marvin.martian"]},
        body=body.encode(),
    )
    assert_absent(secret, text)
    assert "54321" not in text
    assert interaction.response_headers["location"] == [
        "https://server.example/user/recorded-user"
    ]


@quick
@given(text=st.text(max_size=60) | json_with("Zq9abcxQ", "token").map(json.dumps))
def test_scrubbing_what_is_scrubbed_changes_nothing(text: str) -> None:
    scrubber = Scrubber(secrets={"hunter2hunter2": "recorded-password"})
    once = scrubber.text(text)
    assert scrubber.text(once) == once


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIGabc\n-----END RSA PRIVATE KEY-----\n",
        "abc234.def567.ghj89k.mnp2qr.stu3vw",
        "AKIAABCDEFGHIJKLMNOP",
    ],
)
def test_a_secret_known_by_its_looks_is_taken_out_of_a_message(secret: str) -> None:
    message = json.dumps({"status": 202, "message": f"made {secret}"})
    text = Scrubber().body(message.encode(), {}).decode()
    assert "SCRUBBED" in json.loads(text)["message"]
    assert secret.strip().splitlines()[0] not in text


def test_the_text_of_a_runtime_parameter_named_a_password_is_gone() -> None:
    headers = {"content-type": ["text/plain; charset=UTF-8"]}
    scrubber = Scrubber()
    assert scrubber.body(b"hunter2", headers, url="/run/1/machine:admin_password") == b"SCRUBBED"
    assert scrubber.body(b"Ready", headers, url="/run/1/ss:state") == b"Ready"


def test_what_a_client_acts_upon_stays() -> None:
    document = {
        "id": "session/5f0c6c1e",
        "count": 1,
        "sessionTemplate": {"href": "session-template/api-key"},
        "status": 201,
        "message": "invalid credentials for 'alice'",
        "clouds": ["exoscale-ch-gva", 1.5, None, True],
    }
    body = Scrubber().body(json.dumps(document).encode(), {})
    assert json.loads(body) == document


def test_xml_without_secrets_stays_as_it_was_written() -> None:
    source = b'<run state="Ready">\n <p name="x"><value><![CDATA[a & b]]></value></p>\n</run>'
    assert Scrubber().body(source, {"content-type": ["application/xml"]}) == source


def test_a_session_cookie_keeps_its_name_and_stays_good() -> None:
    value = "com.sixsq.slipstream.cookie=token=eyJhbGciOi.J9.x;Secure;Path=/;Expires={} UTC"
    headers = {
        "Date": ["Fri, 13 Oct 2017 17:07:26 GMT"],
        "SET-Cookie": [
            value.format("Sat, 14 Oct 2017 17:07:26"),
            value.format("Thu, 12 Oct 2017 17:07:26"),
            "com.sixsq.slipstream.cookie=INVALID;Path=/;Max-Age=0",
        ],
    }
    good, over, gone = Scrubber().response_headers(headers)["set-cookie"]
    assert good == (
        "com.sixsq.slipstream.cookie=SCRUBBED; Secure; Path=/; "
        "Expires=Thu, 31 Dec 2099 23:59:59 UTC"
    )
    assert over.endswith("Expires=Thu, 01 Jan 1970 00:00:00 UTC")
    assert gone == "com.sixsq.slipstream.cookie=INVALID; Path=/; Max-Age=0"


def test_the_end_of_a_session_is_as_far_away_as_that_of_its_cookie() -> None:
    session = {"id": "session/1", "expiry": "2017-10-14T17:07:26.000Z"}
    other = {"id": "credential/1", "expiry": "2017-10-14T17:07:26.000Z"}
    body = json.loads(Scrubber().body(json.dumps([session, other]).encode(), {}))
    assert [document["expiry"][:4] for document in body] == ["2099", "2017"]


def test_only_headers_on_the_list_are_kept() -> None:
    sent = {"Accept": ["*/*"], "User-Agent": ["x"], "Cookie": ["a=b"], "Content-Length": ["7"]}
    assert Scrubber().request_headers(sent) == {"accept": ["*/*"]}
    received = {"Server": ["nginx"], "Retry-After": ["3"], "X-Request-Id": ["1"]}
    assert Scrubber().response_headers(received) == {"retry-after": ["3"]}


def test_a_packing_that_cannot_be_undone_is_refused() -> None:
    with pytest.raises(ValueError, match="compressed as 'zstd'"):
        Scrubber().body(b"x", {"content-encoding": ["zstd"]})


@pytest.mark.parametrize("value", ["abc", "password", "user", "recorded-user"])
def test_credentials_that_are_words_of_the_protocol_are_refused_unnamed(value: str) -> None:
    with pytest.raises(ValueError, match="too short, or a word of the protocol"):
        Scrubber(secrets={value: "recorded-password"})


def test_credentials_do_not_show_in_the_scrubber() -> None:
    assert "hunter2" not in repr(Scrubber(secrets={"hunter2": "recorded-password"}))


@pytest.mark.parametrize(
    "value", ["SCRUBBED", "recorded-user", "credential/00000000-0000-4000-8000-000000000000"]
)
def test_placeholders_are_known_as_such(value: str) -> None:
    assert is_placeholder(value)
    assert not is_placeholder(value + " ")


@pytest.mark.parametrize(
    ("source", "moved_to"),
    [
        ("http://127.0.0.1:54321/run/1", "https://server.example/run/1"),
        (r"http:\/\/127.0.0.1:54321\/run", r"https://server.example\/run"),
        ("u=http%3A%2F%2F127.0.0.1%3A54321%2Fx", "u=https%3A%2F%2Fserver.example%2Fx"),
        ("127.0.0.1:54321", "server.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1:543210/", "http://127.0.0.1:543210/"),
    ],
)
def test_addresses_of_the_server_are_moved_and_no_others(source: str, moved_to: str) -> None:
    result = moved(ENDPOINT, "https://server.example")(source)
    assert result.replace(r":\/\/", "://") == moved_to


def test_the_bare_name_of_a_server_is_moved_but_not_a_longer_name() -> None:
    move = moved("https://slip.acme.ch/ss", "https://server.example/ss")
    assert move("slip.acme.ch and https://slip.acme.ch:443/ss/run") == (
        "server.example and https://server.example/ss/run"
    )
    assert move("my-slip.acme.ch slip.acme.ch.evil") == "my-slip.acme.ch slip.acme.ch.evil"


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hunter2", "cut": ',
        '{\\"password\\": \\"hunter2\\"',
        "password = hunter2, and so on",
        "Authorization: hunter2",
        "<html><input type=password name=x value='hunter2'><p>",
        "<html><input name='csrf-token' value='hunter2'><p>",
        "<user><password>hunter2</pass",
        "redirect to session/1?token=hunter2&x=1 please",
    ],
)
def test_text_that_no_parser_reads_is_scrubbed_all_the_same(text: str) -> None:
    scrubbed = Scrubber().text(text)
    assert "hunter2" not in scrubbed
    assert Scrubber().text(scrubbed) == scrubbed


def test_long_answers_are_scrubbed_to_their_end() -> None:
    for text in ("x" * 300_000, "password" * 30_000, " " * 300_000, '"' * 100_000):
        assert "hunter2" not in Scrubber().text(f"{text} password=hunter2")


@quick
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | plain_text,
        lambda inner: st.lists(inner) | st.dictionaries(plain_text, inner),
    )
)
def test_pretty_json_reads_back_as_it_was(document: Any) -> None:
    assert json.loads(pretty(document)) == document


def test_pretty_json_has_one_line_for_what_fits_into_one() -> None:
    rules = [{"principal": "ADMIN", "type": "ROLE", "right": "ALL"}] * 3
    lines = pretty({"acl": {"rules": rules}}).splitlines()
    assert len(lines) == 9
    assert max(map(len, lines)) < 97
