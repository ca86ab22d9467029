"""Reads a filter, as a server does."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

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
    Or,
    Value,
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


@attrs.define
class _Reader:
    text: str
    grammar: Grammar
    end: int = 0
    depth: int = 0
    ahead: _Token = _Token("start", "", 0)

    def fail(self, expected: str, token: _Token | None = None) -> FilterSyntaxError:
        return FilterSyntaxError(self.text, (token or self.ahead).index, expected)

    def next(self) -> _Token:
        """Take the token ahead, and read the one after it."""
        token, match = self.ahead, self.grammar.tokens.match(self.text, self.end)
        if match is None or match.lastgroup is None:
            raise FilterSyntaxError(self.text, self.end, "a filter")
        kind, self.end = match.lastgroup, match.end()
        self.ahead = _Token(kind, match[kind], match.start(kind))
        return token

    def skip(self, text: str) -> bool:
        skips = self.ahead.kind in {"word", "bracket"} and self.ahead.text == text
        if skips:
            self.next()
        return skips

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
        operator = self.next()
        right = self.next()
        # White space is free everywhere but here.
        if right.kind == "list" and right.index != operator.index + len(operator.text):
            raise self.fail("a list without a space before it", right)
        # Servers read "5<x" as "x<5": the sides are swapped and the operator stays.
        for attribute, literal in ((left, right), (right, left)):
            if attribute.kind == "word":
                with suppress(KeyError, ValueError):
                    value = _literal(literal.kind, literal.text)
                    return Comparison(Attribute(attribute.text), operator.text, value)
        expected = "an attribute on one side, and on the other a value the operator takes"
        raise self.fail(expected, right)


def _literal(kind: str | None, text: str) -> Value:
    """Read a value; ``KeyError`` for what is none."""
    if kind == "list":
        items = (_literal(match.lastgroup, match[0]) for match in _ITEMS.finditer(text))
        return tuple(items)  # type: ignore[arg-type]  # none of them is a list
    if kind == "string":
        return text[1:-1]
    if kind == "integer":
        return int(text)
    return Date(text) if kind == "date" else _CONSTANTS[text]


def parse(text: str, grammar: Grammar = SLIPSTREAM) -> Filter:
    """Read a filter."""
    reader = _Reader(text, grammar)
    reader.next()
    expression = reader.alternatives()
    if reader.ahead.kind != "end":
        raise reader.fail("'and', 'or' or the end")
    return expression
