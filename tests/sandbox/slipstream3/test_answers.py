from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

TITLE = "parameter--wordpress_title"


@pytest.mark.parametrize("text", ["'\"\n<&>\t", "a\x00b", "]]>", "{{ 7 * 7 }}", "é\U0001f600"])
def test_texts_survive_in_attributes_and_elements(alice: Client, text: str) -> None:
    uuid = alice.deploy("apps/WordPress/wordpress", tags=text, **{TITLE: text})
    root = alice.xml(f"/run/{uuid}")
    title = root.find(".//runtimeParameter[@key='machine:wordpress_title']")
    assert title is not None
    assert title.text == text.replace("\x00", "")
    assert alice.xml("/run")[0].get("tags") == text.replace("\x00", "")


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
        ("GET", "/dashboard"),
        ("PUT", "/run/00000000-0000-0000-0000-000000000000/ss:tags"),
    ],
)
def test_what_is_not_played_answers_501_and_says_so(alice: Client, method: str, path: str) -> None:
    status, detail = alice.refused(method, path, headers={"Content-Type": "application/xml"})
    assert (status, detail) == (501, f"{method} {path} is not played by this sandbox.")


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
def test_only_the_xml_of_a_document_is_played(alice: Client, accept: str) -> None:
    answer = alice.get("/run", headers={"Accept": accept})
    assert answer.status_code == 501
    assert "played" in answer.text
