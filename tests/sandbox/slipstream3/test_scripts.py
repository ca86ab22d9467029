from __future__ import annotations

import pytest

from slipstream.sandbox.slipstream3.scripts import ScriptFailure, Surroundings, play


@pytest.fixture
def values() -> dict[str, str]:
    return {"port": "80"}


@pytest.fixture
def around(values: dict[str, str]) -> Surroundings:
    return Surroundings(values.__getitem__, values.__setitem__, {"HOME": "/root"})


def test_a_script_sets_values_from_values(around: Surroundings, values: dict[str, str]) -> None:
    script = '#!/bin/bash\n# ss-set no no\nss-set url "http://x:$(ss-get port)$HOME${HOME}$NO"\n'
    play(script + "unbalanced '\nss-set one\nexit 0\nexit\n", around)
    assert values == {"port": "80", "url": "http://x:80/root/root"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [("exit 1\nss-set port 81", ""), ('ss-abort "no luck on $(ss-get port)"', "no luck on 80")],
)
def test_a_script_that_fails_stops(
    around: Surroundings, values: dict[str, str], script: str, reason: str
) -> None:
    with pytest.raises(ScriptFailure) as caught:
        play(script, around)
    assert str(caught.value) == reason
    assert values == {"port": "80"}
