"""
Count what runs between a call of the driver and the socket: ``python -m benchmarks.stack_depth``.

A function counts once however often it runs; so does a file. What runs in other threads counts
too, the sandbox's server apart. The requests that a call makes run through the same functions,
so that the numbers say how much code a reader meets who follows one call.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import slipstream
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

PACKAGE = Path(slipstream.__file__).parent
SKIPPED = ("<module>", "<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>", "<lambda>")
WORDPRESS = "apps/WordPress/wordpress"


class Count:
    """
    The functions of the package that ran.

    :ivar functions: Their code objects.
    """

    def __init__(self) -> None:
        self.functions: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note a function that is called; a profile function of :mod:`sys`."""
        code = frame.f_code
        if event == "call" and code.co_name not in SKIPPED and self._is_ours(code):
            self.functions.add(code)

    @property
    def files(self) -> set[str]:
        """The files of the functions."""
        return {code.co_filename for code in self.functions}

    @staticmethod
    def _is_ours(code: CodeType) -> bool:
        path = Path(code.co_filename)
        return path.is_relative_to(PACKAGE) and not path.is_relative_to(PACKAGE / "sandbox")

    def lines(self) -> Iterator[str]:
        """Each function, by file."""
        for code in sorted(self.functions, key=lambda c: (c.co_filename, c.co_firstlineno)):
            yield f"    {Path(code.co_filename).relative_to(PACKAGE)}: {code.co_qualname}"


@contextmanager
def counting() -> Iterator[Count]:
    """Count the functions that run in a block."""
    count = Count()
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield count
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def measure(call: Callable[[], object]) -> Count:
    """Count what a call runs, once caches are warm."""
    call()
    with counting() as count:
        call()
    return count


def measurements() -> Iterator[tuple[str, Count]]:
    """The calls that are measured."""
    with Sandbox() as sandbox:

        def login() -> SlipStreamNodeDriver:
            return SlipStreamNodeDriver(
                sandbox.username, sandbox.password, ex_endpoint=sandbox.url
            )

        yield "login", measure(login)
        driver = login()
        image = driver.get_image(WORDPRESS)
        yield "create_node", measure(lambda: driver.create_node("blog", image=image))
        yield "list_nodes", measure(driver.list_nodes)
        yield "get_image", measure(lambda: driver.get_image(WORDPRESS))
        node = driver.list_nodes()[0]
        yield "ex_get_node", measure(lambda: driver.ex_get_node(node.id))
        yield "destroy_node", measure(lambda: driver.destroy_node(node))


def main() -> None:
    """Print one line for each call."""
    parser = argparse.ArgumentParser(description="Count the functions that a call runs.")
    parser.add_argument("--list", action="store_true", help="name the functions")
    verbose = parser.parse_args().list
    print(f"{'call':<16}{'functions':>10}{'files':>7}")
    for name, count in measurements():
        print(f"{name:<16}{len(count.functions):>10}{len(count.files):>7}")
        if verbose:
            print("\n".join(count.lines()))


if __name__ == "__main__":
    main()
