from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import MalformedAnswer, NotFound
from slipstream.sandbox import Sandbox
from slipstream.values import Phase

from .support import NOBODYS_RUN, SYSTEM, WORDPRESS, Driver, Login

JSON = {"Content-Type": "application/json"}


def document(sandbox: Sandbox, identifier: str) -> dict[str, Any]:
    result = sandbox.world.store.get(identifier)
    assert result is not None
    return result


def test_every_deployment_is_listed_beyond_five_hundred(driver: Driver, sandbox: Sandbox) -> None:
    ids = sandbox.world.add_runs(1200)
    nodes = driver.list_nodes(ex_addresses=False)
    assert [node.id for node in nodes] == ids[::-1]
    assert len(sandbox.journal) == 3
    assert all(int(entry.query["limit"][0]) <= 500 for entry in sandbox.journal)


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 999, 1000])
def test_a_page_that_is_just_full_loses_and_repeats_nothing(
    driver: Driver, sandbox: Sandbox, number: int
) -> None:
    ids = sandbox.world.add_runs(number)
    assert [node.id for node in driver.list_nodes()] == ids[::-1]


def between_pages(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object]
) -> None:
    """Let something happen after each page of deployments that the server has given out."""
    add = sandbox.journal.add

    def added(entry: object) -> None:
        add(entry)  # type: ignore[arg-type]
        if getattr(entry, "path", "") == "/run":
            act(len(sandbox.journal.entries("GET", "/run")))

    monkeypatch.setattr(sandbox.journal, "add", added)


def test_deployments_made_between_two_pages_are_no_reason_to_list_one_twice(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sandbox.world.add_runs(1200)
    between_pages(sandbox, monkeypatch, lambda _: sandbox.world.add_runs(7))
    listed = [node.id for node in driver.list_nodes()]
    assert len(listed) == len(set(listed))
    assert set(ids) <= set(listed)


@pytest.mark.parametrize("gone", [1, 3, 400])
def test_deployments_that_end_between_two_pages_hide_no_other_one(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    ids = sandbox.world.add_runs(1200)
    ended: set[str] = set()

    def end(page: int) -> None:
        if page == 1:
            ended.update(ids[-gone:])
            for identifier in ended:
                sandbox.world.runs[identifier].state = "Done"

    between_pages(sandbox, monkeypatch, end)
    listed = [node.id for node in driver.list_nodes()]
    assert len(listed) == len(set(listed))
    assert set(ids) - ended <= set(listed)


def test_ended_deployments_are_left_out_unless_they_are_wanted(
    driver: Driver, sandbox: Sandbox
) -> None:
    first, second = sandbox.world.add_runs(2)
    driver.destroy_node(driver.ex_get_node(first))
    assert [node.id for node in driver.list_nodes()] == [second]
    every = {node.id: node.state for node in driver.list_nodes(ex_active_only=False)}
    assert every == {first: NodeState.TERMINATED, second: NodeState.RUNNING}


def test_addresses_of_all_nodes_cost_one_more_request(driver: Driver, sandbox: Sandbox) -> None:
    image = driver.get_image(SYSTEM)
    made = [driver.create_node(image=image) for _ in range(3)]
    sandbox.clock.advance(1000)
    sandbox.journal.clear()
    nodes = {node.id: node for node in driver.list_nodes(ex_addresses=True)}
    assert len(sandbox.journal) == 2
    for node in made:
        machines = driver.ex_list_virtual_machines(node=node)
        expected = sorted(address for machine in machines for address in machine.public_ips)
        assert sorted(nodes[node.id].public_ips) == expected
        assert expected


def test_without_addresses_the_lists_of_addresses_are_empty_lists(
    driver: Driver, sandbox: Sandbox
) -> None:
    sandbox.world.add_runs(1)
    (node,) = driver.list_nodes()
    assert (node.public_ips, node.private_ips) == ([], [])


def test_a_node_is_called_by_the_name_it_was_given(driver: Driver) -> None:
    image = driver.get_image(WORDPRESS)
    named = driver.create_node(name="blog", image=image, ex_tags=["prod", "eu"])
    nameless = driver.create_node(image=image)
    assert (named.name, named.extra["tags"]) == ("blog", ["prod", "eu"])
    assert nameless.name == nameless.id
    listed = {node.id: node for node in driver.list_nodes()}
    assert (listed[named.id].name, listed[named.id].extra["tags"]) == ("blog", ["prod", "eu"])
    assert listed[nameless.id].name == nameless.id


@pytest.mark.parametrize(
    ("seconds", "word", "state"),
    [
        (0, "Initializing", NodeState.PENDING),
        (30, "Provisioning", NodeState.STARTING),
        (150, "Executing", NodeState.RECONFIGURING),
        (230, "SendingReports", NodeState.RECONFIGURING),
        (300, "Ready", NodeState.RUNNING),
    ],
)
def test_each_state_of_a_deployment_has_its_own_meaning(
    driver: Driver, sandbox: Sandbox, seconds: int, word: str, state: NodeState
) -> None:
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.clock.advance(seconds)
    for result in (driver.ex_get_node(node.id), driver.list_nodes()[0]):
        assert (result.extra["state"], result.state) == (word, state)
        assert result.extra["status"] == word.lower()


def test_the_map_of_states_tells_all_of_them() -> None:
    assert Driver.NODE_STATE_MAP["starting"] == NodeState.STARTING
    assert set(Driver.NODE_STATE_MAP) == {phase.value for phase in Phase}


def test_an_aborted_deployment_is_in_error_until_it_has_ended(
    driver: Driver, sandbox: Sandbox
) -> None:
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.world.abort_run(node.id, "disk full")
    for result in (driver.ex_get_node(node.id), driver.list_nodes()[0]):
        assert (result.state, result.extra["abort"]) == (NodeState.ERROR, "disk full")
    driver.destroy_node(node)
    assert driver.ex_get_node(node.id).state == NodeState.TERMINATED


def test_one_node_tells_what_the_server_knows_of_it(driver: Driver, sandbox: Sandbox) -> None:
    node = driver.create_node(name="blog", image=driver.get_image(SYSTEM), ex_scalable=True)
    sandbox.clock.advance(1000)
    result = driver.ex_get_node(node.id)
    assert result.extra["scalable"] is True
    assert result.extra["module"] == f"{SYSTEM}/540"
    assert result.extra["clouds"] == ["exoscale-ch-gva"]
    assert result.extra["username"] == "alice"
    assert result.extra["last_state_change"]
    assert result.extra["service_url"].startswith("http://")
    assert result.image is not None
    assert (result.image.id, result.image.name) == (f"{SYSTEM}/540", "system")
    assert len(result.public_ips) == 2
    assert abs(result.created_at - sandbox.clock.now()) < timedelta(seconds=1010)


def test_milliseconds_of_dates_without_leading_zeros_are_read_as_milliseconds(
    driver: Driver, sandbox: Sandbox
) -> None:
    (run,) = sandbox.world.add_runs(1)
    moment = datetime(2017, 10, 13, 17, 7, 26, 79000, UTC)
    sandbox.world.runs[run].created = moment
    assert driver.ex_get_node(run).created_at == moment
    assert driver.list_nodes()[0].created_at == moment


def test_a_node_that_is_not_there_is_not_found(driver: Driver) -> None:
    with pytest.raises(NotFound) as caught:
        driver.ex_get_node(NOBODYS_RUN)
    assert caught.value.http_code == 404
    assert NOBODYS_RUN in str(caught.value)


def test_a_node_lends_its_id_to_its_methods(driver: Driver, sandbox: Sandbox) -> None:
    (run,) = sandbox.world.add_runs(1)
    assert driver.list_nodes()[0].destroy() is True
    assert sandbox.world.run(run).state == "Done"


def test_terminating_twice_is_accepted(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.world.add_runs(1)
    (node,) = driver.list_nodes()
    assert driver.destroy_node(node) is True
    assert driver.destroy_node(node) is True


def test_sizes_are_the_offers_of_machines_with_their_prices(driver: Driver) -> None:
    sizes = driver.list_sizes(ex_all=True)
    assert len(sizes) > 90
    assert {size.extra["resource:type"] for size in sizes} == {"VM"}
    size = next(size for size in sizes if size.name == "(2/4096/50 Medium) [CH]")
    assert (size.ram, size.disk, size.extra["cpu"]) == (4096, 50, 2)
    assert size.price == pytest.approx(0.037384)
    assert (size.extra["currency"], size.extra["price_unit"]) == ("EUR", "HUR")
    assert (size.extra["location"], size.extra["country"]) == ("exoscale-ch-gva", "CH")
    assert size.id.startswith("service-offer/")


def test_what_an_offer_leaves_open_is_0_and_listed_as_unknown(driver: Driver) -> None:
    sizes = {size.name: size for size in driver.list_sizes(ex_all=True)}
    flexible, metal = sizes["(flexible) [CH]"], sizes["(32 baremetal) [DE]"]
    assert (flexible.ram, flexible.disk, flexible.extra["unknown"]) == (0, 0, ["ram", "disk"])
    assert flexible.price > 0
    assert (metal.price, metal.extra["unknown"]) == (0, ["ram", "disk", "price"])
    assert sizes["(2/4096/50 Medium) [CH]"].extra["unknown"] == []


@pytest.mark.parametrize("told", ["NaN", "Infinity", "-inf", "many", True, None, [], {}])
def test_an_amount_that_is_no_number_is_unknown(
    driver: Driver, sandbox: Sandbox, told: object
) -> None:
    name = driver.list_sizes()[0].id
    document(sandbox, name)["resource:ram"] = told
    (size,) = [size for size in driver.list_sizes() if size.id == name]
    assert (size.ram, size.extra["unknown"]) == (0, ["ram"])


@pytest.mark.parametrize(("told", "ram"), [("512", 512), (512.0, 512), ("0.5", 0.5), (0, 0)])
def test_an_amount_is_an_int_where_it_is_whole(
    driver: Driver, sandbox: Sandbox, told: object, ram: float
) -> None:
    name = driver.list_sizes()[0].id
    document(sandbox, name)["resource:ram"] = told
    (size,) = [size for size in driver.list_sizes() if size.id == name]
    assert (size.ram, type(size.ram)) == (ram, type(ram))
    assert size.extra["unknown"] == []


def test_sizes_can_be_listed_for_one_location(driver: Driver) -> None:
    for location in driver.list_locations():
        sizes = driver.list_sizes(location)
        assert {size.extra["location"] for size in sizes} == {location.name}


def test_sizes_of_a_location_are_found_however_the_server_spells_its_name(
    driver: Driver, sandbox: Sandbox
) -> None:
    location = driver.list_locations()[0]
    before = len(driver.list_sizes(location))
    (offer, *_) = [size.id for size in driver.list_sizes(location)]
    document(sandbox, offer)["connector"] = {"href": f"connector/{location.name}"}
    sizes = driver.list_sizes(location)
    assert len(sizes) == before
    assert {size.extra["location"] for size in sizes} == {location.name}


@pytest.mark.parametrize("user", ["alice", "bob", "super"])
def test_list_sizes_of_the_locations_of_the_account(
    login: Login, sandbox: Sandbox, user: str
) -> None:
    driver = login(user)
    own = {location.name for location in driver.list_locations()}
    sandbox.journal.clear()
    sizes = driver.list_sizes()
    assert len(sandbox.journal) == (3 if own else 2)  # the profile, the credentials, the offers
    everything = driver.list_sizes(ex_all=True)
    assert [size.id for size in sizes] == [
        size.id
        for size in everything
        if size.extra["location"] in own and "price" not in size.extra["unknown"]
    ]
    assert {size.extra["location"] for size in sizes} == own
    assert all(f"location={size.extra['location']}" in repr(size) for size in sizes)
    assert everything[-1].extra["unknown"] == ["ram", "disk", "price"]


def test_list_sizes_without_any_price(driver: Driver, sandbox: Sandbox) -> None:
    location, *_ = driver.list_locations()
    ids = [size.id for size in driver.list_sizes(location)]
    for identifier in ids[1:]:
        document(sandbox, identifier).pop("price:unitCost")
    assert [size.id for size in driver.list_sizes(location)] == ids[:1]
    assert [size.id for size in driver.list_sizes(location, ex_all=True)] == ids
    document(sandbox, ids[0]).pop("price:unitCost")
    assert [size.id for size in driver.list_sizes(location)] == ids


def test_more_offers_than_one_page_holds_are_all_listed(driver: Driver, sandbox: Sandbox) -> None:
    size = driver.list_sizes()[0]
    before = len(driver.list_sizes())
    for number in range(1500):
        extra = {**document(sandbox, size.id), "id": f"service-offer/{number:08}"}
        sandbox.world.add_document(extra)
    sizes = driver.list_sizes()
    assert len({size.id for size in sizes}) == before + 1500


@pytest.mark.parametrize(
    "body",
    [
        {"count": None, "serviceOffers": []},
        {"count": 5, "serviceOffers": []},
        {"count": 2000, "serviceOffers": [{"id": "service-offer/1"}]},
        {"serviceOffers": []},
        {"count": 1, "serviceOffers": None},
        {"count": 1, "serviceOffers": ["x"]},
        [],
    ],
    ids=lambda body: json.dumps(body)[:30],
)
def test_a_search_that_failed_on_the_server_is_not_taken_for_an_empty_list(
    driver: Driver, sandbox: Sandbox, body: object
) -> None:
    sandbox.faults.add("PUT", "/api/service-offer", body=json.dumps(body), headers=JSON)
    with pytest.raises(MalformedAnswer, match="Cannot list service offers"):
        driver.list_sizes()


def test_locations_are_those_the_user_has_set_up_sorted_and_with_their_countries(
    driver: Driver,
) -> None:
    locations = driver.list_locations()
    assert [(item.id, item.name, item.country) for item in locations] == [
        ("connector/ec2-eu-west", "ec2-eu-west", "IE"),
        ("connector/exoscale-ch-gva", "exoscale-ch-gva", "CH"),
    ]


def test_the_country_of_a_location_that_no_offer_tells_is_an_empty_text(
    driver: Driver, sandbox: Sandbox
) -> None:
    for size in driver.list_sizes():
        if size.extra["location"] == "ec2-eu-west":
            document(sandbox, size.id).pop("resource:country", None)
    result = {item.name: (item.country, item.extra["unknown"]) for item in driver.list_locations()}
    assert result == {"ec2-eu-west": ("", ["country"]), "exoscale-ch-gva": ("CH", [])}


def test_locations_cost_the_same_number_of_requests_however_many_there_are(
    driver: Driver, bob: Driver, sandbox: Sandbox
) -> None:
    driver.list_nodes()
    sandbox.journal.clear()
    assert len(bob.list_locations()) == 1
    few = len(sandbox.journal)
    sandbox.journal.clear()
    assert len(driver.list_locations()) == 2
    assert len(sandbox.journal) == few <= 4


def test_the_countries_are_asked_for_without_the_rest_of_the_offers(
    driver: Driver, sandbox: Sandbox
) -> None:
    driver.list_locations()
    (search,) = sandbox.journal.entries("PUT", "/api/service-offer")
    assert search.form is not None
    assert search.form["$select"] == ["id,connector,resource:country"]


def test_every_search_names_its_parameters_as_the_server_does(
    driver: Driver, sandbox: Sandbox
) -> None:
    driver.list_locations()
    driver.list_sizes()
    driver.ex_list_virtual_machines()
    searches = [entry for entry in sandbox.journal if entry.method == "PUT"]
    assert len(searches) == 5
    for search in searches:
        assert search.form is not None
        assert set(search.form) <= {"$filter", "$select", "$first", "$last", "$orderby"}
        assert int(search.form["$last"][0]) <= 10_000


def test_a_privileged_user_has_the_clouds_of_its_credentials(
    login: Login, sandbox: Sandbox
) -> None:
    admin = login("super", sandbox.users["super"].password)
    assert admin.list_locations() == []
    sandbox.world.add_document(
        {
            "id": "credential/11111111-2222-4333-8444-555555555555",
            "type": "cloud-cred-exoscale",
            "connector": {"href": "connector/exoscale-ch-gva"},
            "acl": {
                "owner": {"principal": "super", "type": "USER"},
                "rules": [{"principal": "super", "type": "USER", "right": "MODIFY"}],
            },
        }
    )
    assert "exoscale-ch-gva" in [item.name for item in admin.list_locations()]


def test_a_server_that_does_not_show_credentials_still_tells_locations(
    driver: Driver, sandbox: Sandbox
) -> None:
    refusal = json.dumps({"status": 403, "message": "credentials required"})
    sandbox.faults.add("PUT", "/api/credential", status=403, body=refusal, headers=JSON)
    assert len(driver.list_locations()) == 2
