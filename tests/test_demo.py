"""What ``make demo`` prints of the program that it runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DEMO = Path(__file__).parents[1] / "examples" / "demo.py"
PROGRAM = """\
'A docstring.'
x = [
    1,
]
try:
    with open("/dev/null"):
        print("first")
finally:
    print("last")
"""


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_statement_is_printed_before_it_runs(
    demo: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.run_announced(PROGRAM)
    assert capsys.readouterr().out.splitlines() == [
        ">>> x = [",
        "...     1,",
        "... ]",
        '>>> with open("/dev/null"):',
        '...     print("first")',
        "first",
        '>>> print("last")',
        "last",
    ]
