"""No call of SlipStream's own client is left out."""

from __future__ import annotations

from pathlib import Path

from driving import Official, proven

# What a server of the client's own version does not answer, and why.
_CANNOT_WORK = {"list_virtualmachines": "the server dropped /vms with v3.62"}


def test_every_public_call_works_or_is_known_not_to(official: Official) -> None:
    public = official.public()
    works = proven(Path(__file__).parent)

    assert len(public) >= 40
    assert works | set(_CANNOT_WORK) == public
    assert not works & set(_CANNOT_WORK)
