from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import Node, NodeLocation, NodeSize

from slipstream.backends import SlipStream3
from slipstream.libcloud.errors import AnswerLost, BadInput, NoAnswer, RequestFailed, UnknownName
from slipstream.sandbox import Sandbox
from slipstream.sandbox.slipstream3.records import Run

from .support import SYSTEM, UBUNTU, WORDPRESS, XML, Driver, sent_form

Create = Callable[..., Node]


@pytest.fixture
def size(driver: Driver) -> NodeSize:
    return next(size for size in driver.list_sizes() if size.name == "(2/4096/50 Medium) [CH]")


@pytest.fixture
def location(driver: Driver) -> NodeLocation:
    return next(item for item in driver.list_locations() if item.name == "exoscale-ch-gva")


@pytest.fixture
def create(driver: Driver, sandbox: Sandbox) -> Create:
    """Create a node of a component; the journal starts before it."""
    image = driver.get_image(WORDPRESS)
    sandbox.journal.clear()
    return lambda name=None, **options: driver.create_node(name, **{"image": image, **options})


def only_run(sandbox: Sandbox) -> Run:
    run: Run
    (run,) = sandbox.world.runs.values()
    return run


def test_every_option_of_a_component(create: Any, size: Any, location: Any, sandbox: Any) -> None:
    node = create(
        "blog",
        size=size,
        location=location,
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
    assert node.id == only_run(sandbox).uuid
    assert only_run(sandbox).get("machine:wordpress_title") == "Über <b>&amp; 'us'"
    assert only_run(sandbox).get("machine:service-offer") == size.id


def test_every_option_of_an_application(driver: Driver, size: NodeSize, sandbox: Sandbox) -> None:
    other = next(item for item in driver.list_sizes() if item.name == "(1/512/10 Micro) [CH]")
    options: dict[str, Any] = {
        "ex_tags": "prod, eu",
        "ex_cloud": {"apache": "exoscale-ch-gva"},
        "ex_parameters": {"apache": {"port": 80, "service-offer": other.id}},
        "ex_keep_running": "on-error",
        "ex_multiplicity": {"testclient": 3},
        "ex_tolerate_failures": {"testclient": 1},
        "ex_scalable": True,
    }
    before = copy.deepcopy(options)
    driver.create_node("tests", size, SYSTEM, **options)
    assert options == before
    assert sent_form(sandbox) == {
        "refqname": f"module/{SYSTEM}/540",
        "tags": "tests,prod,eu",
        "keep-running": "on-error",
        "bypass-ssh-check": "true",
        "mutable": "on",
        "parameter--node--apache--cloudservice": "exoscale-ch-gva",
        "parameter--node--apache--port": "80",
        "parameter--node--apache--service-offer": other.id,
        "parameter--node--testclient--service-offer": size.id,
        "parameter--node--testclient--multiplicity": "3",
        "parameter--node--testclient--max-provisioning-failures": "1",
    }
    run = only_run(sandbox)
    assert run.get("apache.1:port") == "80"
    assert run.get("testclient:multiplicity") == "3"
    assert run.mutable


ON_EVERY_NODE = {
    "parameter--cloudservice": None,
    "parameter--node--apache--cloudservice": "exoscale-ch-gva",
    "parameter--node--testclient--cloudservice": "exoscale-ch-gva",
}
DICTS = ("ex_cloud", "ex_parameters", "ex_multiplicity", "ex_tolerate_failures")
TEXTS: dict[Any, str | None] = {True: "true", False: "false", 3: "3", 0.5: "0.5"}
LABELS: list[tuple[str | None, Any, str | None]] = [
    ("x", None, "x"),
    ("x", [], "x"),
    ("x", "", "x"),
    (None, None, None),
    (None, "a,b", ",a,b"),
    ("x", ["a"], "x,a"),
    ("x", ("a", "b"), "x,a,b"),
    ("żółw", ("ü",), "żółw,ü"),
]
OF_THE_FORM = {"keep-running": "never", "mutable": "true", "bypass-ssh-check": "false"}
FORMS: list[tuple[str, dict[str, Any], dict[str, str | None]]] = [
    (WORDPRESS, {}, {"refqname": f"module/{WORDPRESS}/478", "bypass-ssh-check": "true"}),
    (f"{WORDPRESS}/412", {}, {"refqname": f"module/{WORDPRESS}/412"}),
    (WORDPRESS, {"ex_cloud": "connector/ec2-eu-west"}, {"parameter--cloudservice": "ec2-eu-west"}),
    (SYSTEM, {"ex_cloud": "exoscale-ch-gva"}, ON_EVERY_NODE),
    (SYSTEM, {"location": "connector/exoscale-ch-gva"}, ON_EVERY_NODE),
    (WORDPRESS, {"name": "x", **dict.fromkeys(DICTS)}, {"tags": "x"}),
    *((WORDPRESS, {"name": name, "ex_tags": tags}, {"tags": text}) for name, tags, text in LABELS),
    *(
        (WORDPRESS, {"ex_parameters": {"admin_email": value}}, {"parameter--admin_email": text})
        for value, text in TEXTS.items()
    ),
    (
        SYSTEM,
        {"name": "x", "ex_parameters": {"tags": "a,b", **OF_THE_FORM}},
        {"tags": "x,a,b", "keep-running": "never", "mutable": "on", "bypass-ssh-check": None},
    ),
]


@pytest.mark.parametrize(("image", "options", "fields"), FORMS)
def test_create_sends(driver: Driver, sandbox: Any, image: str, options: Any, fields: Any) -> None:
    driver.create_node(image=image, **options)
    form = sent_form(sandbox)
    assert {name: form.get(name) for name in fields} == fields


def test_create_node_with_a_parameter_of_the_image_below(create: Create, sandbox: Sandbox) -> None:
    parameter = copy.copy(sandbox.world.library.find(WORDPRESS).parameters[2])
    parameter.name = "inherited"
    of_cloud = copy.copy(parameter)
    of_cloud.category, of_cloud.name = "exoscale-ch-gva", "exoscale-ch-gva.instance.type"
    sandbox.world.library.find(UBUNTU).parameters = [parameter, of_cloud]
    create(ex_parameters={"inherited": "yes"})
    assert sent_form(sandbox)["parameter--inherited"] == "yes"
    sandbox.journal.clear()
    with pytest.raises(AnswerLost, match="not played"):
        create(ex_parameters={"instance.type": "Tiny"})
    assert sent_form(sandbox)["parameter--instance.type"] == "Tiny"


def test_create_node_knows_the_size(driver: Driver, create: Create, size: NodeSize) -> None:
    node: Any = create(size=size)
    assert (node.size.id, node.size.extra["unknown"]) == (size.id, ["ram", "disk", "price"])
    node = driver.ex_get_node(node)
    assert node.size.id == size.id
    assert create().size is None
    several = {"apache": {"service-offer": size.id}}
    assert driver.create_node(image=SYSTEM, ex_parameters=several).size is None


def test_create_node_refused_with_a_hint(create: Create, sandbox: Sandbox) -> None:
    for detail, hint in (
        ("Missing public key in your user profile.", r"import_key_pair_from_file\(\)"),
        ("Quota 'VMs' exceeded", "Terminate deployments that are not"),
        ("Concurrent VM quota exceeded", "Terminate deployments that are not"),
    ):
        body = f'<error code="409" reason="Conflict" detail="{detail}">x</error>'
        sandbox.faults.add("POST", "/run", status=409, headers=XML, body=body)
        with pytest.raises(RequestFailed, match=f"{detail.rstrip('.')}.*{hint}") as caught:
            create()
        assert (caught.value.http_code, caught.value.detail) == (409, detail)


def test_create_that_takes_long(driver: Any, create: Any, sandbox: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("slipstream.backends.slipstream.deploying.POST_TIMEOUT", 0.05)
    settings = driver._session.transport.settings
    object.__setattr__(settings, "read_timeout", 0.05)
    sandbox.faults.add("POST", "/run", delay=0.3)
    with pytest.raises(NoAnswer, match="was not sent again") as caught:
        create()
    assert caught.value.may_have_happened


def test_create_node_reads_a_component_again_to_refuse(create: Create, sandbox: Sandbox) -> None:
    with pytest.raises(UnknownName, match="Unknown parameter 'no_such'"):
        create(ex_parameters={"no_such": "x"})
    assert len(sandbox.journal.entries("GET", f"/module/{WORDPRESS}/478")) == 1
    assert not sandbox.journal.entries("POST", "/run")


def test_sixteen_components_are_remembered(driver: Driver, sandbox: Sandbox) -> None:
    body = '<imageModule category="Image" shortName="{}" parentUri="module/a" version="1"/>'
    backend = SlipStream3(driver._session)
    for number in (*range(20), 4):
        sandbox.faults.add("GET", "/module/a", body=body.format(number), headers=XML)
        backend.get_module("a")
    assert list(backend.components) == [f"a/{number}/1" for number in (*range(5, 20), 4)]


def test_create_node_that_cannot_be_read_yet(create: Create, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/run/.*", status=500, times=None)
    node = create("blog", ex_tags=["a"])
    assert node.id == only_run(sandbox).uuid
    assert (node.name, node.extra["tags"]) == ("blog", ["a"])


def test_create_node_whose_response_names_a_run(create: Create, sandbox: Sandbox) -> None:
    run, other = create().id, create(image=UBUNTU).id
    for base in ("http://internal:8182", "https://other.example.org", ""):
        location = {"Location": f"{base}/run/{run}"}  # of a host behind the proxy
        sandbox.faults.add("POST", "/run", status=201, body="", headers=location)
        assert create().id == run
    location = {"Location": f"{sandbox.url}/run/{other}"}
    sandbox.faults.add("POST", "/run", status=201, body="", headers=location)
    message = f"returned {other} as the new deployment, which is one of"
    with pytest.raises(AnswerLost, match=message) as caught:
        create()
    assert caught.value.may_have_happened


def test_create_node_with_an_empty_value_for_no_default(create: Create, sandbox: Sandbox) -> None:
    parameters = sandbox.world.library.find(f"{WORDPRESS}/478").parameters
    (title,) = [own for own in parameters if own.name == "wordpress_title"]
    title.value = title.default = None
    node = create(ex_parameters={"wordpress_title": ""})
    assert sandbox.world.run(node.id).get("machine:wordpress_title") == ""


@pytest.mark.parametrize("character", ["x", "\U0001f600"])
def test_create_node_with_too_long_a_value(create: Any, sandbox: Any, character: str) -> None:
    title = character * (4096 // len(character.encode("utf-16-le")) * 2)
    for options in (
        {"ex_parameters": {"wordpress_title": title + character}},
        {"ex_parameters": {"apache": {"port": title + character}}, "image": SYSTEM},
        {"name": "n" * 4000, "ex_tags": ["t" * 100]},
    ):
        with pytest.raises(BadInput, match="stores at most 4096"):
            create(**options)
    assert list(sandbox.journal) == []
    node = create(ex_parameters={"wordpress_title": title})
    assert sandbox.world.run(node.id).get("machine:wordpress_title") == title


def test_each_parameter_is_listed_once(driver: Driver) -> None:
    client = driver.get_image("examples/tutorials/service-testing/client").extra
    component, application = (driver.get_image(name).extra for name in (WORDPRESS, SYSTEM))
    for declared in (client, component, *application["nodes"].values()):
        names = [parameter["name"] for parameter in declared["parameters"]]
        assert len(names) == len(set(names)) > 1


def test_output_declared_as_password(driver: Any, sandbox: Any, create: Any, waiting: Any) -> None:
    node = create()
    driver.ex_wait_node_in_state(node)
    options: dict[str, Any] = {"deployment_id": node.id, "ignore_abort": False}
    password = driver._backend.get_parameter(name="machine:admin_password", **options)
    assert password.value
    assert password.secret
    assert password.value not in repr(password)
    hostname = driver._backend.get_parameter(name="machine:hostname", **options)
    assert not hostname.secret
    assert password.value not in driver._session.transport.redactor.message(f"is {password.value}")
