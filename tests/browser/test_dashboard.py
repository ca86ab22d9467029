from __future__ import annotations

import re
from typing import Any

import pytest
from endpoints_under_test import LOCATIONS, Driver, LiveEndpoint

from slipstream.sandbox import Sandbox

pytestmark = pytest.mark.parametrize("endpoint", LOCATIONS, indirect=True)
STATES = {
    "slipstream": ["Initializing", "Provisioning", "Executing", "SendingReports", "Ready"],
    "nuvla": ["STARTING", "STARTED"],
}


@pytest.fixture(autouse=True)
def quick(chromium: Any) -> None:
    """Without a browser nothing else is begun."""


def overflow(page: Any) -> int:
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(script))


def wait_for(page: Any, part: str, text: str) -> None:
    """Wait until the page, which is not loaded again, shows a text in one of its parts."""
    page.locator(f"#{part}").get_by_text(text).first.wait_for(timeout=10_000)


def test_page_is_not_wider_than_the_window(
    page: Any, endpoint: LiveEndpoint, sandbox: Sandbox, driver: Driver
) -> None:
    assert overflow(page) == 0
    sandbox.world.next_failure = "a-reason-without-any-spaces/" * 20
    endpoint.deploy(driver, "a-name-without-any-spaces" * 5)
    sandbox.clock.advance(60)
    page.reload()
    wait_for(page, "deployments", "a-name-without")
    assert overflow(page) == 0


def test_deployment_goes_through_its_states_and_its_stand_in_is_a_click_away(
    page: Any, endpoint: LiveEndpoint, sandbox: Sandbox, driver: Driver
) -> None:
    page.evaluate("window.wasReloaded = false")
    node = endpoint.deploy(driver, "my-blog")
    for state in STATES[sandbox.family]:
        while driver.ex_get_node(node.id).extra["state"] != state:
            sandbox.clock.advance(10)
        wait_for(page, "deployments", state)
    assert page.evaluate("window.wasReloaded") is False
    page.get_by_role("link", name="Open").click()
    page.get_by_text("This page is a stand-in").wait_for()
    assert overflow(page) == 0
    page.get_by_role("link", name="dashboard").click()
    wait_for(page, "deployments", "my-blog")


def test_buttons_change_the_clock_and_the_faults(
    page: Any, sandbox: Sandbox, driver: Driver
) -> None:
    wait_for(page, "clock", "paused")
    before = sandbox.clock.now()
    page.get_by_role("button", name="+1 min").click()
    wait_for(page, "clock", "paused")
    assert (sandbox.clock.now() - before).total_seconds() == 60
    page.get_by_role("button", name="20\N{MULTIPLICATION SIGN}").click()
    wait_for(page, "clock", "20 times the real speed")
    page.get_by_role("button", name="Fail the next request").click()
    wait_for(page, "faults", "gets 503")
    driver.list_nodes()
    wait_for(page, "faults", "None is waiting")
    wait_for(page, "requests", "503")


def test_dark_and_light_differ_and_are_legible(page: Any) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        script = """() => [...document.querySelectorAll("body, h2, small, button, a, pre, .state")]
            .map((node) => {
              let under = node;
              while (getComputedStyle(under).backgroundColor === "rgba(0, 0, 0, 0)")
                under = under.parentElement;
              return [getComputedStyle(node).color, getComputedStyle(under).backgroundColor];
            })"""
        pairs = page.evaluate(script)
        assert min(contrast(*pair) for pair in pairs) >= 4.5
        backgrounds.add(pairs[0][1])
    assert len(backgrounds) == 2


def contrast(text: str, background: str) -> float:
    """The ratio of contrast of the Web Content Accessibility Guidelines."""
    darker, lighter = sorted(luminance(colour) for colour in (text, background))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_without_scripts_the_page_reloads_itself(
    chromium: Any, endpoint: LiveEndpoint, driver: Driver
) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(endpoint.url)
        page.get_by_text("Nothing is deployed yet").wait_for()
        endpoint.deploy(driver, "my-blog")
        wait_for(page, "deployments", "my-blog")


def test_new_sandbox_at_the_same_address_loads_the_page_again(page: Any, sandbox: Sandbox) -> None:
    sandbox.stop()
    sandbox.start()
    page.get_by_role("button", name="+1 min").wait_for()
    page.wait_for_timeout(2500)
    before = sandbox.clock.now()
    page.get_by_role("button", name="+1 min").click()
    wait_for(page, "clock", "paused")
    assert (sandbox.clock.now() - before).total_seconds() == 60


def test_unchanged_parts_stay(page: Any, sandbox: Sandbox) -> None:
    page.evaluate("document.getElementById('images').mark = 1")
    sandbox.clock.advance(60)
    now = sandbox.clock.now().strftime("%H:%M:%S")
    wait_for(page, "clock", now)
    assert page.evaluate("document.getElementById('images').mark") == 1


def test_end_of_the_sandbox_is_shown(page: Any, sandbox: Sandbox) -> None:
    assert not page.get_by_text("The sandbox has ended").is_visible()
    page.route("**/*", lambda route: route.abort())
    page.get_by_text("The sandbox has ended").wait_for(timeout=10_000)
    page.unroute("**/*")
    page.get_by_text("The sandbox has ended").wait_for(state="hidden", timeout=10_000)
