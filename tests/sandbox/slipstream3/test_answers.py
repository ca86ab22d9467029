from __future__ import annotations

import json

import pytest
from defusedxml.ElementTree import fromstring

from sandbox.client import Client
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.xml import as_json

TITLE = "parameter--wordpress_title"


@pytest.mark.parametrize("text", ["'\"\n<&>\t", "a\x00b", "]]>", "{{ 7 * 7 }}", "é\U0001f600"])
def test_texts_survive_in_attributes_and_elements(alice: Client, text: str) -> None:
    uuid = alice.deploy("apps/WordPress/wordpress", tags=text, **{TITLE: text})
    root = alice.xml(f"/run/{uuid}")
    title = root.find(".//runtimeParameter[@key='machine:wordpress_title']")
    assert title is not None
    assert title.text == text.replace("\x00", "")
    assert alice.xml("/run")[0].get("tags") == text.replace("\x00", "")


def test_json_changes_shape_with_the_number_of_children_and_guesses_numbers() -> None:
    def translated(inner: str, *, guesses: bool = True) -> object:
        start = '<p version="478" on="true" x="04" f="1.5">'
        return as_json(fromstring(f"{start}{inner}</p>"), guesses=guesses)

    base = {"version": 478, "on": True, "x": "04", "f": 1.5}
    assert translated("\n") == base
    assert translated('\n<i a="b"/>\n') == {**base, "i": {"a": "b"}}
    assert translated('<i a="b"/><i>3</i><j/>') == {**base, "i": [{"a": "b"}, 3], "j": ""}
    assert translated("<i>3</i>", guesses=False) == {**base, "i": "3"}
    assert translated("t") == {**base, "content": "t"}


def test_a_quote_in_a_message_breaks_the_json_of_an_error(alice: Client) -> None:
    answer = alice.post("/run", data={"refqname": 'a"b'}, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_post_can_name_another_method_but_not_to_the_json_side(alice: Client) -> None:
    uuid = alice.deploy("apps/WordPress/wordpress")
    assert alice.post(f"/run/{uuid}?method=delete").status_code == 204
    assert alice.post("/api/event?method=get", json={}).status_code == 501


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
