"""What is read from libcloud itself, and what the documents say of the checks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from libcloud.compute.base import NodeDriver

from slipstream.conformance import CHECKS, Outcome, Report, Result
from slipstream.conformance.contract import BUILT_ON, METHODS, only_raises
from slipstream.conformance.mask import Mask

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
OWN = [one for one in CHECKS if one.function.__module__.startswith("slipstream.")]


def test_the_contract_is_what_libcloud_declares() -> None:
    assert len(METHODS) == 29
    assert {"list_nodes", "create_node", "wait_until_running"} <= set(METHODS)


def test_the_methods_that_the_base_implements_are_those_that_do_more_than_raise() -> None:
    working = {name for name in METHODS if not only_raises(getattr(NodeDriver, name))}
    assert working == set(BUILT_ON)


def test_a_function_without_a_source_is_not_taken_for_one_that_only_raises() -> None:
    assert not only_raises(len)
    assert not only_raises(eval("lambda: 1 / 0"))


def test_the_page_lists_every_check_with_its_point() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((one.name, one.point) for one in OWN)


def test_no_two_rows_of_a_report_have_one_name() -> None:
    names = [name for one in OWN for name, _ in one.cases]
    assert len(names) == len(set(names))


def test_secrets_are_masked_in_every_notation() -> None:
    mask = Mask(['pa"ss/wörd', ""])
    told = 'pa"ss/wörd pa%22ss%2Fw%C3%B6rd pa\\"ss/w\\u00f6rd pa&quot;ss/wörd'
    assert mask(told) == "*** *** *** ***"
    assert mask("nothing") == "nothing"
    assert not mask.finds("nothing")


def test_a_short_secret_is_masked_as_a_word_of_its_own() -> None:
    assert Mask(["abc"])("abc=abc, abcdef") == "***=***, abcdef"


def test_a_report_is_one_line_for_each_check_whatever_a_server_says() -> None:
    long = "x" * 1000
    results = (
        Result("one", "lists", Outcome.FAILS, "first\nsecond\x1b[31m\ttab"),
        Result("two", "lists", Outcome.HOLDS, long),
    )
    report = Report(
        driver="a:B", provider=None, libcloud="3", python="3", changes=False, results=results
    )
    first, second = report.table().splitlines()[3:5]
    assert first == "one    lists  fails    first second [31m tab"
    assert len(second) < 450
    assert json.loads(json.dumps(report.document()))["checks"][0]["outcome"] == "fails"


def test_a_secret_at_the_place_of_the_cut_is_masked_before_it_is_cut() -> None:
    secret = "open-sesame"
    text = "x" * 392 + secret + "y" * 100
    report = Report(
        driver="a:B",
        provider=None,
        libcloud="3",
        python="3",
        changes=False,
        results=(Result("one", "lists", Outcome.FAILS, text),),
    ).masked(Mask([secret]))
    assert "open" not in report.table()
