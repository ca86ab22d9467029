"""A creation of several requests that is interrupted half-way."""

from __future__ import annotations

from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver

pytestmark = pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
PARTS = pytest.mark.parametrize("part", ["PUT", "start"])


@pytest.fixture
def interrupt(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Interrupt before a request is sent, or while its answer is awaited."""

    def arrange(part: str, *, after: bool) -> None:
        send = driver._session.transport.send

        def interrupted(request: Any, **options: Any) -> Any:
            path = request.path.removeprefix("/api/")
            if not path.startswith("deployment/") or part not in (request.method, path[-5:]):
                return send(request, **options)
            if after:
                send(request, **options)
            raise KeyboardInterrupt

        monkeypatch.setattr(driver._session.transport, "send", interrupted)

    return arrange


@PARTS
@pytest.mark.parametrize("after", [False, True])
def test_what_was_made_is_deleted_and_the_interruption_goes_on(
    endpoint: LiveEndpoint, driver: Driver, interrupt: Any, part: str, after: bool
) -> None:
    image, location = endpoint.image(driver), endpoint.location(driver)
    interrupt(part, after=after)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.create_node("blog", image=image, location=location)
    endpoint.pass_time()
    assert driver.list_nodes() == []
    (note,) = caught.value.__notes__
    assert note.endswith("was created, and was deleted again or will be soon.")


def test_what_cannot_be_deleted_is_named_by_the_interruption(
    endpoint: LiveEndpoint, driver: Driver, interrupt: Any
) -> None:
    image, location = endpoint.image(driver), endpoint.location(driver)
    interrupt("PUT", after=False)
    endpoint.sandbox.faults.add("DELETE", "/api/deployment/.*", status=403, times=None)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.create_node("blog", image=image, location=location)
    (node,) = driver.list_nodes()
    assert caught.value.__notes__ == [
        f"{node.id} was created and could not be deleted again; destroy it."
    ]
