from __future__ import annotations

import json

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.xml import Element, entries


def test_xml_is_indented_by_three_spaces_and_leaves_nothing_out_but_none() -> None:
    found = Element(
        "run",
        {"tags": "", "state": None, "mutable": False, "version": 4},
        [None, Element("a", text="x<&"), Element("b", children=[Element("c")])],
    )
    assert found.xml() == (
        '<run tags="" mutable="false" version="4">\n'
        "   <a>x&lt;&amp;</a>\n"
        "   <b>\n"
        "      <c/>\n"
        "   </b>\n"
        "</run>"
    )


def test_marked_text_stands_in_cdata_even_if_it_is_empty() -> None:
    assert Element("a", text="", cdata=True).xml() == "<a><![CDATA[]]></a>"
    assert Element("a", text="]]>", cdata=True).xml() == "<a><![CDATA[]]]]><![CDATA[>]]></a>"


def test_attributes_survive_quotes_lines_and_what_xml_has_no_sign_for() -> None:
    assert Element("a", {"b": "'\"\n<\x00"}).xml() == '<a b="&apos;&quot;&#10;&lt;"/>'


def test_json_changes_shape_with_the_number_of_children_and_guesses_numbers() -> None:
    def parent(*children: Element) -> Element:
        return Element("p", {"version": "478", "on": "true", "x": "04", "f": "1.5"}, [*children])

    one, two = Element("item", {"a": "b"}), Element("item", text="3")
    base = {"version": 478, "on": True, "x": "04", "f": 1.5}
    assert parent().json() == base
    assert parent(one).json() == {**base, "item": {"a": "b"}}
    assert parent(one, two, two).json() == {**base, "item": [{"a": "b"}, 3, 3]}
    assert Element("v", {"a": "b"}, text="t").json() == {"a": "b", "content": "t"}
    assert Element("empty").json() == ""


def test_a_map_is_a_list_of_entries() -> None:
    found = entries([("k", Element("v"))], cdata=True)[0]
    assert found.json() == {"string": "k", "v": ""}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/xml", "application/xml"),
        ("text/plain", "text/plain"),
        ("text/xml", "application/xml"),
        ("image/png", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html,application/xml;q=0.5", "text/html"),
        ("text/html;q=0.5,application/xml", "application/xml"),
    ],
)
def test_the_variant_follows_accept_and_is_never_refused(
    alice: Client, accept: str, kind: str
) -> None:
    answer = alice.get("/run", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)


def test_the_variant_can_be_asked_for_in_the_address(alice: Client) -> None:
    assert alice.get("/run?media=json").json() == {
        "runs": {"offset": 0, "limit": 20, "count": 0, "totalCount": 0}
    }
    answer = alice.get("/run?media=xml", headers={"Accept": "text/html"})
    assert answer.text.startswith("<runs ")
    assert alice.get("/run.xml").text.startswith("<runs ")


@pytest.mark.parametrize("path", ["/user/alice"])
def test_some_documents_have_no_json(alice: Client, path: str) -> None:
    answer = alice.get(path, headers={"Accept": "application/json"})
    assert answer.text.startswith("<")


def test_an_error_names_its_status_reason_and_detail(alice: Client) -> None:
    answer = alice.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.text == (
        '<error code="404" reason="Not Found" detail="The server has not found anything matching '
        'the request URI" specificationUri="http://www.w3.org/Protocols/rfc2616/'
        'rfc2616-sec10.html#sec10.4.5">\n'
        "The server has not found anything matching the request URI\n"
        "</error>"
    )


def test_an_error_follows_accept_and_is_html_for_anything(alice: Client) -> None:
    shown = {
        accept: alice.get("/nothing", headers={"Accept": accept})
        for accept in ("*/*", "text/plain", "application/json", "application/xhtml+xml")
    }
    assert shown["*/*"].text.startswith("<!DOCTYPE html>")
    assert shown["application/xhtml+xml"].text.startswith("<!DOCTYPE html>")
    assert shown["text/plain"].text.startswith("404 - Not Found\nThe server has not found")
    assert shown["application/json"].json()["error"]["code"] == "404"


def test_a_quote_in_a_message_breaks_the_json_of_an_error(alice: Client) -> None:
    answer = alice.post("/run", data={"refqname": 'a"b'}, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_wrong_method_is_not_allowed(alice: Client) -> None:
    assert alice.refused("POST", "/appstore")[0] == 405
    assert alice.refused("PUT", "/run/x")[0] == 405
    assert alice.put("/run").headers["Allow"] == "GET, POST"


def test_a_post_can_name_another_method_but_not_to_the_json_side(alice: Client) -> None:
    uuid = alice.deploy("apps/WordPress/wordpress")
    assert alice.post(f"/run/{uuid}?method=delete").status_code == 409
    assert alice.post("/api/event?method=get", json={}).status_code == 501


@pytest.mark.parametrize("accept", ["application/xml", "text/plain", "application/json", "*/*"])
def test_without_a_login_programs_get_401_and_lose_their_cookie(
    nobody: Client, accept: str
) -> None:
    answer = nobody.get("/run", headers={"Accept": accept})
    assert answer.status_code == 401
    assert "=INVALID; Path=/; Expires=" in answer.headers["Set-Cookie"]
    assert "Max-Age" not in answer.headers["Set-Cookie"]
    assert "WWW-Authenticate" not in answer.headers


def test_without_a_login_browsers_are_sent_to_the_login(sandbox: Sandbox, nobody: Client) -> None:
    answer = nobody.get("/run", headers={"Accept": "text/html"})
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"{sandbox.url}/login?redirectURL=/run"
    assert nobody.get("/login").status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_token_of_deleted_account_gets_an_empty_200(
    sandbox: Sandbox, bob: Client, method: str
) -> None:
    uuid = bob.deploy("apps/WordPress/wordpress")
    sandbox.world.accounts["bob"].state = "DELETED"
    answer = bob.request(method, f"/run/{uuid}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Content-Type" not in answer.headers
    assert sandbox.world.run(uuid).ended is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/module/alice/new"),
        ("PUT", "/module/apps/WordPress/wordpress/478/publish"),
        ("DELETE", "/module/apps/WordPress/wordpress/478/publish"),
        ("PUT", "/user/carol"),
        ("DELETE", "/user/alice"),
    ],
)
def test_what_is_not_played_answers_501_and_says_so(alice: Client, method: str, path: str) -> None:
    status, detail = alice.refused(method, path, headers={"Content-Type": "application/xml"})
    assert (status, detail) == (501, f"{method} {path} is not played by this sandbox.")


def test_addresses_for_browsers_answer(nobody: Client, alice: Client) -> None:
    assert nobody.get("/").headers["Location"].endswith("/dashboard")
    assert nobody.get("/logout").status_code == 200
    for path in ("/event", "/usage"):
        assert alice.get(path).headers["Content-Type"].startswith("text/html")
    assert alice.get("/teapot").status_code == 418
