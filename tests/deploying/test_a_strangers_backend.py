"""A backend of somebody else's never ignores a key by accident."""

from __future__ import annotations

import attrs
import pytest
from places import Place

from slipstream.backends import SLIPSTREAM_3
from slipstream.errors import BadInput
from slipstream.values.deployment_request import DeploymentRequest
from slipstream.values.ssh_key import SSHKey

from .conftest import profile
from .pairs import Pair


@pytest.mark.parametrize("place", ["campus"], indirect=True)
def test_a_backend_takes_keys_only_where_it_says_so(place: Place, pair: Pair) -> None:
    driver = place.login()
    kind = driver._session.kind
    assert kind.backend.takes_ssh_keys
    silent = {
        field.name: getattr(SLIPSTREAM_3, field.name) for field in attrs.fields(type(SLIPSTREAM_3))
    }
    del silent["takes_ssh_keys"]
    driver._session.kind = attrs.evolve(kind, backend=type(SLIPSTREAM_3)(**silent))
    before = profile(place)
    request = DeploymentRequest(
        module_id="apps/WordPress/wordpress", ssh_key=SSHKey.parse(pair.public)
    )
    place.sandbox.journal.clear()
    with pytest.raises(BadInput, match="campus endpoints put no SSH keys"):
        driver._plugins.deploy(driver._session, request)
    assert list(place.sandbox.journal) == []
    assert profile(place) == before
