"""A real browser: Debian's chromium, driven by playwright, which brings none of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from slipstream.sandbox import Sandbox

WIDTHS = (1280, 390)


def _skip(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        _skip("There is no chromium. Install it with apt-get install chromium.")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _skip("Playwright is not installed. Run make test-browser, which installs it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, chromium: Any, sandbox: Sandbox) -> Iterator[Any]:
    """The dashboard in a window of one of the widths; errors of the page fail the test."""
    page = chromium.new_page(viewport={"width": request.param, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))

    def refuse_outside_assets(sent: Any) -> None:
        if not sent.url.startswith(sandbox.url):
            errors.append(sent.url)

    page.on("request", refuse_outside_assets)
    page.goto(sandbox.url)
    yield page
    page.close()
    # What a test cuts off is in the console as well.
    assert [error for error in errors if "net::ERR_" not in error] == []
