from __future__ import annotations

import pytest
import requests

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Clock, Sandbox
from slipstream.sandbox.nuvla.parameters import compose_services, kubernetes_services


def test_a_blog_has_its_address_among_its_parameters_and_answers_there(alice: Client) -> None:
    deployment = alice.deployment()
    content = {"environmental-variables": [{"name": "wordpress_title", "value": "A <b> C"}]}
    alice.edit(deployment, {"module": {"content": content}})
    alice.act(f"{deployment}/start")
    alice.sandbox.clock.advance(60)
    values = alice.parameters(deployment)
    ((_, pattern),) = alice.read(deployment)["module"]["content"]["urls"]
    for name, value in values.items():
        pattern = pattern.replace(f"${{{name}}}", value or "")
    assert "$" not in pattern
    page = requests.get(pattern, timeout=10)
    assert "<title>A &lt;b&gt; C</title>" in page.text
    alice.act(f"{deployment}/stop")
    alice.sandbox.clock.advance(60)
    assert requests.get(pattern, timeout=10).status_code == 404


def test_an_output_parameter_has_no_value_until_it_is_set(alice: Client) -> None:
    deployment = alice.started()
    assert alice.parameters(deployment)["admin_url"] is None
    alice.world.set_parameter(deployment, "admin_url", "http://x/")
    alice.world.set_parameter(deployment, "brand-new", "1")
    assert alice.parameters(deployment)["admin_url"] == "http://x/"
    assert alice.parameters(deployment)["brand-new"] == "1"


@pytest.mark.parametrize(
    ("path", "credential", "expected"),
    [
        (
            "apps/WordPress/wordpress",
            "edge-geneva swarm",
            {"hostname": "10.8.0.3", "ip.vpn": "10.8.0.3", "ip.public": "203.0.113.9"},
        ),
        (
            "apps/web/whoami",
            "swarm-lausanne admin",
            {
                "whoami.mode": "replicated",
                "whoami.replicas.running": "1",
                "whoami.image": "traefik/whoami",
            },
        ),
    ],
    ids=["edge", "swarm"],
)
def test_parameters_are_the_addresses_of_an_edge_and_the_services_of_a_swarm(
    alice: Client, path: str, credential: str, expected: dict[str, str]
) -> None:
    values = alice.parameters(alice.started(path, credential))
    assert expected.items() <= values.items()
    assert path != "apps/web/whoami" or values["whoami.udp.53"].isdigit()


def test_the_address_is_the_one_that_the_sandbox_listens_on() -> None:
    with Sandbox(family="nuvla", clock=Clock(speed=0), host="localhost") as sandbox:
        alice = Client(sandbox, sandbox.users["alice"])
        assert alice.parameters(alice.started())["hostname"] == "localhost"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("volumes: {}\n", []),
        ("services:\n  a:\n    image: 'x:1'\n", [("a", "x:1", ())]),
        (
            "services:\n    a:\n        ports:\n            - 80\n    b:\n        image: y",
            [("a", "", (("tcp", 80),)), ("b", "y", ())],
        ),
        (
            "version: '3'\nservices:\n  a:\n    ports: ['8080:80', 53/udp]\nvolumes:\n  v:\n",
            [("a", "", (("tcp", 80), ("udp", 53)))],
        ),
    ],
)
def test_a_compose_file_is_read(text: str, expected: list[tuple[str, str, object]]) -> None:
    assert [(item.node, item.image, item.ports) for item in compose_services(text)] == expected


def test_a_manifest_is_read() -> None:
    text = (
        "kind: Service\nmetadata:\n  name: inner\nspec:\n  ports:\n    - port: 80\n---\n"
        "kind: ConfigMap\nmetadata:\n  name: x\n---\nkind: Deployment\nmetadata:\n  name: d\n"
    )
    services = [(item.node, item.ports) for item in kubernetes_services(text)]
    assert services == [("Service.inner", ()), ("Deployment.d", ())]
