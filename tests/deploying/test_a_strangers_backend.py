"""A backend of somebody else's never ignores a key by accident."""

from __future__ import annotations

import pytest
from places import Place

from slipstream.backends import SlipStream3
from slipstream.errors import BadInput
from slipstream.values.deployment_request import DeploymentRequest
from slipstream.values.ssh_key import SSHKey

from .conftest import profile
from .pairs import Pair


@pytest.mark.parametrize("place", ["campus"], indirect=True)
def test_a_backend_takes_keys_only_where_it_says_so(
    place: Place, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = place.login()
    assert driver._backend.takes_ssh_keys
    monkeypatch.setattr(SlipStream3, "takes_ssh_keys", False)
    before = profile(place)
    request = DeploymentRequest(
        module_id="apps/WordPress/wordpress", ssh_key=SSHKey.parse(pair.public)
    )
    place.sandbox.journal.clear()
    with pytest.raises(BadInput, match="campus endpoints put no SSH keys"):
        driver._backend.deploy(request)
    assert list(place.sandbox.journal) == []
    assert profile(place) == before
