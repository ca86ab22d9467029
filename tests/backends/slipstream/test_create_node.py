from __future__ import annotations

import copy
from typing import Any

import pytest
from libcloud.compute.base import NodeImage, NodeLocation, NodeSize

from slipstream.backends.slipstream.modules import ModuleBackend
from slipstream.libcloud.errors import NoAnswer, RequestFailed, UnknownName
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.runs import Run
from slipstream.values import Module, ModuleKind

from .support import SYSTEM, UBUNTU, WORDPRESS, Driver, sent_form

OFFER = "(2/4096/50 Medium) [CH]"


@pytest.fixture
def component(driver: Driver) -> NodeImage:
    return driver.get_image(WORDPRESS)


@pytest.fixture
def application(driver: Driver) -> NodeImage:
    return driver.get_image(SYSTEM)


@pytest.fixture
def size(driver: Driver) -> NodeSize:
    return next(size for size in driver.list_sizes() if size.name == OFFER)


@pytest.fixture
def location(driver: Driver) -> NodeLocation:
    return next(item for item in driver.list_locations() if item.name == "exoscale-ch-gva")


def only_run(sandbox: Sandbox) -> Run:
    (run,) = sandbox.world.runs.values()
    return run


def test_the_least_that_is_sent_names_the_version_and_leaves_the_keys_alone(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    node = driver.create_node(image=component)
    assert sent_form(sandbox) == {
        "refqname": f"module/{WORDPRESS}/478",
        "bypass-ssh-check": "true",
    }
    assert node.id == only_run(sandbox).uuid


def test_an_older_version_is_deployed_when_it_is_the_one_given(
    driver: Driver, sandbox: Sandbox
) -> None:
    driver.create_node(image=driver.get_image(f"{WORDPRESS}/412"))
    assert only_run(sandbox).module.version == 412


def test_an_image_made_by_hand_without_a_version_deploys_the_latest(
    driver: Driver, sandbox: Sandbox
) -> None:
    driver.create_node(image=NodeImage(WORDPRESS, "wordpress", driver))
    assert sent_form(sandbox)["refqname"] == f"module/{WORDPRESS}/478"


def test_every_option_of_a_component_reaches_the_server(
    driver: Driver,
    component: NodeImage,
    size: NodeSize,
    location: NodeLocation,
    sandbox: Sandbox,
) -> None:
    driver.create_node(
        "blog",
        size,
        component,
        location,
        ex_tags=["prod", "eu"],
        ex_parameters={"wordpress_title": "Über <b>&amp; 'us'", "admin_email": "a@example.org"},
        ex_keep_running="always",
        ex_check_ssh_key=True,
    )
    assert sent_form(sandbox) == {
        "refqname": f"module/{WORDPRESS}/478",
        "tags": "blog,prod,eu",
        "keep-running": "always",
        "parameter--wordpress_title": "Über <b>&amp; 'us'",
        "parameter--admin_email": "a@example.org",
        "parameter--cloudservice": "exoscale-ch-gva",
        "parameter--service-offer": size.id,
    }
    assert only_run(sandbox).get("machine:wordpress_title") == "Über <b>&amp; 'us'"
    assert only_run(sandbox).get("machine:service-offer") == size.id


def test_every_option_of_an_application_reaches_the_server(
    driver: Driver, application: NodeImage, size: NodeSize, sandbox: Sandbox
) -> None:
    driver.create_node(
        "tests",
        size,
        application,
        ex_tags="prod, eu",
        ex_cloud={"apache": "exoscale-ch-gva"},
        ex_parameters={"apache": {"port": 80}},
        ex_keep_running="on-error",
        ex_multiplicity={"testclient": 3},
        ex_tolerate_failures={"testclient": 1},
        ex_scalable=True,
    )
    assert sent_form(sandbox) == {
        "refqname": f"module/{SYSTEM}/540",
        "tags": "tests,prod,eu",
        "keep-running": "on-error",
        "bypass-ssh-check": "true",
        "mutable": "on",
        "parameter--node--apache--cloudservice": "exoscale-ch-gva",
        "parameter--node--apache--port": "80",
        "parameter--node--apache--service-offer": size.id,
        "parameter--node--testclient--service-offer": size.id,
        "parameter--node--testclient--multiplicity": "3",
        "parameter--node--testclient--max-provisioning-failures": "1",
    }
    run = only_run(sandbox)
    assert run.get("apache.1:port") == "80"
    assert run.get("testclient:multiplicity") == "3"
    assert run.mutable


@pytest.mark.parametrize("by", ["location", "ex_cloud"])
def test_one_cloud_for_an_application_is_given_to_each_of_its_nodes(
    driver: Driver,
    application: NodeImage,
    location: NodeLocation,
    sandbox: Sandbox,
    by: str,
) -> None:
    value: Any = location if by == "location" else location.name
    driver.create_node(image=application, **{by: value})
    form = sent_form(sandbox)
    assert "parameter--cloudservice" not in form
    assert form["parameter--node--apache--cloudservice"] == "exoscale-ch-gva"
    assert form["parameter--node--testclient--cloudservice"] == "exoscale-ch-gva"


def test_a_cloud_may_be_named_with_or_without_its_prefix(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    driver.create_node(image=component, ex_cloud="connector/ec2-eu-west")
    assert sent_form(sandbox)["parameter--cloudservice"] == "ec2-eu-west"


def test_a_size_given_for_a_node_by_its_own_name_wins_over_the_size_for_all(
    driver: Driver, application: NodeImage, size: NodeSize, sandbox: Sandbox
) -> None:
    other = next(item for item in driver.list_sizes() if item.name == "(1/512/10 Micro) [CH]")
    driver.create_node(
        image=application, size=size, ex_parameters={"apache": {"service-offer": other.id}}
    )
    form = sent_form(sandbox)
    assert form["parameter--node--apache--service-offer"] == other.id
    assert form["parameter--node--testclient--service-offer"] == size.id


@pytest.mark.parametrize("value", ["'quoted'", '"quoted"', "plain", "'", "it's", "a:b"])
def test_quotes_around_the_value_of_an_application_arrive_as_they_are(
    driver: Driver, application: NodeImage, sandbox: Sandbox, value: str
) -> None:
    driver.create_node(image=application, ex_parameters={"apache": {"port": value}})
    assert only_run(sandbox).get("apache.1:port") == value


@pytest.mark.parametrize(
    ("given", "sent"), [(True, "true"), (False, "false"), (3, "3"), (0.5, "0.5")]
)
def test_numbers_and_booleans_are_sent_as_text(
    driver: Driver, component: NodeImage, sandbox: Sandbox, given: object, sent: str
) -> None:
    driver.create_node(image=component, ex_parameters={"wordpress_title": given})
    assert sent_form(sandbox)["parameter--wordpress_title"] == sent


def test_a_parameter_inherited_from_the_image_below_can_be_set(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    base = sandbox.world.library.find(UBUNTU)
    parameter = copy.copy(sandbox.world.library.find(WORDPRESS).parameters[2])
    parameter.name = "inherited"
    base.parameters = [parameter]
    driver.create_node(image=component, ex_parameters={"inherited": "yes"})
    assert sent_form(sandbox)["parameter--inherited"] == "yes"


def test_the_forms_own_options_are_taken_among_the_parameters_too(
    driver: Driver, application: NodeImage, sandbox: Sandbox
) -> None:
    driver.create_node(
        "x",
        image=application,
        ex_parameters={
            "tags": "a,b",
            "keep-running": "never",
            "mutable": "true",
            "bypass-ssh-check": "false",
        },
    )
    assert sent_form(sandbox) == {
        "refqname": f"module/{SYSTEM}/540",
        "tags": "x,a,b",
        "keep-running": "never",
        "mutable": "on",
    }


@pytest.mark.parametrize(
    ("name", "tags", "sent"),
    [
        ("x", None, "x"),
        (None, None, None),
        (None, "a,b", ",a,b"),
        ("x", ["a"], "x,a"),
        ("x", ("a", "b"), "x,a,b"),
        ("x", [], "x"),
        ("x", "", "x"),
        ("żółw", ("ü",), "żółw,ü"),
    ],
)
def test_name_and_tags_are_joined_whatever_they_are_given_as(
    driver: Driver,
    component: NodeImage,
    sandbox: Sandbox,
    name: str | None,
    tags: Any,
    sent: str | None,
) -> None:
    driver.create_node(name, image=component, ex_tags=tags)
    assert sent_form(sandbox).get("tags") == sent


def test_size_of_a_node_is_the_offer_of_all_its_machines(
    driver: Driver, component: NodeImage, application: NodeImage, size: NodeSize
) -> None:
    node = driver.create_node(image=component, size=size)
    assert (node.size.id, node.size.extra["unknown"]) == (size.id, ["ram", "disk", "price"])
    assert driver.ex_get_node(node.id).size.id == size.id
    assert driver.create_node(image=component).size is None
    several = {"apache": {"service-offer": size.id}}
    assert driver.create_node(image=application, ex_parameters=several).size is None


def test_nothing_that_the_caller_passed_is_changed(
    driver: Driver, application: NodeImage, size: NodeSize, sandbox: Sandbox
) -> None:
    options: dict[str, Any] = {
        "ex_tags": ["a"],
        "ex_cloud": {"apache": "exoscale-ch-gva"},
        "ex_parameters": {"apache": {"port": "80"}, "keep-running": "never"},
        "ex_multiplicity": {"apache": 2},
        "ex_tolerate_failures": {"apache": 1},
    }
    before = copy.deepcopy(options)
    driver.create_node("x", size, application, **options)
    assert options == before


@pytest.mark.parametrize(
    "option",
    ["ex_tags", "ex_cloud", "ex_parameters", "ex_multiplicity", "ex_tolerate_failures"],
)
def test_none_is_as_good_as_leaving_an_option_out(
    driver: Driver, component: NodeImage, sandbox: Sandbox, option: str
) -> None:
    driver.create_node("x", image=component, **{option: None})  # type: ignore[arg-type]
    assert len(sandbox.world.runs) == 1


def test_a_missing_key_is_told_with_what_to_do_only_when_it_is_to_be_checked(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    sandbox.world.accounts["alice"].parameters["General.ssh.public.key"].value = ""
    driver.create_node(image=component)
    with pytest.raises(RequestFailed, match="Missing public key") as caught:
        driver.create_node(image=component, ex_check_ssh_key=True)
    assert caught.value.http_code == 409
    assert "import_key_pair_from_file()" in str(caught.value)
    assert caught.value.detail == "Missing public key in your user profile."


@pytest.mark.parametrize("detail", ["Quota 'VMs' exceeded", "Concurrent VM quota exceeded"])
def test_a_quota_that_is_used_up_is_told_with_what_to_do(
    driver: Driver, component: NodeImage, sandbox: Sandbox, detail: str
) -> None:
    sandbox.faults.add(
        "POST",
        "/run",
        status=409,
        headers={"Content-Type": "application/xml"},
        body=f'<error code="409" reason="Conflict" detail="{detail}">x</error>',
    )
    with pytest.raises(RequestFailed, match=detail) as caught:
        driver.create_node(image=component)
    assert "Terminate deployments that are not needed" in str(caught.value)


def test_a_deployment_that_was_cut_before_it_was_handled_is_not_sent_again_either(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    sandbox.faults.add("POST", "/run", cut="before")
    with pytest.raises(NoAnswer) as caught:
        driver.create_node(image=component)
    assert caught.value.may_have_happened
    assert len(sandbox.journal.entries("POST", "/run")) == 1
    assert sandbox.world.runs == {}


def test_a_deployment_that_takes_long_to_be_accepted_is_not_sent_again(
    driver: Driver, component: NodeImage, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.deploying.POST_TIMEOUT", 0.05)
    settings = driver._session.transport.settings
    object.__setattr__(settings, "read_timeout", 0.05)
    sandbox.faults.add("POST", "/run", delay=0.3)
    with pytest.raises(NoAnswer, match="was not sent again") as caught:
        driver.create_node(image=component)
    assert caught.value.may_have_happened


def test_a_refusal_that_means_not_allowed_deploys_nothing_and_is_not_tried_again(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    module = sandbox.world.library.find(f"{WORDPRESS}/478")
    module.public = frozenset({"Get"})
    sandbox.journal.clear()
    with pytest.raises(RequestFailed, match="does not have the rights") as caught:
        driver.create_node(image=component)
    assert caught.value.http_code == 403
    assert [entry.method for entry in sandbox.journal] == ["POST"]


def test_a_component_is_read_again_before_it_is_the_reason_of_a_refusal(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    path = f"/module/{WORDPRESS}/478"
    sandbox.journal.clear()
    with pytest.raises(UnknownName, match="Unknown parameter 'no_such'"):
        driver.create_node(image=component, ex_parameters={"no_such": "x"})
    assert len(sandbox.journal.entries("GET", path)) == 1
    assert not sandbox.journal.entries("POST", "/run")


def test_sixteen_components_are_kept() -> None:
    backend = ModuleBackend(Any)  # type: ignore[arg-type]  # which it does not use here
    for number in range(20):
        backend.keep(
            Module(
                id=f"a/{number}",
                path="a",
                name="a",
                kind=ModuleKind.COMPONENT,
                version=f"{number}",
            )
        )
    assert [number for number in range(20) if backend.component(f"a/{number}")] == [*range(4, 20)]


def test_a_node_that_cannot_be_read_yet_is_not_lost(
    driver: Driver, component: NodeImage, sandbox: Sandbox
) -> None:
    sandbox.faults.add("GET", "/run/.*", status=500, times=None)
    node = driver.create_node("blog", image=component, ex_tags=["a"])
    assert node.id == only_run(sandbox).uuid
    assert (node.name, node.extra["tags"]) == ("blog", ["a"])


@pytest.mark.parametrize("base", ["http://internal:8182", "https://other.example.org", ""])
def test_the_address_of_the_new_node_may_name_a_host_behind_the_proxy(
    driver: Driver, component: NodeImage, sandbox: Sandbox, base: str
) -> None:
    (run,) = sandbox.world.add_runs(1)
    sandbox.faults.add(
        "POST", "/run", status=201, body="", headers={"Location": f"{base}/run/{run}"}
    )
    assert driver.create_node(image=component).id == run
