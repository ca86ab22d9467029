from __future__ import annotations

import json

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.xml import Element


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


def test_the_variant_can_be_asked_for_in_the_address(alice: Client) -> None:
    assert alice.get("/run?media=json").json() == {
        "runs": {"offset": 0, "limit": 20, "count": 0, "totalCount": 0}
    }
    answer = alice.get("/run?media=xml", headers={"Accept": "text/html"})
    assert answer.text.startswith("<runs ")
    assert alice.get("/run.xml").text.startswith("<runs ")


def test_a_quote_in_a_message_breaks_the_json_of_an_error(alice: Client) -> None:
    answer = alice.post("/run", data={"refqname": 'a"b'}, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_post_can_name_another_method_but_not_to_the_json_side(alice: Client) -> None:
    uuid = alice.deploy("apps/WordPress/wordpress")
    assert alice.post(f"/run/{uuid}?method=delete").status_code == 204
    assert alice.post("/api/event?method=get", json={}).status_code == 501


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
