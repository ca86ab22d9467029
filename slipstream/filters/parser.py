"""Reads a filter, as a server does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attrs

from slipstream.filters.expressions import (
    NUVLA_PATH,
    PATH,
    PLACING,
    And,
    Attribute,
    Comparison,
    Date,
    Filter,
    Item,
    Or,
    Value,
    takes,
)

_DEEPEST = 100
_STRING = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_DATE = r"\d{4}-\d\d(?:-\d\d)?(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z)?"
_ITEM = rf"(?:{_STRING}|{_DATE}|\d+)"
_ITEMS = re.compile(rf"(?P<string>{_STRING})|(?P<date>{_DATE})|(?P<integer>\d+)", re.ASCII)
_NOTHING = r"(?P<list>(?!))"
_LIST = rf"(?P<list>\[\s*(?:{_ITEM}\s*,?\s*)*\])"
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}


@attrs.frozen(kw_only=True)
class Grammar:
    """
    One family's language.

    :param path: A pattern of an attribute's name.
    :param special: A pattern of what the family alone knows.
    :param words: Operators that are words.
    """

    path: str
    special: str
    words: tuple[str, ...] = ()
    tokens: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    @tokens.default
    def _compile(self) -> re.Pattern[str]:
        return re.compile(
            rf"""\s*(?:
                {self.special}
              | (?P<word>{self.path}(?![A-Za-z0-9_:/@-]))
              | (?P<date>{_DATE})
              | (?P<integer>\d+)
              | (?P<string>{_STRING})
              | (?P<operator>\^=|==|!=|<=|>=|=|<|>)
              | (?P<bracket>[()])
              | (?P<end>\Z)
            )""",
            re.VERBOSE | re.ASCII,
        )


SLIPSTREAM = Grammar(path=PATH, special=_NOTHING)
NUVLA = Grammar(path=NUVLA_PATH, special=_LIST, words=PLACING)


class FilterSyntaxError(ValueError):
    """
    The text is not a filter.

    :param text: The text.
    :param index: Where it stops being one, from 0.
    :param expected: What would be right there.
    """

    def __init__(self, text: str, index: int, expected: str) -> None:
        super().__init__(text, index, expected)
        self.text, self.index, self.expected = text, index, expected

    def __str__(self) -> str:
        return f"Invalid filter at position {self.index + 1}: expected {self.expected}."


@attrs.frozen
class _Token:
    kind: str
    text: str
    index: int


def _tokens(text: str, grammar: Grammar) -> Iterator[_Token]:
    index = 0
    while True:
        match = grammar.tokens.match(text, index)
        if match is None or match.lastgroup is None:
            raise FilterSyntaxError(text, index, "a filter")
        kind = match.lastgroup
        yield _Token(kind, match[kind], match.start(kind))
        if kind == "end":
            return
        index = match.end()


@attrs.define
class _Reader:
    text: str
    tokens: list[_Token]
    grammar: Grammar
    position: int = 0
    depth: int = 0

    @property
    def ahead(self) -> _Token:
        return self.tokens[self.position]

    def fail(self, expected: str) -> FilterSyntaxError:
        return FilterSyntaxError(self.text, self.ahead.index, expected)

    def next(self) -> _Token:
        token = self.ahead
        if token.kind != "end":
            self.position += 1
        return token

    def skip(self, *texts: str) -> bool:
        if self.ahead.kind in {"word", "bracket"} and self.ahead.text in texts:
            self.position += 1
            return True
        return False

    def whole(self) -> Filter:
        expression = self.alternatives()
        if self.ahead.kind != "end":
            raise self.fail("'and', 'or' or the end")
        return expression

    def alternatives(self) -> Filter:
        return self._joined("or", lambda: self._joined("and", self.term, And), Or)

    def _joined(
        self, word: str, read: Callable[[], Filter], join: Callable[[tuple[Filter, ...]], Filter]
    ) -> Filter:
        parts = [read()]
        while self.skip(word):
            parts.append(read())
        return join(tuple(parts)) if len(parts) > 1 else parts[0]

    def term(self) -> Filter:
        if not self.skip("("):
            return self.comparison()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fail(f"at most {_DEEPEST} nested parentheses")
        expression = self.alternatives()
        if not self.skip(")"):
            raise self.fail("')'")
        self.depth -= 1
        return expression

    def comparison(self) -> Filter:
        left = self.next()
        if self.ahead.kind != "operator" and self.ahead.text not in self.grammar.words:
            raise self.fail("an operator")
        operator, start = self.next(), self.position
        right = self.next()
        # White space is free everywhere but here.
        if right.kind == "list" and right.index != operator.index + len(operator.text):
            self.position = start
            raise self.fail("a list without a space before it")
        # Servers read "5<x" as "x<5": the sides are swapped and the operator stays.
        for attribute, literal in ((left, right), (right, left)):
            if attribute.kind == "word" and _is_value(literal):
                comparison = Comparison(Attribute(attribute.text), operator.text, _value(literal))
                if takes(operator.text, comparison.value):
                    return comparison
        self.position = start
        raise self.fail("an attribute on one side, and on the other a value the operator takes")


def _is_value(token: _Token) -> bool:
    return token.kind in {"string", "integer", "date", "list"} or token.text in _CONSTANTS


def _value(token: _Token) -> Value:
    if token.kind == "list":
        return tuple(_item(match.lastgroup, match[0]) for match in _ITEMS.finditer(token.text))
    if token.kind in {"string", "integer", "date"}:
        return _item(token.kind, token.text)
    return _CONSTANTS[token.text]


def _item(kind: str | None, text: str) -> Item:
    if kind == "string":
        return text[1:-1]
    return int(text) if kind == "integer" else Date(text)


def parse(text: str, grammar: Grammar = SLIPSTREAM) -> Filter:
    """Read a filter."""
    return _Reader(text, list(_tokens(text, grammar)), grammar).whole()
