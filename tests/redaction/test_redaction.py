from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.redaction import LARGEST, Redactor
from slipstream.redaction.secrets import KnownSecrets
from slipstream.values.plain import announces_secret, authenticates

from .support import ways

CANARY = "zQcanaryQz"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIG\nabcd\n-----END RSA PRIVATE KEY-----\n"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJ1c2VyIjoiYWxpY2UifQ.c2lnbmF0dXJl"

words = st.sampled_from(["db", "root", "Api", "cloud", "x1", "exoscale-ch-gva", "my"])
announcers = st.sampled_from([
    *("password", "Passwd", "passphrase", "secret", "SECRET", "private-key", "token", "cookie"),
    *("api-key", "apiKey", "access.key", "authorization", "access.id", "accessToken"),
])  # fmt: skip
separators = st.sampled_from(["", "_", "-", ".", "--"])
secret_names = st.builds("{}{}{}".format, words, separators, announcers) | announcers
plain_names = st.sampled_from(["title", "size", "items", "data", "state", "description", "a b"])
canaries = st.sampled_from(
    [CANARY, f"{CANARY} &<\"'>é\\", f"\n{CANARY};,{{}}[]=:", f"'{CANARY}\""]
)
harmless = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
naming = st.sampled_from(["name", "key", "id", "parameter", "Name"])
valued = st.sampled_from(["value", "default", "defaultValue", "initialValue", "initial-value"])


def fresh() -> Redactor:
    return Redactor(KnownSecrets())


@pytest.fixture
def redactor() -> Redactor:
    return fresh()


def wrapped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Documents that hold something at whatever depth, under harmless names."""
    return st.recursive(
        inner,
        lambda deeper: (
            st.builds(
                lambda name, it, others: {**others, name: it},
                plain_names,
                deeper,
                st.dictionaries(plain_names, harmless, max_size=2),
            )
            | st.builds(lambda it, others: [*others, it], deeper, st.lists(harmless, max_size=2))
        ),
        max_leaves=6,
    )


def hidden_value(canary: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([canary, [canary], {"x": {"y": [1, canary]}}, [{"value": canary}]])


named_members = st.builds(
    lambda name, value: {name: value}, secret_names, canaries.flatmap(hidden_value)
)
named_pairs = st.builds(
    lambda by, name, under, value: {by: name, "type": "String", under: value},
    naming,
    secret_names,
    valued,
    canaries.flatmap(hidden_value),
)


@given(wrapped(named_members | named_pairs), st.booleans())
def test_a_secret_in_json_never_shows_however_deep_it_is(document: Any, pretty: bool) -> None:
    body = json.dumps(document).encode()
    output = fresh().body(body, "application/json", pretty=pretty)
    assert CANARY not in output
    json.loads(output)


@given(wrapped(named_members | named_pairs))
def test_json_inside_a_text_inside_json_is_searched_too(document: Any) -> None:
    body = json.dumps({"message": json.dumps(document)}).encode()
    assert CANARY not in fresh().body(body, "application/json")


@given(named_members, st.integers(1, 40))
def test_json_that_was_cut_off_shows_no_secret(document: Any, cut: int) -> None:
    body = json.dumps({"a": 1, "b": document})[:-cut].encode()
    for kind in ("application/json", "text/plain", ""):
        assert CANARY not in fresh().body(body, kind)


def element(tag: str, attributes: dict[str, str], inner: str) -> str:
    return (
        f"<{tag} {' '.join(f'{n}={quoteattr(v)}' for n, v in attributes.items())}>{inner}</{tag}>"
    )


def text_of(canary: str, cdata: bool) -> str:
    return f"<![CDATA[{canary}]]>" if cdata else escape(canary)


xml_names = secret_names.filter(lambda name: name[0].isalpha())
naming_attributes = st.sampled_from(["name", "key"])


def entry(name: str, canary: str, name_last: bool) -> str:
    inner = [f"<string>{name}</string>", f"<it>{escape(canary)}</it>"]
    return f"<entry>{''.join(reversed(inner) if name_last else inner)}</entry>"


xml_secrets = st.one_of(
    st.builds(lambda n, c, d: element(n, {}, text_of(c, d)), xml_names, canaries, st.booleans()),
    st.builds(lambda n, c: element("user", {"a": "b", n: c}, ""), xml_names, canaries),
    st.builds(
        lambda by, n, c, d: element("parameter", {by: n}, element("value", {}, text_of(c, d))),
        *(naming_attributes, secret_names, canaries, st.booleans()),
    ),
    st.builds(
        lambda by, n, c, d: element("runtimeParameter", {by: n}, text_of(c, d)),
        *(naming_attributes, secret_names, canaries, st.booleans()),
    ),
    st.builds(
        lambda n, under, c: element("parameter", {"name": n, under: c}, ""),
        *(secret_names, st.sampled_from(["value", "default", "defaultValue"]), canaries),
    ),
    st.builds(
        lambda c: element("p", {"type": "Password"}, f"<value>{escape(c)}</value>"), canaries
    ),
    st.builds(entry, secret_names, canaries, st.booleans()),
)


@given(xml_secrets, st.integers(0, 5), st.booleans(), st.booleans())
def test_a_secret_in_xml_never_shows(inner: str, depth: int, pretty: bool, spaced: bool) -> None:
    space = ' xmlns="http://example.org/x"' if spaced else ""
    body = f"<root{space}>{'<a>' * depth}{inner}{'</a>' * depth} tail</root>"
    output = fresh().body(body.encode(), "application/xml", pretty=pretty)
    assert CANARY not in output
    assert "tail" in output


@given(xml_secrets, st.integers(1, 30))
def test_xml_that_was_cut_off_shows_no_secret(inner: str, cut: int) -> None:
    body = f"<root>{inner}</root>"[:-cut].encode()
    for kind in ("application/xml", "text/html", "text/plain", ""):
        assert CANARY not in fresh().body(body, kind)


fields = st.lists(st.tuples(plain_names, st.text(max_size=8)), max_size=3)


@given(fields, secret_names, canaries, fields)
def test_a_secret_in_a_form_or_a_query_never_shows(
    before: list[tuple[str, str]], name: str, canary: str, after: list[tuple[str, str]]
) -> None:
    form = urlencode([*before, (name, canary), *after])
    kind = "application/x-www-form-urlencoded"
    assert CANARY not in fresh().body(form.encode(), kind)
    assert CANARY not in fresh().url(f"https://example.org/run?{form}")
    assert CANARY not in fresh().url(f"https://example.org/run#{form}")
    assert CANARY not in fresh().header("Location", f"/run?{form}")


@given(st.sampled_from(["name", "key"]), secret_names, valued, canaries)
def test_a_field_named_by_another_field_never_shows(
    by: str, name: str, under: str, canary: str
) -> None:
    form = urlencode({by: name, under: canary})
    assert CANARY not in fresh().body(form.encode(), "application/x-www-form-urlencoded")


headers = st.sampled_from([
    *("Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"),
    *("nuvla-authn-info", "X-Auth-Token", "X-Api-Key", "X-Auth", "Slipstream-Password"),
])  # fmt: skip


@given(headers | secret_names, canaries)
def test_a_secret_in_a_header_never_shows(name: str, canary: str) -> None:
    for value in (canary, f"Basic {canary}", f"a={canary}; b={canary}", f"x; y={canary}"):
        assert CANARY not in fresh().header(name, value)


@given(st.sampled_from(["http", "https", "socks5"]), st.sampled_from(["u", ""]))
def test_the_user_in_an_address_never_shows(scheme: str, user: str) -> None:
    address = f"{scheme}://{user}:{CANARY}@proxy.example.org:3128/x?a=b"
    assert fresh().url(address) == f"{scheme}://***@proxy.example.org:3128/x?a=b"
    text = fresh().text(f"cannot reach {address} today")
    assert CANARY not in text
    assert "proxy.example.org" in text


texts = [
    "DB_PASSWORD={}",
    "export DB_PASSWORD='{}' x",
    "see https://x.example.org/?token={}&b=1",
    "services:\n  db:\n    environment:\n      DB_PASSWORD: {}\n",
    "- name: DB_PASSWORD\n  value: {}\n",
    "password: |\n  first line\n  {}\n",
    "secrets:\n  db:\n    text: {}\n",
    "mysql --password {} -u root",
    '({{:path [:template] :val {{:href "x", :password "{}"}}}})',
    'expected "password": "{}", got nothing',
    "Authorization: Bearer {}",
]


@pytest.mark.parametrize("text", texts)
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "text/html", ""])
def test_a_secret_in_text_that_no_parser_reads_never_shows(
    redactor: Redactor, text: str, kind: str
) -> None:
    body = text.format(CANARY)
    assert CANARY not in redactor.body(body.encode(), kind)
    assert CANARY not in redactor.body(json.dumps({"text": body}).encode(), "application/json")
    assert CANARY not in redactor.body(f"<a>{escape(body)}</a>".encode(), "application/xml")


@pytest.mark.parametrize("before", ["", "=", "%3D", "token="])
@pytest.mark.parametrize("secret", [KEY, TOKEN, KEY[:60], "abc234.def567.ghj89k.mnp2qr.stu3vw"])
def test_what_is_a_secret_by_its_looks_never_shows(
    redactor: Redactor, secret: str, before: str
) -> None:
    if "." in secret and secret != TOKEN:
        before = ""
    bodies = {
        "text/plain": f"{before}{secret}",
        "application/json": json.dumps({"message": f"made {before}{secret}"}),
        "application/xml": f"<message>{escape(before + secret)}</message>",
        "application/x-www-form-urlencoded": urlencode({"message": secret}),
    }
    for kind, body in bodies.items():
        output = redactor.body(body.encode(), kind)
        assert "MIIG" not in output
        assert secret not in output
    assert secret not in redactor.header("X-Message", f"made {secret}")
    assert secret not in redactor.said(f"made {before}{secret}")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=12))
def test_a_secret_that_is_known_never_shows_however_it_is_written(secret: str) -> None:
    if len(secret.strip()) < 4 or set("*() \t\n\r") >= set(secret) or secret in "characters":
        return
    known = KnownSecrets()
    known.keep(secret)
    redactor = Redactor(known)
    for way in ways(secret):
        assert way not in redactor.text(f"<< {way} >>")
        assert way not in redactor.said(f"<< {way} >>")


@pytest.mark.parametrize("secret", ["my-password-1", "token", "xSECRETx"])
def test_a_secret_that_reads_like_a_name_never_shows(redactor: Redactor, secret: str) -> None:
    entry = f"<entry><string>db.password</string><string>{secret}</string></entry>"
    output = redactor.body(entry.encode(), "application/xml")
    assert output == "<entry><string>db.password</string><string>***</string></entry>"
    pair = json.dumps({"name": "db.password", "value": secret})
    assert secret not in redactor.body(pair.encode(), "application/json")
    assert secret not in redactor.text(f"db.password={secret}").removeprefix("db.password=")


@pytest.mark.parametrize("canary", [CANARY, f'{{"a": "{CANARY}"}}', f"<{CANARY}/>", f'"{CANARY}"'])
@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=UTF-8", ""])
def test_the_bare_value_of_something_whose_name_announces_a_secret_never_shows(
    redactor: Redactor, canary: str, kind: str
) -> None:
    assert redactor.body(canary.encode(), kind, named="machine:password") == "***"


def test_a_secret_in_json_shows_whether_it_is_set_but_not_its_length(redactor: Redactor) -> None:
    body = b'{"password": "", "secret": null, "token": false, "otp": 123456, "pin_pw": "x"}'
    document = json.loads(redactor.body(body, "application/json"))
    expected = {"password": "", "secret": None, "token": False, "otp": "***", "pin_pw": "***"}
    assert document == expected
    twice = f'{{"password": "{CANARY}", "password": ""}}'.encode()
    assert CANARY not in redactor.body(twice, "application/json")


def test_a_code_that_has_become_a_number_is_still_known() -> None:
    known = KnownSecrets()
    known.keep("483920", lasting=False)
    output = Redactor(known).body(b'{"given": 483920, "other": 5}', "application/json")
    assert json.loads(output) == {"given": "***", "other": 5}


@pytest.mark.parametrize(
    "body",
    [
        *(b"\xff\xfe\x00", b"[" * 100_000, b"<a>" * 100_000, b'{"a": ', b"<a>&undefined;</a>"),
        *(b"<a", b"x" * (LARGEST + 1), b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    ],
    ids=len,
)
@pytest.mark.parametrize("kind", ["application/json", "application/xml"])
def test_a_body_that_cannot_be_searched_is_replaced_by_its_length(
    redactor: Redactor, body: bytes, kind: str
) -> None:
    output = redactor.body(body, kind)
    assert output.startswith(f"({len(body)} ")
    assert len(output) < 80


def test_a_page_of_a_front_server_shows_and_a_form_to_log_in_does_not(redactor: Redactor) -> None:
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>"
    assert redactor.body(page, "text/html") == page.decode()
    form = b'<html><hr><form><input name="password" value="zQcanaryQz"></form></html>'
    assert CANARY not in redactor.body(form, "text/html")


def test_what_is_no_secret_stays_as_it_is(redactor: Redactor) -> None:
    for text in ("Cannot read apps/x: no such module", "http://127.0.0.1:80/run?limit=5", "a: b"):
        assert redactor.text(text) == text
    url = "https://nuv.la/run/1/machine:hostname?ignoreabort=true&x=a%20b+c"
    assert redactor.url(url) == url
    document = b'{"id": "credential/1", "public-key": "ssh-rsa AAAA", "count": 1.5, "acl": {}}'
    assert json.loads(redactor.body(document, "application/json")) == json.loads(document)


def test_a_cookie_keeps_its_name_and_its_attributes(redactor: Redactor) -> None:
    value = (
        f"com.sixsq.slipstream.cookie=token={CANARY};Path=/;Expires=Sat, 14 Oct 2017 17:07:26 UTC"
    )
    assert redactor.header("Set-Cookie", value) == (
        "com.sixsq.slipstream.cookie=***; Path=/; Expires=Sat, 14 Oct 2017 17:07:26 UTC"
    )
    assert redactor.header("Cookie", f"a={CANARY}; b={CANARY}") == "a=***; b=***"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("com.sixsq.cookie", "DB_PASS", "dbPwd", "secretKey")),
        *((name, True) for name in ("totp.otp", "id_token", "admin_pw")),
        *((name, False) for name in ("bypass", "passenger", "public-key", "username", "")),
        ("keep-running", False),
    ],
)
def test_announces_secret(name: str, expected: bool) -> None:
    assert announces_secret(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Nuvla-Authn-Info", True), ("WWW-Authenticate", False), ("Content-Type", False)],
)
def test_authenticates(name: str, expected: bool) -> None:
    assert authenticates(name) is expected


def test_a_secret_inside_a_longer_one_leaves_no_rest() -> None:
    known = KnownSecrets()
    known.keep("abcd", "xxabcdyy")
    assert known.mask("1 xxabcdyy 2 abcd 3") == "1 *** 2 *** 3"


def test_only_the_latest_of_many_secrets_are_kept_but_those_to_log_in_with_for_good() -> None:
    known = KnownSecrets()
    known.keep("to-log-in")
    for number in range(200):
        known.keep(f"secret-number-{number}", lasting=False)
    assert known.mask("to-log-in secret-number-199") == "*** ***"
    assert known.mask("secret-number-0") == "secret-number-0"
    assert len(known._written) < 1000


@pytest.mark.parametrize("value", ["", "abc", None, "   ", 12])
def test_a_value_too_short_to_be_told_from_other_text_is_not_masked(value: Any) -> None:
    known = KnownSecrets()
    known.keep(value)
    assert known.mask("abc 12    x") == "abc 12    x"


def test_known_secrets_do_not_show_in_a_repr(redactor: Redactor) -> None:
    redactor.known.keep(CANARY)
    assert CANARY not in repr(redactor.known) + repr(redactor)
    assert redactor.url(f"http://[{CANARY}") == "***"
    assert redactor.url(f"http://x/{quote('a b')}") == "http://x/a%20b"


@pytest.mark.parametrize(
    "unit", ["a", "eyJ", "<a ", 'password="a"x ', "-----BEGIN A ", "&a=b", "{"]
)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_strange_answer_is_searched_to_its_end(redactor: Redactor, unit: str, kind: str) -> None:
    redactor.known.keep(CANARY)
    body = f"{(unit * 50_000)[:50_000]} {CANARY}".encode()
    assert CANARY not in redactor.body(body, kind)
