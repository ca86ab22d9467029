"""Count the operations, and the seconds that they take."""

from collections import Counter, defaultdict
from collections.abc import Generator
from time import perf_counter
from typing import Any

from slipstream import Operation, hookimpl

calls: Counter[str] = Counter()
seconds: defaultdict[str, float] = defaultdict(float)


@hookimpl(wrapper=True, tryfirst=True)
def slipstream_operation(operation: Operation) -> Generator[None, Any, Any]:
    started = perf_counter()
    try:
        return (yield)
    finally:
        calls[operation.name] += 1
        seconds[operation.name] += perf_counter() - started
