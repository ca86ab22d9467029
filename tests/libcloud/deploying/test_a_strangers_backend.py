"""A backend of somebody else's never ignores a key by accident."""

from __future__ import annotations

import pytest
from endpoints_under_test import LiveEndpoint
from key_files import Pair

from slipstream.backends import SlipStream3
from slipstream.errors import BadInput
from slipstream.values.deployment_request import DeploymentRequest
from slipstream.values.ssh_key import SSHKey

from .conftest import profile


@pytest.mark.parametrize("endpoint", ["campus"], indirect=True)
def test_a_backend_takes_keys_only_where_it_says_so(
    endpoint: LiveEndpoint, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = endpoint.login()
    assert driver._backend.takes_ssh_keys
    monkeypatch.setattr(SlipStream3, "takes_ssh_keys", False)
    before = profile(endpoint)
    request = DeploymentRequest(
        module_id="apps/WordPress/wordpress", ssh_key=SSHKey.parse(pair.public)
    )
    endpoint.sandbox.journal.clear()
    with pytest.raises(BadInput, match="campus endpoints put no SSH keys"):
        driver._backend.deploy(request)
    assert list(endpoint.sandbox.journal) == []
    assert profile(endpoint) == before
