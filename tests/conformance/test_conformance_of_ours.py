"""The driver of this project keeps the whole contract, on every kind of endpoint."""

from __future__ import annotations

from endpoints_under_test import LiveEndpoint, changed

from slipstream.conformance import CHECKS, Choice, Outcome, Report, run


def failures(report: Report) -> list[str]:
    return [
        f"{item.name}: {item.detail}" for item in report.results if item.outcome is Outcome.FAILS
    ]


def test_own_driver_passes_and_leaves_nothing_behind(endpoint: LiveEndpoint) -> None:
    driver, sandbox = endpoint.login(), endpoint.sandbox
    node, keys = endpoint.deploy(driver), [key.name for key in driver.list_key_pairs()]
    sandbox.journal.clear()
    options = {"without_network": lambda: endpoint.login(proxy_url="http://127.0.0.1:1")}
    report = run(driver, **options)
    assert failures(report) == []
    assert set(report.named(Outcome.SKIPPED)) == {check.name for check in CHECKS if check.changes}
    assert "state.nodes" in report.named(Outcome.HOLDS)
    assert len(sandbox.journal) > 10
    assert changed(sandbox) == []
    # The first of each list; of the locations of Nuvla one has to be chosen.
    choice = Choice(location=endpoint.location(driver).id if endpoint.family == "nuvla" else None)
    options["with_wrong_login"] = lambda: endpoint.login(sandbox.username, "wrong-secret")
    with endpoint.passing_time():
        report = run(driver, changes=True, choice=choice, **options)
    assert failures(report) == []
    assert report.named(Outcome.SKIPPED) == []
    changes = {"node.addresses", "node.destroyed", "key-pair.deleted"}
    assert changes <= set(report.named(Outcome.HOLDS))
    endpoint.pass_time()
    assert [item.id for item in driver.list_nodes()] == [node.id]
    assert [key.name for key in driver.list_key_pairs()] == keys
