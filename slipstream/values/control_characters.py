"""Characters that a text may not hold before it becomes a part of a request."""

from __future__ import annotations

import re

NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Control characters, ends of lines, and code points that are no characters."""

NOT_IN_VALUES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""
What no XML document can hold (XML 1.0, production 2): a server that takes it cannot write the
document any more in which it stands.
"""
