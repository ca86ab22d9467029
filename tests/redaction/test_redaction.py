from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.redaction import LARGEST, KnownSecrets, Redactor
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


FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(KnownSecrets())


def redacted_body(body: str, kind: str = "application/json", **options: Any) -> str:
    return Redactor(KnownSecrets()).body(body.encode(), kind, **options)


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
def test_secret_in_json_is_hidden_however_deep_it_is(document: Any, pretty: bool) -> None:
    output = redacted_body(json.dumps(document), pretty=pretty)
    assert CANARY not in output
    json.loads(output)
    assert CANARY not in redacted_body(json.dumps({"message": json.dumps(document)}))


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
def test_secret_in_xml_is_hidden(inner: str, depth: int, pretty: bool, spaced: bool) -> None:
    space = ' xmlns="http://example.org/x"' if spaced else ""
    body = f"<root{space}>{'<a>' * depth}{inner}{'</a>' * depth} tail</root>"
    output = redacted_body(body, "application/xml", pretty=pretty)
    assert CANARY not in output
    assert "tail" in output


cut_off = st.builds(
    lambda body, cut: body[:-cut],
    xml_secrets.map("<root>{}</root>".format)
    | named_members.map(lambda document: json.dumps({"a": 1, "b": document})),
    st.integers(1, 30),
)


@given(cut_off)
def test_secret_in_a_document_that_was_cut_off_is_hidden(body: str) -> None:
    for kind in ("application/json", "application/xml", "text/html", "text/plain", ""):
        assert CANARY not in redacted_body(body, kind)


fields = st.lists(st.tuples(plain_names, st.text(max_size=8)), max_size=3)
named_fields = st.builds(lambda n, c: [(n, c)], secret_names, canaries) | st.builds(
    lambda by, n, under, c: [(by, n), (under, c)],
    *(st.sampled_from(["name", "key"]), secret_names, valued, canaries),
)


@given(fields, named_fields, fields)
def test_secret_in_a_form_or_a_query_is_hidden(before: Any, secret: Any, after: Any) -> None:
    redactor = Redactor(KnownSecrets())
    form = urlencode([*before, *secret, *after])
    assert CANARY not in redactor.body(form.encode(), FORM)
    assert CANARY not in redactor.url(f"https://example.org/run?{form}")
    assert CANARY not in redactor.url(f"https://example.org/run#{form}")
    assert CANARY not in redactor.header("Location", f"/run?{form}")


headers = st.sampled_from([
    *("Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"),
    *("nuvla-authn-info", "X-Auth-Token", "X-Api-Key", "X-Auth", "Slipstream-Password"),
])  # fmt: skip


@given(headers | secret_names, canaries)
def test_secret_in_a_header_is_hidden(name: str, canary: str) -> None:
    for value in (canary, f"Basic {canary}", f"a={canary}; b={canary}", f"x; y={canary}"):
        assert CANARY not in Redactor(KnownSecrets()).header(name, value)


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
@pytest.mark.parametrize("user", ["u", ""])
def test_user_in_an_address_is_hidden(redactor: Redactor, scheme: str, user: str) -> None:
    address = f"{scheme}://{user}:{CANARY}@proxy.example.org:3128/x?a=b"
    assert redactor.url(address) == f"{scheme}://***@proxy.example.org:3128/x?a=b"
    text = redactor.text(f"cannot reach {address} today")
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
def test_secret_in_text_that_no_parser_reads_is_hidden(text: str, kind: str) -> None:
    body = text.format(CANARY)
    assert CANARY not in redacted_body(body, kind)
    assert CANARY not in redacted_body(json.dumps({"text": body}))
    assert CANARY not in redacted_body(f"<a>{escape(body)}</a>", "application/xml")


@pytest.mark.parametrize("before", ["", "=", "%3D", "token="])
@pytest.mark.parametrize("secret", [KEY, TOKEN, KEY[:60], "abc234.def567.ghj89k.mnp2qr.stu3vw"])
def test_secret_of_a_known_form_is_hidden(redactor: Redactor, secret: str, before: str) -> None:
    if "." in secret and secret != TOKEN:
        before = ""
    bodies = {
        "text/plain": f"{before}{secret}",
        "application/json": json.dumps({"message": f"made {before}{secret}"}),
        "application/xml": f"<message>{escape(before + secret)}</message>",
        FORM: urlencode({"message": secret}),
    }
    for kind, body in bodies.items():
        output = redacted_body(body, kind)
        assert "MIIG" not in output
        assert secret not in output
    assert secret not in redactor.header("X-Message", f"made {secret}")
    assert secret not in redactor.message(f"made {before}{secret}")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=12))
def test_known_secret_is_hidden_however_it_is_written(secret: str) -> None:
    if len(secret.strip()) < 4 or set("*() \t\n\r") >= set(secret) or secret in "characters":
        return
    secrets = KnownSecrets()
    secrets.keep(secret)
    redactor = Redactor(secrets)
    for way in ways(secret):
        assert way not in redactor.text(f"<< {way} >>")
        assert way not in redactor.message(f"<< {way} >>")


@pytest.mark.parametrize("secret", ["my-password-1", "token", "xSECRETx"])
def test_secret_that_reads_like_a_name_is_hidden(redactor: Redactor, secret: str) -> None:
    entry = "<entry><string>db.password</string><string>{}</string></entry>"
    assert redacted_body(entry.format(secret), "application/xml") == entry.format("***")
    assert secret not in redacted_body(json.dumps({"name": "db.password", "value": secret}))
    assert secret not in redactor.text(f"db.password={secret}").removeprefix("db.password=")


@pytest.mark.parametrize("canary", [CANARY, f'{{"a": "{CANARY}"}}', f"<{CANARY}/>", f'"{CANARY}"'])
@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=UTF-8", ""])
def test_bare_value_of_a_secret_is_hidden(canary: str, kind: str) -> None:
    assert redacted_body(canary, kind, named="machine:password") == "***"


def test_hidden_json_shows_whether_a_secret_is_set() -> None:
    body = '{"password": "", "secret": null, "token": false, "otp": 123456, "pin_pw": "x"}'
    expected = {"password": "", "secret": None, "token": False, "otp": "***", "pin_pw": "***"}
    assert json.loads(redacted_body(body)) == expected
    assert CANARY not in redacted_body(f'{{"password": "{CANARY}", "password": ""}}')


def test_known_code_that_has_become_a_number_is_hidden(redactor: Redactor) -> None:
    redactor.secrets.keep("483920", lasting=False)
    output = redactor.body(b'{"given": 483920, "other": 5}', "application/json")
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
def test_body_that_cannot_be_searched_is_replaced_by_its_length(
    redactor: Redactor, body: bytes, kind: str
) -> None:
    output = redactor.body(body, kind)
    assert output.startswith(f"({len(body)} ")
    assert len(output) < 80


def test_harmless_text_is_unchanged(redactor: Redactor) -> None:
    page = "<html>\r\n<head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>"
    assert redacted_body(page, "text/html") == page
    form = f'<html><hr><form><input name="password" value="{CANARY}"></form></html>'
    assert CANARY not in redacted_body(form, "text/html")
    for text in ("Cannot read apps/x: no such module", "http://127.0.0.1:80/run?limit=5", "a: b"):
        assert redactor.text(text) == text
    for url in (
        "https://nuv.la/run/1/machine:hostname?ignoreabort=true&x=a%20b+c",
        f"http://x/{quote('a b')}",
    ):
        assert redactor.url(url) == url
    document = '{"id": "credential/1", "public-key": "ssh-rsa AAAA", "count": 1.5, "acl": {}}'
    assert json.loads(redacted_body(document)) == json.loads(document)


def test_cookie_keeps_its_name_and_its_attributes(redactor: Redactor) -> None:
    name, attributes = "com.sixsq.slipstream.cookie", "Expires=Sat, 14 Oct 2017 17:07:26 UTC"
    value = f"{name}=token={CANARY};Path=/;{attributes}"
    assert redactor.header("Set-Cookie", value) == f"{name}=***; Path=/; {attributes}"
    assert redactor.header("Cookie", f"a={CANARY}; b={CANARY}") == "a=***; b=***"


@pytest.mark.parametrize(
    ("recognise", "names", "expected"),
    [
        (
            announces_secret,
            ["com.sixsq.cookie", "DB_PASS", "dbPwd", "secretKey", "admin_pw"],
            True,
        ),
        (announces_secret, ["totp.otp", "id_token"], True),
        (announces_secret, ["bypass", "passenger", "public-key", "username", ""], False),
        (announces_secret, ["keep-running"], False),
        (authenticates, ["Nuvla-Authn-Info"], True),
        (authenticates, ["WWW-Authenticate", "Content-Type"], False),
    ],
)
def test_names_of_secrets(recognise: Any, names: list[str], expected: bool) -> None:
    assert {name: recognise(name) for name in names} == dict.fromkeys(names, expected)


def test_known_secrets_are_masked_whole_and_the_latest_of_many_are_kept() -> None:
    secrets = KnownSecrets()
    secrets.keep("abcd", "xxabcdyy", CANARY)
    for value in ("", "abc", None, "   ", 12):  # too short to be told from other text
        secrets.keep(value)
    for number in range(200):
        secrets.keep(f"secret-number-{number}", lasting=False)
    assert secrets.mask("1 xxabcdyy 2 abcd 3 secret-number-199") == "1 *** 2 *** 3 ***"
    assert secrets.mask("secret-number-0 abc 12    x") == "secret-number-0 abc 12    x"
    assert len(secrets._forms) < 1000
    assert CANARY not in repr(secrets) + repr(Redactor(secrets))
    assert Redactor(secrets).url(f"http://[{CANARY}") == "***"


@pytest.mark.parametrize(
    "unit", ["a", "eyJ", "<a ", 'password="a"x ', "-----BEGIN A ", "&a=b", "{"]
)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_strange_body_is_searched_to_its_end(redactor: Redactor, unit: str, kind: str) -> None:
    redactor.secrets.keep(CANARY)
    body = f"{(unit * 50_000)[:50_000]} {CANARY}".encode()
    assert CANARY not in redactor.body(body, kind)
