"""Nuvla's own client adds services and the credentials for them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from driving import Client, Connect, Official

from slipstream.sandbox import Sandbox

_ENDPOINT = "https://cluster.example.org:6443"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_CONFIG = {
    "current-context": "at-home",
    "contexts": [{"name": "at-home", "context": {"cluster": "home", "user": "me"}}],
    "clusters": [
        {
            "name": "home",
            "cluster": {"server": _ENDPOINT, "certificate-authority-data": _encoded("the CA")},
        }
    ],
    "users": [
        {
            "name": "me",
            "user": {
                "client-certificate-data": _encoded("my certificate"),
                "client-key-data": _encoded("my key"),
            },
        }
    ],
}


@pytest.fixture
def cluster(alice: Client) -> str:
    [service] = alice.of("InfraService", subtype="kubernetes").id_by_name("k8s-lausanne")
    return str(service)


@pytest.mark.proves("CredentialCOE.create", "Credential.find_parent", "Credential.id_by_name")
@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("CredentialK8s", "infrastructure-service-kubernetes"),
        ("CredentialDockerSwarm", "infrastructure-service-swarm"),
    ],
)
def test_certificate_becomes_a_credential_of_the_service(
    alice: Client, cluster: str, kind: str, subtype: str
) -> None:
    credentials = alice.of(kind)

    made = credentials.create("the CA", "my certificate", "my key", cluster, "me at home")

    found = alice.get(made).data
    assert (found["subtype"], found["parent"]) == (subtype, cluster)
    assert (found["ca"], found["cert"], found["key"]) == ("the CA", "my certificate", "my key")
    assert made in [one.id for one in credentials.find_parent(cluster)]
    assert credentials.id_by_name("me at home") == [made]
    assert credentials.id_by_name("nobody") == []


@pytest.mark.proves("CredentialS3.create")
def test_keys_of_a_store_become_a_credential(alice: Client, cluster: str) -> None:
    made = alice.of("CredentialS3").create("an id", "a secret", cluster, "buckets")

    found = alice.get(made).data
    assert (found["subtype"], found["access-key"]) == ("infrastructure-service-minio", "an id")


@pytest.mark.proves("CredentialDockerRegistry.create")
def test_account_at_a_registry_becomes_a_credential(alice: Client, cluster: str) -> None:
    made = alice.of("CredentialDockerRegistry").create("me", "mine", cluster, "images")

    found = alice.get(made).data
    assert (found["subtype"], found["username"]) == ("infrastructure-service-registry", "me")


@pytest.mark.proves("Credential.build_template", "Credential.create_from_template")
def test_credential_is_made_from_a_template(alice: Client, cluster: str) -> None:
    tokens = alice.of("Credential", subtype="swarm-token")
    data = {"scope": "WORKER", "token": "SWMTKN-1"}

    template = tokens.build_template(data, cluster, "joining")
    made = tokens.create_from_template(data, cluster, "joining")

    assert template["template"]["href"] == "credential-template/swarm-token"
    assert template["description"] == "joining"
    found = alice.get(made).data
    assert (found["subtype"], found["scope"], found["parent"]) == (
        "swarm-token",
        "WORKER",
        cluster,
    )


@pytest.mark.proves("CredentialK8s.create_from_file", "CredentialK8s.create_from_config")
def test_configuration_of_kubectl_becomes_a_credential(
    alice: Client, cluster: str, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(_CONFIG))
    credentials = alice.of("CredentialK8s")

    made = credentials.create_from_file(str(file), cluster, "at-home")
    again = credentials.create_from_config(_CONFIG, cluster, "at-home", name="again")

    for one, name in ((made, "home"), (again, "again")):
        found = alice.get(one).data
        assert (found["name"], found["ca"], found["cert"], found["key"]) == (
            name,
            "the CA",
            "my certificate",
            "my key",
        )


@pytest.mark.proves(
    "KubeConfig.decode",
    "KubeConfig.from_string",
    "KubeConfig.from_file",
    "KubeConfig.get_certs",
    "KubeConfig.get_client_creds",
    "KubeConfig.get_cluster_and_user",
    "KubeConfig.get_cluster_cacert",
    "KubeConfig.get_cluster_endpoint",
)
def test_configuration_of_kubectl_is_read(official: Official, tmp_path: Path) -> None:
    kube, file = official.make("KubeConfig"), tmp_path / "config"
    file.write_text(yaml.safe_dump(_CONFIG))

    assert kube.decode(_encoded("plain")) == "plain"
    assert kube.from_string(file.read_text()) == kube.from_file(str(file)) == _CONFIG
    assert kube.get_cluster_and_user(_CONFIG) == ["home", "me"]
    assert kube.get_cluster_endpoint(_CONFIG, "home") == _ENDPOINT
    assert kube.get_cluster_cacert(_CONFIG, "home") == "the CA"
    assert kube.get_client_creds(_CONFIG, "me") == ["my certificate", "my key"]
    assert kube.get_certs(_CONFIG) == ["the CA", "my certificate", "my key"]


@pytest.mark.proves("add")
def test_new_api_key_logs_in_until_it_is_deleted(
    alice: Client, connect: Connect, sandbox: Sandbox
) -> None:
    template = {"href": "credential-template/generate-api-key", "ttl": 3600}

    made = alice.add("credential", {"name": "laptop", "template": template}).data

    key, secret = made["resource-id"], made["secret-key"]
    assert connect().login_apikey(key, secret)["status"] == 201
    alice.delete(key)
    assert connect().login_apikey(key, secret)["status"] == 403
    again = alice.add("credential", {"name": "laptop", "template": template}).data
    sandbox.clock.advance(3601)
    assert connect().login_apikey(again["resource-id"], again["secret-key"])["status"] == 403


@pytest.mark.proves("add")
def test_private_part_of_a_generated_ssh_key_is_shown_once(alice: Client) -> None:
    template = {"href": "credential-template/generate-ssh-key"}

    made = alice.add("credential", {"name": "laptop", "template": template}).data

    assert made["private-key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    found = alice.get(made["resource-id"]).data
    assert (found["subtype"], found["public-key"]) == ("ssh-key", made["public-key"])
    assert "private-key" not in found
