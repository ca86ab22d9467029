"""The tests with SlipStream's own client do not go missing unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import Official, interpreter

_SKIP = {"SLIPSTREAM_SKIP_OFFICIAL_CLIENT": "1"}


@pytest.mark.parametrize(
    "environ",
    [pytest.param({}, id="anywhere"), pytest.param(_SKIP | {"CI": "true"}, id="in-ci")],
)
def test_missing_client_fails_and_names_the_remedy(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(pytest.fail.Exception, match="make official-client"):
        interpreter(tmp_path / "python", environ)


def test_missing_client_is_skipped_where_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="make official-client"):
        interpreter(tmp_path / "python", _SKIP)


def test_client_is_the_last_one_that_was_published(official: Official) -> None:
    assert official.version() == "3.71.1"
