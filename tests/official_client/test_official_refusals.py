"""SlipStream's own client is told why a deployment is refused."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"


@pytest.mark.parametrize(
    ("path", "arguments", "reason"),
    [
        pytest.param(
            _WORDPRESS,
            {"parameters": {"titel": "x"}},
            "Unknown parameter: titel in node: machine",
            id="unknown-parameter",
        ),
        pytest.param(
            _SYSTEM,
            {"cloud": "exoscale-ch-gva"},
            "Invalid key format for Deployment module: parameter--cloudservice",
            id="one-cloud-for-an-application",
        ),
        pytest.param(
            _SYSTEM,
            {"multiplicity": {"nginx": 2}},
            "Unknown node: nginx",
            id="unknown-node",
        ),
        pytest.param(
            _WORDPRESS,
            {"cloud": "no-cloud"},
            "Missing image id for base image: examples/images/ubuntu-16.04 on cloud service",
            id="unknown-cloud",
        ),
        pytest.param(
            _WORDPRESS,
            {"parameters": {"service-offer": "service-offer/none"}},
            "Failed to find the service offer 'service-offer/none'",
            id="unknown-size",
        ),
        pytest.param(
            _WORDPRESS,
            {"parameters": {"keep-running": "sometimes"}},
            "Value of keep-running should be one of the following: ",
            id="unknown-word",
        ),
    ],
)
def test_broken_rule_is_told_in_the_servers_words(
    alice: Client, sandbox: Sandbox, path: str, arguments: dict[str, object], reason: str
) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.deploy(path, **arguments)

    assert caught.value.kind == "SlipStreamError"
    assert caught.value.message.startswith(reason)
    assert sandbox.journal[-1].status == 409
    assert sandbox.world.runs == {}
