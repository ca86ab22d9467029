"""The contract as libcloud declares it, the page of checks, and the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from libcloud.compute.base import NodeDriver

from slipstream.conformance import CHECKS, Outcome, Report, Result, Subject
from slipstream.conformance.methods import BUILT_ON, METHODS
from slipstream.conformance.subject import Mask

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
OWN = [check for check in CHECKS if check.function.__module__.startswith("slipstream.")]


def report(*details: str) -> Report:
    results = tuple(Result("name", "lists", Outcome.FAILS, detail) for detail in details)
    return Report(
        driver="a:B", provider=None, libcloud="3", python="3", changes=False, results=results
    )


def test_contract_is_what_libcloud_declares() -> None:
    assert len(METHODS) == 29
    base = Subject(driver=object.__new__(NodeDriver))
    assert {name for name in METHODS if not base.only_raises(name)} == set(BUILT_ON)
    for without_source in (len, eval("lambda: 1 / 0")):
        driver = type("Driver", (), {"function": without_source})()
        assert not Subject(driver=driver).only_raises("function")


def test_page_lists_each_check_with_its_point() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((check.name, check.point) for check in OWN)
    names = [name for check in OWN for name, _ in check.cases]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        (
            'pa"ss/wörd',
            (
                'pa"ss/wörd pa%22ss%2Fw%C3%B6rd pa%22ss%2fw%c3%b6rd pa\\"ss\\/wörd '
                'pa\\"ss/w\\u00f6rd pa&quot;ss/wörd'
            ),
            "*** *** *** *** *** ***",
        ),
        ("abc", "abc=abc, abcdef", "***=***, abcdef"),
        ("two words", "two words two%20words two+words", "*** *** ***"),
        ("", "nothing", "nothing"),
    ],
)
def test_secret_is_masked_in_every_notation(secret: str, text: str, expected: str) -> None:
    mask = Mask([secret])
    assert mask(text) == expected
    assert mask.finds(text) == (text != expected)


def test_detail_is_one_short_line_whatever_a_server_says() -> None:
    first, second = report("first\nsecond\x1b[31m\ttab", "x" * 1000).table().splitlines()[3:5]
    assert first == "name   lists  fails    first second [31m tab"
    assert len(second) < 450
    document = json.loads(json.dumps(report("x").document()))
    assert document["checks"][0]["outcome"] == "fails"
    # A secret is masked before the detail is cut.
    text = "x" * 392 + "open-sesame" + "y" * 100
    assert "open" not in report(text).masked(Mask(["open-sesame"])).table()
