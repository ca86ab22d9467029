"""SlipStream's own client is told why a deployment is refused."""

from __future__ import annotations

import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"


def test_word_that_is_no_keep_running_never_leaves_the_client(
    alice: Client, sandbox: Sandbox
) -> None:
    with pytest.raises(ClientFailure, match='"keep_running" should be one of'):
        alice.deploy(_SYSTEM, keep_running="sometimes")

    assert sandbox.journal.entries("POST", "/run") == []


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


def test_missing_ssh_key_matters_where_it_is_checked(root: Client, sandbox: Sandbox) -> None:
    # The privileged user of the sandbox has no key.
    with pytest.raises(ClientFailure) as caught:
        root.deploy(_WORDPRESS, "exoscale-ch-gva", check_ssh_key=True)

    assert caught.value.message == "Missing public key in your user profile."
    sent = sandbox.journal.entries("POST", "/run")[0].form
    assert sent is not None
    assert "bypass-ssh-check" not in sent


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("no/such/module", 404, id="unknown"),
        pytest.param("examples/private/system", 403, id="forbidden"),
    ],
)
def test_module_that_cannot_be_deployed_says_why(alice: Client, path: str, status: int) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.deploy(path)

    assert (caught.value.kind, caught.value.status) == ("HTTPError", status)
