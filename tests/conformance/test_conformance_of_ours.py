"""The driver of this project keeps the whole contract, on every kind of endpoint."""

from __future__ import annotations

from places import Place

from slipstream.conformance import CHECKS, Choice, Outcome, Report, run

READING = {"GET", "HEAD"}


def failures(report: Report) -> list[str]:
    return [
        f"{item.name}: {item.detail}" for item in report.results if item.outcome is Outcome.FAILS
    ]


def changing(place: Place) -> list[tuple[str, str]]:
    """The requests that were not there to read: a search is a PUT on a collection."""
    return [
        (entry.method, entry.path)
        for entry in place.sandbox.journal
        if entry.method not in READING
        and not (entry.method == "PUT" and entry.path.startswith("/api/") and entry.form)
    ]


def test_it_holds_reading_only_and_sends_nothing_that_changes_anything(place: Place) -> None:
    driver = place.login()
    node = place.deploy(driver)
    before = [key.name for key in driver.list_key_pairs()]
    place.sandbox.journal.clear()
    report = run(driver, without_network=lambda: place.login(proxy_url="http://127.0.0.1:1"))
    assert failures(report) == []
    assert set(report.named(Outcome.SKIPPED)) == {check.name for check in CHECKS if check.changes}
    assert "state.nodes" in report.named(Outcome.HOLDS)
    assert len(place.sandbox.journal) > 10
    assert changing(place) == []
    assert [item.id for item in driver.list_nodes()] == [node.id]
    assert [key.name for key in driver.list_key_pairs()] == before


def test_it_holds_with_changes_and_leaves_nothing_behind(place: Place) -> None:
    driver = place.login()
    before = [key.name for key in driver.list_key_pairs()]
    choice = Choice(image=place.image(driver).id, location=place.location(driver).id)
    report = run(
        driver,
        changes=True,
        choice=choice,
        with_wrong_login=lambda: place.login(place.sandbox.username, "wrong-secret"),
        without_network=lambda: place.login(proxy_url="http://127.0.0.1:1"),
    )
    assert failures(report) == []
    assert report.named(Outcome.SKIPPED) == []
    assert {"node.destroyed", "key-pair.deleted"} <= set(report.named(Outcome.HOLDS))
    place.pass_time()
    assert driver.list_nodes() == []
    assert [key.name for key in driver.list_key_pairs()] == before
