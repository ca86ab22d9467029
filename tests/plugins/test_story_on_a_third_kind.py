"""The story of both families, told on a kind of endpoint that somebody's plugin adds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from slipstream.plugins.loading import DISABLE_VARIABLE
from slipstream.sandbox import Sandbox

STORY = Path(__file__).parents[1] / "scenarios" / "test_story.py"
PATIENCE = {"wait_period": 0.05, "timeout": 60}


@pytest.fixture
def tell():
    """The story as the scenarios tell it: it is written once."""
    spec = importlib.util.spec_from_file_location("story", STORY)
    story = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(story)
    return story.tell


@pytest.mark.usefixtures("installed")
def test_the_story_is_told_on_a_kind_of_endpoint_that_a_plugin_adds(connect, tell, monkeypatch):
    monkeypatch.setenv(DISABLE_VARIABLE, "policy")
    with Sandbox(speed=1000) as campus:
        by_name = campus.url.replace("127.0.0.1", "localhost")
        driver = connect(campus.key, campus.secret, ex_endpoint=by_name)
        assert driver._session.kind.name == "campus"
        tell(driver, "told-on-campus", PATIENCE)
        assert driver.list_nodes() == []
        asked = {entry.path for entry in campus.journal.entries("POST")}
        assert "/run" in asked
