"""
The filter language of CIMI collections, as values.

Build an expression, print it for the wire, read one back, or try it on a document::

    machines = attr("resource:type").eq("VM") & attr("connector/href").eq("exoscale-ch-gva")
    str(machines)              # resource:type='VM' and connector/href='exoscale-ch-gva'
    parse(str(machines))       # the same value again
    machines.matches(document) # True or False

Nuvla knows lists and locations beside that: ``parse(text, NUVLA)`` reads ``state=['NEW','OLD']``.

Servers strip the quotes of a string and nothing else, so some values cannot be written at all.
Those raise :class:`UnwritableValue`; a value never changes the meaning of the rest of a filter.
"""

from __future__ import annotations

from slipstream.filters.expressions import (
    LARGEST_INTEGER,
    And,
    Attribute,
    Comparison,
    Date,
    Filter,
    Or,
    UnwritableValue,
    Value,
    attr,
)
from slipstream.filters.parser import NUVLA, SLIPSTREAM, FilterSyntaxError, Grammar, parse

__all__ = [
    "LARGEST_INTEGER",
    "NUVLA",
    "SLIPSTREAM",
    "And",
    "Attribute",
    "Comparison",
    "Date",
    "Filter",
    "FilterSyntaxError",
    "Grammar",
    "Or",
    "UnwritableValue",
    "Value",
    "attr",
    "parse",
]
