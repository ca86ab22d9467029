from __future__ import annotations

from typing import Any

import pytest

from slipstream.sandbox.store import Query, Store


@pytest.fixture
def store() -> Store:
    filled = Store()
    for number, (state, cpu) in enumerate([("on", 2), ("off", 8), ("on", None), ("on", 4)]):
        document: dict[str, Any] = {"id": f"machine/{number}", "state": state}
        if cpu is not None:
            document["offer"] = {"cpu": cpu}
        filled.put(document)
    filled.put({"id": "machine-image/1"})
    return filled


def test_a_search_has_one_collection_sorted_and_at_most_ten_thousand(store: Store) -> None:
    query = Query(order=(("state", False), ("offer.cpu", True)))
    documents = store.search("machine", query)[1]
    assert [item["id"] for item in documents] == [f"machine/{n}" for n in (1, 3, 0, 2)]
    for number in range(10_001):
        store.put({"id": f"many/{number}"})
    count, documents = store.search("many", Query())
    assert (count, len(documents)) == (10_001, 10_000)
    assert store.search("machine", Query(first=5, last=10004))[0] == 4


def test_sorting_by_an_unknown_attribute_fails_without_an_error(store: Store) -> None:
    assert store.search("machine", Query(order=(("offer/cpu", False),))) == (None, [])
    assert store.search("empty", Query(order=(("x", False),))) == (0, [])
