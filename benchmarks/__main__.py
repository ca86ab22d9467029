"""Run every measurement: ``make bench``."""

from __future__ import annotations

from benchmarks.measurements import MEASUREMENTS


def main() -> None:
    print(f"{'what':<58}{'measured':>12}{'beside':>12}{'ratio':>8}")
    for measure in MEASUREMENTS:
        what, ours, other = measure()
        print(f"{what:<58}{ours * 1000:>9.1f} ms{other * 1000:>9.1f} ms{ours / other:>8.2f}")


if __name__ == "__main__":
    main()
