"""Nuvla's own client finds, builds, adds and changes modules."""

from __future__ import annotations

from typing import Any

import pytest
from driving import Client, ClientFailure, Official

from slipstream.sandbox import Sandbox

_COMPOSE = "services:\n  hello:\n    image: hello-world\n    ports: ['80']\n"


def _project(path: str) -> dict[str, Any]:
    return {"path": path, "subtype": "project", "name": path.rpartition("/")[2]}


def _application(path: str) -> dict[str, Any]:
    content = {"commit": "first", "docker-compose": _COMPOSE}
    return {
        "path": path,
        "subtype": "application",
        "compatibility": "docker-compose",
        "name": path.rpartition("/")[2],
        "content": content,
    }


@pytest.mark.proves("Module.find")
def test_app_store_is_searched(alice: Client) -> None:
    store = "published=true and subtype!='project' and parent-path!='apps-sets'"

    found = alice.of("Module").find(filter=store, orderby="created:desc").data

    assert {one["path"] for one in found["resources"]} >= {
        "apps/WordPress/wordpress",
        "apps/web/whoami",
        "apps/web/nginx",
    }
    assert all("content" not in one for one in found["resources"])


@pytest.mark.proves("Module.get_by_path", "Module.get_by_id", "Module.get_urls")
def test_module_is_read_by_path_and_by_id(alice: Client) -> None:
    modules = alice.of("Module")

    found = modules.get_by_path("apps/WordPress/wordpress")

    assert modules.get_by_id(found["id"]) == found
    assert found["content"]["id"] == found["versions"][-1]["href"]
    assert modules.get_urls(found["id"]) == dict(found["content"]["urls"])
    old = modules.get_by_id(f"{found['id']}_0")
    assert old["content"]["id"] == found["versions"][0]["href"] != found["content"]["id"]
    assert modules.get_by_path("apps/none") == {}
    # The client leaves the version it is given aside.
    assert modules.get_by_path("apps/WordPress/wordpress", version=0) == found


@pytest.mark.proves("Module.create")
def test_module_is_added_below_a_project(alice: Client, sandbox: Sandbox) -> None:
    modules = alice.of("Module")

    project = modules.create(_project("mine"))
    made = modules.create(_application("mine/hello"))

    assert modules.get_by_id(project)["subtype"] == "project"
    found = modules.get_by_id(made)
    assert (found["path"], found["parent-path"]) == ("mine/hello", "mine")
    assert found["content"]["docker-compose"] == _COMPOSE
    # The client signs with the name that logged in.
    assert found["content"]["author"] == sandbox.username
    assert modules.create(_application("mine/hello"), exist_ok=True) == made
    with pytest.raises(ClientFailure, match="path 'mine/hello' already exist") as caught:
        modules.create(_application("mine/hello"))
    assert caught.value.status == 409


@pytest.mark.proves("ModuleBuilder.path", "ModuleBuilder.build")
def test_project_is_built_and_added(alice: Client, official: Official) -> None:
    modules = alice.of("Module")

    made = modules.create(official.make("ProjectBuilder").path("mine").build())

    found = modules.get_by_id(made)
    assert (found["path"], found["subtype"], found["name"]) == ("mine", "project", "mine")


@pytest.mark.proves("Module.update")
def test_updated_content_is_a_new_version(alice: Client) -> None:
    modules = alice.of("Module")
    modules.create(_project("mine"))
    module = modules.get_by_id(modules.create(_application("mine/hello")))

    module["content"]["commit"] = "second"
    updated = modules.update(module)

    assert len(updated["versions"]) == 2
    latest = modules.get_by_id(module["id"])
    assert latest["content"]["commit"] == latest["versions"][1]["commit"] == "second"
    assert modules.get_by_id(f"{module['id']}_0")["content"]["commit"] == "first"


@pytest.mark.proves("operation")
def test_version_is_published_withdrawn_and_deleted(alice: Client) -> None:
    modules = alice.of("Module")
    modules.create(_project("mine"))
    made = modules.create(_application("mine/hello"))
    module = alice.get(made)

    assert alice.operation(module, "publish").data["message"] == "published successfully"
    assert modules.get_by_id(made)["published"] is True
    alice.operation(module, "unpublish")
    assert modules.get_by_id(made)["published"] is False
    alice.operation(module, "delete-version")
    with pytest.raises(ClientFailure, match="not found"):
        modules.get_by_id(f"{made}_0")


@pytest.mark.proves("ResourceBase.delete")
def test_project_is_deleted_once_it_is_empty(alice: Client) -> None:
    modules = alice.of("Module")
    project = modules.create(_project("mine"))
    made = modules.create(_application("mine/hello"))

    with pytest.raises(ClientFailure, match="Cannot delete project with children") as caught:
        modules.delete(project)
    assert caught.value.status == 403

    assert modules.delete(made) == made
    assert modules.delete(project) == project
    assert modules.get_by_path("mine") == {}


@pytest.mark.parametrize(
    ("module", "status", "reason"),
    [
        pytest.param(_application("alone"), 400, "must have a parent project", id="root"),
        pytest.param(_application("a/b"), 400, "No parent project found", id="no-parent"),
        pytest.param(_application("apps/web/whoami/a"), 403, "must be a project", id="no-project"),
        pytest.param(_application("private/a"), 400, "No parent project found", id="unseen"),
    ],
)
def test_module_in_the_wrong_place_is_refused(
    alice: Client, module: dict[str, Any], status: int, reason: str
) -> None:
    with pytest.raises(ClientFailure, match=reason) as caught:
        alice.of("Module").create(module)

    assert caught.value.status == status


@pytest.mark.proves(
    "ModuleBuilder.name",
    "ModuleBuilder.description",
    "ModuleBuilder.path",
    "AppBuilder.author",
    "AppBuilder.commit",
    "AppBuilder.logo_url",
    "AppBuilder.env_var",
    "AppBuilder.output_parm",
    "AppBuilder.url",
    "AppBuilder.file",
    "AppBuilder.files",
    "AppBuilder.script",
    "AppBuilder.data_content_type",
    "AppBuilder.registry",
    "AppBuilder.registry_and_cred",
    "AppBuilder.build",
)
def test_application_is_built_and_added(alice: Client, official: Official, place: str) -> None:
    group = alice.of("InfraServiceGroup").create("images")
    registries = [
        alice.of("InfraServiceRegistry").create(f"https://{name}.example.org", group)
        for name in ("one", "two")
    ]
    account = alice.of("CredentialDockerRegistry").create("me", "mine", registries[1], "me")
    modules = alice.of("Module")
    modules.create(_project("mine"))

    module = (
        official.make("AppBuilderK8s")
        .name("Hello")
        .description("says so")
        .path("/mine/hello")
        .logo_url("https://example.org/logo.png")
        .author("me")
        .commit("a start")
        .env_var("GREETING", "hello", required=True, description="what it says")
        .output_parm("greeted", "who was")
        .url("door", "http://${hostname}/")
        .file("a.txt", "A")
        .files([["b.txt", "B"]])
        .script("kind: Deployment\n")
        .data_content_type("text/plain")
        .registry(registries[0])
        .registry_and_cred(registries[1], account)
        .build()
    )
    found = modules.get_by_id(modules.create(module))

    assert {name: found[name] for name in module if name != "content"} == {
        name: value for name, value in module.items() if name != "content"
    }
    assert (found["path"], found["subtype"]) == ("mine/hello", "application_kubernetes")
    content = found["content"]
    assert {name: content[name] for name in module["content"]} == module["content"]
    assert [one["file-name"] for one in content["files"]] == ["a.txt", "b.txt"]
    assert content["private-registries"] == registries


@pytest.mark.proves(
    "AppBuilderHelm.helm_repo",
    "AppBuilderHelm.helm_chart_name",
    "AppBuilderHelm.chart_absolute_url",
    "AppBuilderHelm.chart_version",
    "AppBuilderHelm.chart_values",
)
def test_helm_application_is_built_and_added(alice: Client, official: Official) -> None:
    [repository] = alice.of("InfraService", subtype="helm-repo").id_by_name("charts")
    modules = alice.of("Module")
    modules.create(_project("mine"))

    def built() -> Client:
        found: Client = (
            official.make("AppBuilderHelm")
            .path("mine/redis")
            .author("me")
            .helm_repo(repository)
            .helm_chart_name("redis")
            .chart_version("20.1.0")
            .chart_values("replicas: 2\n")
        )
        return found

    # The client's word for the credential is not the server's.
    with pytest.raises(ClientFailure, match="helm-repo-creds") as caught:
        modules.create(built().helm_repo_creds("credential/1").build())
    assert caught.value.status == 400
    twice = built().chart_absolute_url("https://charts.example.org/redis.tgz")
    with pytest.raises(ClientFailure, match="Mandatory fields mismatch"):
        modules.create(twice.build())
    found = modules.get_by_id(modules.create(built().build()))

    assert found["subtype"] == "application_helm"
    content = found["content"]
    assert (content["helm-repo-url"], content["helm-chart-name"]) == (repository, "redis")
    assert (content["helm-chart-version"], content["helm-chart-values"]) == (
        "20.1.0",
        "replicas: 2\n",
    )


def test_compose_application_cannot_be_built(alice: Client, official: Official) -> None:
    builder = official.make("AppBuilderDocker").path("apps/web/hello").author("me")

    # The builder leaves out which kind of Compose it is.
    with pytest.raises(ClientFailure, match="should have compatibility attribute") as caught:
        alice.of("Module").create(builder.script(_COMPOSE).build())

    assert caught.value.status == 400
