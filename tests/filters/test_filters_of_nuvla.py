from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_filters import COMPARISONS, DATES, PATHS, STRINGS, _pairs

from slipstream.filters import (
    LARGEST_INTEGER,
    NUVLA,
    Attribute,
    Comparison,
    Filter,
    FilterSyntaxError,
    UnwritableValue,
    attr,
    parse,
)

LISTS = st.lists(st.one_of(STRINGS, st.integers(0, LARGEST_INTEGER), DATES), max_size=4)
NAMES = st.one_of(PATHS, PATHS.map("@type/{}".format))
OF_NUVLA = st.one_of(
    COMPARISONS,
    st.builds(
        Comparison,
        st.builds(Attribute, NAMES),
        st.sampled_from(["=", "!="]),
        LISTS.map(tuple),
    ),
    st.builds(
        Comparison,
        st.builds(Attribute, NAMES),
        st.sampled_from(["intersects", "disjoint", "within", "contains"]),
        STRINGS,
    ),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(OF_NUVLA, _pairs, max_leaves=8)


@given(FILTERS)
def test_what_is_printed_reads_back_as_the_same_value(expression: Filter) -> None:
    assert parse(str(expression), NUVLA) == expression


@given(st.text(st.sampled_from("ab='\"[]() ,/@\\^!<>0-9andor"), max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    index = 0
    try:
        parse(text, NUVLA)
    except FilterSyntaxError as error:
        index = error.index
    assert 0 <= index <= len(text)


@given(LISTS)
def test_a_list_is_true_of_each_of_its_elements_alone(values: list[object]) -> None:
    listed = parse(f"({attr('a').among(values)})", NUVLA)  # type: ignore[arg-type]
    for value in values:
        one = attr("a").eq(value)  # type: ignore[arg-type]
        held = getattr(value, "text", value)
        assert not one.matches({"a": held}) or listed.matches({"a": held})
    assert not listed.matches({"a": "none of them at all"})


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("state=['A' 'B',3]", "state=['A','B',3]"),
        ("state =['A',]", "state=['A']"),
        ("state=[]", "state=[]"),
        ("['A']=state", "state=['A']"),
        ("created=[2025-08-21]", "created=[2025-08-21]"),
        ("@type='x'", "@type='x'"),
        ("place within 'POINT (1 2)'", "place within 'POINT (1 2)'"),
        ("within='x'", "within='x'"),
    ],
)
def test_freedoms_of_the_grammar_are_read(text: str, same: str) -> None:
    assert str(parse(text, NUVLA)) == same


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("state= ['A']", 7),
        ("state=['A'", 6),
        ("state<['A']", 6),
        ("state=[true]", 6),
        ("property['a']='b'", 8),
        ("a.b='c'", 1),
        ("place near 'x'", 6),
    ],
)
def test_a_text_outside_the_grammar_is_refused_where_it_goes_wrong(text: str, index: int) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text, NUVLA)
    assert caught.value.index == index


@pytest.mark.parametrize("text", ["a=['x']", "a within 'POINT (1 2)'", "@a='x'"])
def test_the_language_of_slipstream_knows_nothing_of_it(text: str) -> None:
    with pytest.raises(FilterSyntaxError):
        parse(text)


def test_text_that_nobody_quoted_escapes_from_the_servers_parentheses() -> None:
    text = "x') or (name!='x"
    with pytest.raises(FilterSyntaxError):
        parse(f"name='{text}'", NUVLA)
    assert parse(f"(name='{text}')", NUVLA).matches({"name": "anything"})
    assert not parse(f"({attr('name').eq(text)})", NUVLA).matches({"name": "anything"})


def test_a_list_of_what_has_no_literal_is_refused() -> None:
    with pytest.raises(UnwritableValue):
        attr("a").among([True])
    with pytest.raises(UnwritableValue):
        attr("a").among(["both ' and \""])


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("tags=['a','x']", True),
        ("tags=['x','y']", False),
        ("tags!=['x','y']", True),
        ("tags!=['a']", False),
        ("nothing=[]", False),
        ("nothing!=[]", True),
        ("name=='word*'", True),
        ("name=='ord*'", False),
    ],
)
def test_documents_are_judged_as_the_server_would(text: str, verdict: bool) -> None:
    document = {"tags": ["a", "b"], "name": "WordPress blog"}
    assert parse(text, NUVLA).matches(document) is verdict
