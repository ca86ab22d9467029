"""The story of both families, told on a kind of endpoint that somebody's plugin adds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from slipstream.plugins.loading import DISABLE_VARIABLE
from slipstream.sandbox import Sandbox

STORY = Path(__file__).parents[1] / "scenarios" / "test_story.py"
WAITING = {"wait_period": 0.05, "timeout": 60}


@pytest.fixture
def story():
    """The story as the scenarios tell it: it is written once."""
    spec = importlib.util.spec_from_file_location("story", STORY)
    story = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(story)
    return story.tell


@pytest.mark.usefixtures("installed")
def test_the_story_is_told_on_a_kind_of_endpoint_that_a_plugin_adds(connect, story, monkeypatch):
    monkeypatch.setenv(DISABLE_VARIABLE, "policy")
    with Sandbox(speed=1000) as campus:
        by_name = campus.url.replace("127.0.0.1", "localhost")
        driver = connect(campus.key, campus.secret, ex_endpoint=by_name)
        assert driver._session.kind.name == "campus"
        story(driver, "on-campus", WAITING)
        assert driver.list_nodes() == []
        paths = {entry.path for entry in campus.journal.entries("POST")}
        assert "/run" in paths
