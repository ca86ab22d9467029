"""No call of SlipStream's own client is left out."""

from __future__ import annotations

import importlib
from pathlib import Path

from driving import Official

# What a server of the client's own version does not answer, and why.
_CANNOT_WORK = {"list_virtualmachines": "the server dropped /vms with v3.62"}


def _proven() -> set[str]:
    here = Path(__file__)
    modules = [importlib.import_module(path.stem) for path in here.parent.glob("test_*.py")]
    tests = [test for module in modules for test in vars(module).values()]
    marks = [mark for test in tests for mark in getattr(test, "pytestmark", [])]
    return {name for mark in marks if mark.name == "proves" for name in mark.args}


def test_every_public_call_works_or_is_known_not_to(official: Official) -> None:
    public = official.public()

    assert len(public) >= 40
    assert _proven() | set(_CANNOT_WORK) == public
    assert not _proven() & set(_CANNOT_WORK)
