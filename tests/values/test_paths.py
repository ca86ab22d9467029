"""Paths that users write are read alike everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.errors import BadInput
from slipstream.values.paths import user_path


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("path", "~/x") == user_path("path", Path("~/x")) == tmp_path / "x"


@pytest.mark.parametrize("value", ["", "a\0b", "~nobody-has-this-name/x", "\ud800"])
def test_what_names_no_file_is_bad_input(value: str) -> None:
    with pytest.raises(BadInput) as caught:
        user_path("path", value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [None, 17, b"x", ["x"]])
def test_what_is_no_path_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="path must be the path of a file"):
        user_path("path", value)
