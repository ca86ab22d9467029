"""Lists that come page by page, and are read entry by entry by whoever likes to."""

from __future__ import annotations

from slipstream.values.fields import Pages, by_page


def test_pages_are_one_list() -> None:
    assert list(Pages(iter([[1, 2], [], [3]]))) == [1, 2, 3]


def test_pages_that_nobody_has_begun_are_taken_whole() -> None:
    assert list(by_page(Pages(iter([[1, 2], [3]])))) == [[1, 2], [3]]
    assert list(by_page(iter([1, 2]))) == [(1,), (2,)]


def test_pages_that_were_begun_go_on_behind_what_was_read() -> None:
    pages = Pages(iter([[1, 2], [3]]))
    assert next(pages) == 1
    assert next(iter(pages)) == 2
    assert list(by_page(pages)) == [(3,)]


def test_pages_close_what_makes_them() -> None:
    generator = ([number] for number in range(3))
    pages = by_page(Pages(generator))
    assert next(pages) == [0]
    pages.close()
    assert list(generator) == []
