"""The story of both families, on a kind of endpoint that a plugin adds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from plugin_objects import Connect

from slipstream.plugins.loading import DISABLE_VARIABLE
from slipstream.sandbox import Sandbox

STORY = Path(__file__).parents[1] / "scenarios" / "test_story.py"
WAITING = {"wait_period": 0.05, "timeout": 60}


@pytest.mark.usefixtures("installed")
def test_story_on_a_kind_of_endpoint_that_a_plugin_adds(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DISABLE_VARIABLE, "policy")
    spec = importlib.util.spec_from_file_location("story", STORY)
    assert spec
    assert spec.loader
    story = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(story)
    with Sandbox(speed=1000) as campus:
        by_name = campus.url.replace("127.0.0.1", "localhost")
        driver = connect(campus.key, campus.secret, ex_endpoint=by_name)
        assert driver._session.kind.name == "campus"
        story.play(driver, "on-campus", WAITING)
        assert driver.list_nodes() == []
        assert campus.journal.entries("POST", "/run")
