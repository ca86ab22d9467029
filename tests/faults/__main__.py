"""Try the whole matrix, print the table, and list what is bad: ``make faults``."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from .calls import CALLS
from .matrix import BAD, FAMILIES, OUTCOMES, Cell, Result
from .proxy import running


def cell(number: int, family: str, step: int) -> list[Result]:
    """The results of one method on one family."""
    warnings.simplefilter("ignore")
    with running() as proxy, tempfile.TemporaryDirectory() as folder:
        tried = Cell(CALLS[number], family, proxy, Path(folder))
        return list(tried.results(step=step, first=number % step))


def main(names: list[str]) -> int:
    """Try everything, or the methods named; ``EVERY=10`` in the environment tries a tenth."""
    step = int(os.environ.get("EVERY", "1"))
    numbers = [n for n, call in enumerate(CALLS) if not names or call.name in names]
    started = time.monotonic()
    results: list[Result] = []
    with ProcessPoolExecutor(int(os.environ.get("WORKERS", os.cpu_count() or 1))) as pool:
        jobs = [pool.submit(cell, n, family, step) for n in numbers for family in FAMILIES]
        for job in as_completed(jobs):
            results += job.result()
            for result in job.result():
                if result.outcome == BAD:
                    print(f"{result.family} {result.call}, {result.position}: {result.fault}")
                    print(f"    {result.reason}", flush=True)
    print(f"\n{table(results)}\n")
    print(f"{len(results)} combinations in {time.monotonic() - started:.0f} s")
    return any(result.outcome == BAD for result in results)


def table(results: list[Result]) -> str:
    """The outcomes of each method, as Markdown."""
    lines = [f"| method | {' | '.join(OUTCOMES)} |", "|---|" + "---:|" * len(OUTCOMES)]
    order = {call.name: number for number, call in enumerate(CALLS)}
    names = sorted({result.call for result in results}, key=order.__getitem__)
    for name in [*names, None]:
        counts = Counter(r.outcome for r in results if name in {r.call, None})
        title = "**all**" if name is None else f"`{name}`"
        lines.append(f"| {title} | {' | '.join(str(counts[o]) for o in OUTCOMES)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
