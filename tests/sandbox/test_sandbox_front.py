"""The vendor's front server: its cache, and its limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.client import Client
from slipstream.sandbox import Clock, Sandbox
from slipstream.sandbox.front import BURST, RATE

BLOG = "apps/WordPress/wordpress"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(speed=0), front="vendor") as started:
        yield started


@pytest.mark.parametrize(
    ("path", "seconds"),
    [("/run", 30), ("/run/{}", 40), ("/run/{}/", 40), ("/run/{}/ss:state", 15)],
)
def test_front_serves_from_its_cache_for_a_while(
    sandbox: Sandbox, alice: Client, path: str, seconds: int
) -> None:
    address = path.format(alice.deploy(BLOG))
    first = alice.get(address)
    alice.delete(f"/run/{alice.deploy(BLOG)}")
    sandbox.clock.advance(seconds - 1)
    assert alice.get(address).content == first.content
    sandbox.clock.advance(2)
    assert alice.get(address).content != first.content


@pytest.mark.parametrize("path", ["/run", "/run/{}", "/run/{}/ss:state"])
def test_front_looks_at_no_cookie(alice: Client, bob: Client, nobody: Client, path: str) -> None:
    address = path.format(alice.deploy(BLOG))
    first = alice.get(address)
    assert bob.get(address).content == nobody.get(address).content == first.content
    fresh = f"{address}?_=1"
    assert nobody.get(fresh).status_code == 401
    assert bob.get(fresh).content != first.content or path.endswith("ss:state")


def test_front_caches_nothing_else_and_no_refusal(
    sandbox: Sandbox, alice: Client, nobody: Client
) -> None:
    uuid = alice.deploy(BLOG)
    assert nobody.get(f"/run/{uuid}").status_code == 401
    assert alice.get(f"/run/{uuid}").status_code == 200
    for path in ("/run/", f"/run/{uuid}/ss:tags?ignoreabort=true", "/module/apps", "/user/alice"):
        alice.get(path)
        assert nobody.get(path).status_code == 401
    assert alice.delete(f"/run/{uuid}").status_code == 204
    assert sandbox.world.run(uuid).state == "Cancelled"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/xml", "application/xml"),
        ("application/json", "application/json"),
        ("text/plain", "text/plain"),
        ("*/*", "text/html"),
    ],
)
def test_front_refuses_what_is_beyond_the_rate(
    sandbox: Sandbox, nobody: Client, accept: str, kind: str
) -> None:
    statuses = [nobody.get("/user/alice").status_code for _ in range(BURST + 1)]
    assert set(statuses) == {401}
    refused = nobody.get("/user/alice", headers={"Accept": accept})
    assert (refused.status_code, refused.headers["Content-Type"]) == (429, kind)
    assert "429" in refused.text
    sandbox.clock.advance(1)
    after = [nobody.get("/user/alice").status_code for _ in range(int(RATE) + 1)]
    assert after == [401] * int(RATE) + [429]
