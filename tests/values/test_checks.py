"""Records refuse what they are given by mistake, when they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slipstream import Request
from slipstream.errors import BadInput
from slipstream.values import Deployment, Module, ModuleKind, Parameter


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda wrong: Deployment(id="1", phase=wrong), "'phase' must be"),
        (lambda wrong: Deployment(id="1", tags=wrong), r"write \['running'\]"),
        (lambda wrong: Deployment(id="1", addresses=wrong), "one text where several"),
        (lambda wrong: Module(id="1", path="a", name="a", kind=wrong), "'kind' must be"),
        (lambda wrong: Request(method="GET", path=wrong), "begins with a slash"),
        (lambda wrong: Request(method="GET", path="/x", query=wrong), "a tuple of pairs"),
        (lambda wrong: Request(method="PUT", path="/x", body=wrong), "'body' must be"),
    ],
)
def test_a_text_is_refused_where_something_else_belongs(
    make: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        make("running")


@pytest.mark.parametrize("wrong", [None, 3, b"1", ["1"]])
def test_an_id_and_a_value_are_texts(wrong: Any) -> None:
    with pytest.raises(TypeError, match="'id' must be"):
        Deployment(id=wrong)
    with pytest.raises(TypeError, match="'id' must be"):
        Module(id=wrong, path="a", name="a", kind=ModuleKind.COMPONENT)
    with pytest.raises(TypeError, match="'value' must be"):
        Parameter(name="title", value=wrong)


@pytest.mark.parametrize(
    "path", ["/run/../user", "/run/%2e%2e/user", "/run/%2E./user", "/run/x%2f..%2fuser", "/./run"]
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(BadInput, match="leads to another resource"):
        Request(method="GET", path=path)


def test_a_query_holds_pairs_of_texts() -> None:
    for query in [(("limit", 1),), {"limit": "1"}, ("ab",)]:
        wrong: Any = query
        if query == ("ab",):
            wrong = (("a", "b", "c"),)
        with pytest.raises(TypeError, match="pairs of texts"):
            Request(method="GET", path="/x", query=wrong)
