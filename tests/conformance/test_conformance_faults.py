"""A driver that keeps the contract passes; with one fault, the check for it fails."""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError, ProviderError
from libcloud.compute.base import KeyPair, Node, NodeDriver, NodeImage, NodeSize
from libcloud.compute.types import NodeState
from small_driver import Missing, SmallDriver

from slipstream.conformance import CHECKS, Choice, Outcome, run

NOT_FOUND = "There is no such image."
PAGE = "<html><head><title>502</title></head></html> Bad gateway"
SNAPSHOTS = ("list_volume_snapshots", "create_volume_snapshot", "destroy_volume_snapshot")
NOW = datetime.now(UTC)
COUNTER = itertools.count()


def outcome(driver: NodeDriver, name: str, **options: Any) -> tuple[str, str]:
    results = run(driver, **options).results
    return next((item.outcome.value, item.detail) for item in results if item.name == name)


def failing(driver: NodeDriver, **options: Any) -> list[str]:
    return list(run(driver, **options).named(Outcome.FAILS))


def broken(**members: Any) -> SmallDriver:
    cls: Any = type("Broken", (SmallDriver,), members)
    driver: SmallDriver = cls()
    return driver


def case(name: str, words: str, /, **members: Any) -> Any:
    """The members that break a driver, the check that notices, and words of its detail."""
    return pytest.param(members, name, words, id=f"{name}: {words}")


def raises(error: BaseException) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> None:
        raise error

    return method


def swallowed(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(NotImplementedError):
            method(*args, **kwargs)

    return call


def takes_keywords(self: Any, **kwargs: Any) -> list[Node]:
    return list(self.nodes)


def requires_zone(
    self, location: Any = None, ex_region: Any = None, *, ex_zone: Any
) -> list[NodeSize]:
    return []


def images(*ids: str) -> Callable[..., list[NodeImage]]:
    return lambda self, location=None: [NodeImage(item, "Image", self) for item in ids]


def narrowed(error: Exception) -> Callable[..., list[NodeImage]]:
    def method(self: Any, location: Any = None) -> Any:
        if location is not None:
            raise error
        return images("0")(self)

    return method


class Forgetful(Missing):
    def __reduce__(self) -> Any:
        return Forgetful, ("forgotten",)


class Peculiar(Node):
    @property
    def cluster(self) -> str:
        raise KeyError("cluster")


class Wordy(Node):
    def __repr__(self) -> str:
        return "x" * 501


class Reluctant(Node):
    def destroy(self) -> bool:
        return self.driver.stop_node(self)


def node(cls=Node, **changes: Any) -> Callable[..., list[Node]]:
    def method(self: Any) -> Any:
        item = cls("1", "first", NodeState.RUNNING, [], [], self)
        vars(item).update(changes)
        return [item]

    return method


def size(**changes: Any) -> Callable[..., list[NodeSize]]:
    def method(self: Any, location: Any = None) -> Any:
        item = NodeSize("s", "Small", 128, 4, None, 0.5, self)
        vars(item).update(changes)
        return [item]

    return method


def size_by_listed_location(self: Any, location: Any = None) -> list[NodeSize]:
    return size()(self) if location is None or location.name else []


def leaking(self: Any, image_id: str) -> NodeImage:
    if not image_id.isdecimal():
        raise Missing("No image for someone:open-sesame here.")
    return SmallDriver.get_image(self, image_id)


def never(self: Any, *args: Any) -> None:
    raise NotImplementedError("start_node not implemented for this driver")


def raises_for_size(
    self, name: str, size: Any, image: Any, location: Any = None, auth: Any = None
) -> None:
    if size is not None:
        raise BaseHTTPError(409, f"The size {size.name} is not for this image")


def without_addresses(self: Any, *addresses: str) -> list[Node]:
    return [Node(item.id, item.name, item.state, list(addresses), [], self) for item in self.nodes]


def waited(
    self, nodes: Any, wait_period: float, timeout: float, ssh_interface: str
) -> list[tuple[Node, list[str]]]:
    return [(item, ["192.0.2.1"]) for item in nodes]


FAULTS = [
    case("method.start_node", "without a reason", start_node=raises(NotImplementedError())),
    case("method.start_node", "not implemented for this driver", start_node=never),
    case("method.start_node", "OSError: nothing", start_node=raises(OSError("nothing"))),
    case("method.start_node", "It does nothing.", start_node=swallowed(never)),
    case("method.list_volumes", "without a reason", list_volumes=raises(NotImplementedError(""))),
    case(
        "method.import_key_pair_from_file",
        "which calls import_key_pair_from_string(): there is none",
        import_key_pair_from_string=NodeDriver.import_key_pair_from_string,
    ),
    case(
        "signatures",
        "get_image: image_id is not its parameter 1",
        get_image=lambda self, node_image: NodeImage("0", "Image", self),
    ),
    case("signatures", "its own ex_zone is required", list_sizes=requires_zone),
    case(
        "signatures", "own zone is neither", list_sizes=lambda self, location=None, zone=None: []
    ),
    case("signatures", "location is required", list_images=lambda self, location: []),
    case("unknown-keywords", "list_nodes accepts it and works", list_nodes=takes_keywords),
    case(
        "unknown-keywords",
        "destroy_node takes any",
        destroy_node=lambda self, node, **kwargs: True,
    ),
    case(
        "unknown-keywords",
        "list_nodes raises IndexError",
        list_nodes=lambda self, **kwargs: [][len(kwargs)] if kwargs else [],
    ),
    case(
        "unknown-keywords",
        "raises a TypeError that does not name it",
        list_nodes=lambda self, **kwargs: len(1) if kwargs else [],
    ),
    case("class.name", "name is None", name=None),
    case("class.NODE_STATE_MAP", "is {}", NODE_STATE_MAP={}),
    case("class.NODE_STATE_MAP", "{'up': 'running'}: a dict of", NODE_STATE_MAP={"up": "running"}),
    case("class.features", "['ssh_key']: a dict of lists", features=["ssh_key"]),
    case("class.features", "{'make': []}: a dict", features={"make": []}),
    case("class.features", "'ssh_key'}: a dict", features={"create_node": "ssh_key"}),
    case("auth", "no parameter auth", create_node=lambda self, name, size, image: None),
    case(
        "calls-driver.node",
        "node.destroy() calls stop_node instead of destroy_node",
        list_nodes=node(Reluctant),
    ),
    case(
        "calls-driver.volume",
        "volume.snapshot() raises TypeError",
        create_volume_snapshot=lambda self, volume, title: None,
    ),
    case("by-hand.list_sizes", "returns 0 for it, and 1", list_sizes=size_by_listed_location),
    case(
        "by-hand.list_images",
        "AttributeError: no region",
        list_images=narrowed(AttributeError("no region")),
    ),
    case("ids.nodes", "the id 7 is not", list_nodes=node(id=7)),
    case("ids.nodes", "the id '' is not", list_nodes=node(id="")),
    case("attributes.nodes", "1: cluster raises KeyError", list_nodes=node(Peculiar)),
    case("repr.nodes", "501 characters", list_nodes=node(Wordy)),
    case("repr.nodes", "AttributeError", list_nodes=node(state=None)),
    case("state.nodes", "state is None", list_nodes=node(state=None)),
    case("state.nodes", "state is 'up'", list_nodes=node(state="up")),
    case("extra.nodes", "extra is NoneType", list_nodes=node(extra=None)),
    case("extra.nodes", "cannot be written as JSON: Object", list_nodes=node(extra={"at": NOW})),
    case("addresses.nodes", "public_ips is None", list_nodes=node(public_ips=None)),
    case("numbers.sizes", "price is None", list_sizes=size(price=None)),
    case("numbers.sizes", "ram is '4 GB'", list_sizes=size(ram="4 GB")),
    case("numbers.sizes", "disk is nan", list_sizes=size(disk=float("nan"))),
    case("list.images", "1 of 3 ids are repeated: a", list_images=images("a", "b", "a")),
    case("list.images", "NoneType", list_images=lambda self, location=None: None),
    case("list.images", "returns NodeSize, not NodeImage", list_images=size()),
    case("list.images", "OSError: cut", list_images=raises(OSError("cut"))),
    case(
        "stable.images",
        "other ids each of 3 times",
        list_images=lambda self, location=None: images(str(next(COUNTER)))(self),
    ),
    case(
        "lazy.images",
        "returns list instead of an iterator",
        ex_iterate_images=lambda self: self.list_images(),
    ),
    case(
        "lazy.images",
        "yields 2, list_images() 3",
        ex_iterate_images=lambda self: iter(self.list_images()[1:]),
    ),
    case(
        "get-key-pair",
        "fingerprint=dd:ee",
        get_key_pair=lambda self, name: KeyPair(name, "", "dd:ee", self),
    ),
    case("get-key-pair", "AttributeError", get_key_pair=lambda self, name: None),
    case("get-image", "id=x", get_image=lambda self, image_id: NodeImage("x", "X", self)),
    case(
        "error-class.image",
        "raises nothing",
        get_image=lambda self, image_id: NodeImage(image_id, "Image", self),
    ),
    case("error-class.image", "KeyError", get_image=raises(KeyError("no"))),
    case(
        "error-class.image",
        "is no LibcloudError",
        get_image=raises(BaseHTTPError(404, "Not found")),
    ),
    case(
        "error-class.image",
        "is no BaseHTTPError",
        get_image=raises(ProviderError("Not found there", 404)),
    ),
    case(
        "error-class.key_pair",
        "is no KeyPairDoesNotExistError",
        get_key_pair=raises(Missing(NOT_FOUND)),
    ),
    case(
        "error-pickle.image",
        "ProviderError does not pickle",
        get_image=raises(ProviderError("Not found there", 404)),
    ),
    case("error-pickle.image", "Forgetful: forgotten", get_image=raises(Forgetful(NOT_FOUND))),
    case("error-text.image", "markup", get_image=raises(Missing(PAGE))),
    case(
        "error-text.image",
        "an object's address",
        get_image=raises(Missing("No image in <small.Driver object at 0x7f00>")),
    ),
    case("error-text.image", "''", get_image=raises(Missing(""))),
    case("error-text.image", "raises TypeError", get_image=raises(Missing(None))),
    case("error-secrets.image", "str() and repr() and attributes", get_image=leaking),
]


@pytest.mark.parametrize(("members", "name", "words"), FAULTS)
def test_fault_is_found_by_its_check(members: Any, name: str, words: str) -> None:
    result, detail = outcome(broken(**members), name)
    assert result == "fails", detail
    assert words in detail


FAULTS_OF_CHANGES = [
    case(
        "node.destroyed",
        "returns None instead of True",
        destroy_node=lambda self, node: SmallDriver.destroy_node(self, node) and None,
    ),
    case("node.listed", "does not list made-1", list_nodes=lambda self: self.nodes[:1]),
    case(
        "node.created",
        "BaseHTTPError: The size Small is not for this image",
        create_node=raises_for_size,
    ),
    case(
        "node.addresses",
        "returned 192.0.2.1 of made-1, list_nodes() none",
        list_nodes=without_addresses,
        wait_until_running=waited,
    ),
    case(
        "node.addresses",
        "returned 192.0.2.1 of made-1, list_nodes() 192.0.2.9",
        list_nodes=lambda self: without_addresses(self, "192.0.2.9"),
        wait_until_running=waited,
    ),
    case(
        "node.addresses",
        "it is on fire",
        wait_until_running=raises(LibcloudError("it is on fire")),
    ),
    case("node.read", "id", ex_get_node=lambda self, node_id: self.nodes[0]),
    case(
        "node.created",
        "it is dict instead of a Node",
        create_node=lambda self, name, size, image, location=None, auth=None: {},
    ),
    case("key-pair.deleted", "is still there", delete_key_pair=lambda self, key_pair: True),
    case(
        "key-pair.imported",
        "laptop",
        import_key_pair_from_string=lambda self, name, key_material: self.pairs[0],
    ),
    case(
        "key-pair.read",
        "does not list conformance-",
        list_key_pairs=lambda self: self.pairs[:1],
    ),
    case("login-refused", "not noticed", refuse_login=lambda self: None),
    case(
        "login-refused",
        "PermissionError: no, not with wrong-*** is no InvalidCredsError",
        refuse_login=raises(PermissionError("no, not with wrong-open-sesame")),
    ),
]


@pytest.mark.parametrize(("members", "name", "words"), FAULTS_OF_CHANGES)
def test_fault_of_a_change_is_found_by_its_check(members: Any, name: str, words: str) -> None:
    driver = broken(**members)
    login = lambda: type(driver)(secret="wrong-open-sesame")  # noqa: E731
    result, detail = outcome(driver, name, changes=True, with_wrong_login=login)
    assert result == "fails", detail
    assert words in detail


NOT_APPLICABLE = [
    case(
        "by-hand.list_images",
        "list_images(location) is refused: ValueError: Images are everywhere.",
        list_images=narrowed(ValueError("Images are everywhere.")),
    ),
    case("by-hand.list_sizes", "no list_sizes() of its own", list_sizes=NodeDriver.list_sizes),
    case(
        "get-key-pair",
        "belongs to several",
        list_key_pairs=lambda self: [KeyPair("a", "", str(n), self) for n in range(2)],
    ),
    case(
        "error-text.image",
        "Only lists are here",
        get_image=raises(NotImplementedError("Only lists are here.")),
    ),
    case("auth", "create_node() only raises", create_node=never),
    case(
        "ids.volumes",
        "no volumes at all",
        list_volumes=raises(NotImplementedError("There are no volumes at all.")),
    ),
    case(
        "calls-driver.snapshot",
        "no snapshots",
        **{name: getattr(NodeDriver, name) for name in SNAPSHOTS},
    ),
    case("state.nodes", "empty", list_nodes=lambda self: []),
    case(
        "node.read",
        "no ex_get_node()",
        ex_get_node=property(raises(AttributeError("ex_get_node"))),
    ),
]


@pytest.mark.parametrize(("members", "name", "words"), NOT_APPLICABLE)
def test_what_a_provider_does_not_have_is_not_applicable(
    members: Any, name: str, words: str
) -> None:
    result, detail = outcome(broken(**members), name, changes=name.startswith("node."))
    assert result == "not applicable", detail
    assert words in detail


def test_a_driver_that_keeps_the_contract_passes_and_nothing_stays_behind() -> None:
    driver = SmallDriver()
    report = run(driver, changes=True, with_wrong_login=lambda: SmallDriver(secret="wrong"))
    assert report.named(Outcome.FAILS) == []
    assert report.named(Outcome.SKIPPED) == ["network-failure"]
    assert report.passed
    assert [item.id for item in driver.nodes] == ["1"]
    assert [pair.name for pair in driver.pairs] == ["laptop"]


def test_nothing_changes_unless_that_is_allowed() -> None:
    calls: list[str] = []

    def recorded(name: str) -> Callable[..., None]:
        return lambda self, *args, **kwargs: calls.append(name)

    changing = ("create_node", "destroy_node", "import_key_pair_from_string", "delete_key_pair")
    driver = broken(**{name: recorded(name) for name in changing})
    report = run(driver, with_wrong_login=lambda: calls.append("login"))
    changes = {item.name for item in CHECKS if item.changes}
    assert set(report.named(Outcome.SKIPPED)) == {*changes, "network-failure"}
    assert calls == []


def test_a_method_that_changes_things_is_called_only_if_it_does_nothing_but_raise() -> None:
    calls: list[Node] = []

    def start_node(self: Any, node: Node) -> None:
        calls.append(node)
        raise NotImplementedError

    assert outcome(broken(start_node=start_node), "method.start_node")[0] == "holds"
    assert calls == []


def test_a_driver_without_a_connection_class_fails() -> None:
    driver: Any = SmallDriver()
    driver.connectionCls = None
    assert failing(driver) == ["class.connectionCls"]


def test_a_secret_in_an_error_is_not_repeated() -> None:
    report = run(broken(get_image=leaking))
    assert report.named(Outcome.FAILS) == ["error-secrets.image"]
    assert "open-sesame" not in report.table()
    assert "someone:***" in report.table()


def test_a_secret_in_an_attribute_of_an_error_is_found_and_no_secret_cannot_leak() -> None:
    error = Missing(NOT_FOUND)
    vars(error)["request"] = {"password": "open-sesame"}
    assert outcome(broken(get_image=raises(error)), "error-secrets.image") == (
        "fails",
        "attributes of Missing hold a secret.",
    )
    assert outcome(SmallDriver(), "error-secrets.image", secrets=())[0] == "not applicable"


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (Missing("The network is down."), "fails", "Missing: The network is down. is no OSError."),
        (ConnectionRefusedError("no"), "holds", "ConnectionRefusedError is an OSError."),
        (TypeError("unexpected keyword"), "not applicable", "takes no proxy_url"),
    ],
)
def test_a_network_failure_is_an_os_error(error: Exception, expected: str, words: str) -> None:
    result, detail = outcome(SmallDriver(), "network-failure", without_network=raises(error))
    assert (result, words in detail) == (expected, True)


def test_auth_among_other_keywords_is_accepted() -> None:
    driver = broken(create_node=lambda self, name, size, image, **kwargs: None)
    assert outcome(driver, "auth") == ("holds", "create_node() takes auth among its keywords.")
    assert "unknown-keywords" in failing(driver)


def test_an_empty_list_and_a_refusal_with_a_reason_hold() -> None:
    refused = raises(NotImplementedError("There are no volumes at all."))
    report = run(broken(list_nodes=lambda self: [], list_volumes=refused))
    assert {"list.nodes", "method.list_volumes"} <= set(report.named(Outcome.HOLDS))


def test_a_list_that_fails_is_reported_once() -> None:
    def list_volumes(self: Any) -> None:
        raise OSError("cut")

    report = run(broken(list_volumes=list_volumes))
    assert report.named(Outcome.FAILS) == ["list.volumes"]
    assert "method.list_volumes" in report.named(Outcome.SKIPPED)
    assert {item.detail for item in report.results if item.name.endswith(".volumes")} >= {
        "list_volumes() returned no list; see list.volumes."
    }


def test_a_node_may_have_private_addresses_only() -> None:
    def wait_until_running(
        self, nodes: Any, wait_period: float, timeout: float, ssh_interface: str
    ) -> Any:
        if ssh_interface == "public_ips":
            raise LibcloudError("no public address")
        return [(item, item.public_ips) for item in nodes]

    driver = broken(wait_until_running=wait_until_running)
    assert outcome(driver, "node.addresses", changes=True)[0] == "holds"


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        (Choice(), ["s", "0", None]),
        (Choice(image="2", size="s", location="here"), ["s", "2", "here"]),
        (Choice(image="unlisted"), ["s", "unlisted", None]),
    ],
    ids=["nothing", "everything", "unlisted-image"],
)
def test_a_node_is_made_of_what_was_chosen(choice: Choice, ids: list[str | None]) -> None:
    driver = broken(get_image=lambda self, image_id: NodeImage(image_id, "Unlisted", self))
    assert outcome(driver, "node.created", changes=True, choice=choice)[0] == "holds"
    assert [item and item.id for item in driver.created[0]] == ids


def test_a_choice_that_does_not_exist_fails() -> None:
    choice = Choice(size="huge")
    assert outcome(SmallDriver(), "node.created", changes=True, choice=choice) == (
        "fails",
        "There is no size 'huge'; 1 were listed.",
    )


@pytest.mark.parametrize(("image", "expected"), [(None, "skipped"), ("1", "fails")])
def test_only_a_chosen_image_may_not_be_refused(image: Any, expected: str) -> None:
    def create_node(
        self, name: str, size: Any, image: Any, location: Any = None, auth: Any = None
    ) -> Any:
        if image is not None:
            raise ValueError("A password is needed.")

    driver = broken(create_node=create_node)
    assert outcome(driver, "node.created", changes=True, choice=Choice(image=image))[0] == expected


def test_a_node_whose_response_was_lost_is_destroyed() -> None:
    def create_node(
        self, name: str, size: Any, image: Any, location: Any = None, auth: Any = None
    ) -> Any:
        SmallDriver.create_node(self, name, size, image)
        raise OSError("the response was lost")

    driver = broken(create_node=create_node)
    assert failing(driver, changes=True) == ["node.created"]
    assert [item.id for item in driver.nodes] == ["1"]


def test_what_could_not_be_removed_is_named() -> None:
    def destroy_node(self: Any, node: Any) -> bool:
        if node is not None:
            raise OSError("the power is off")

    result, detail = outcome(broken(destroy_node=destroy_node), "cleanup", changes=True)
    assert result == "fails"
    assert detail.startswith("The node conformance-")
    assert "stays behind; remove it by hand. OSError: the power is off" in detail


def test_a_key_pair_that_was_not_deleted_is_deleted_at_the_end() -> None:
    attempts: list[str] = []

    def delete_key_pair(self: Any, key_pair: Any) -> bool:
        attempts.append(key_pair.name)
        if len(attempts) == 1:
            raise OSError("cut")
        return SmallDriver.delete_key_pair(self, key_pair)

    driver = broken(delete_key_pair=delete_key_pair)
    assert failing(driver, changes=True) == ["key-pair.deleted"]
    assert [pair.name for pair in driver.pairs] == ["laptop"]


def test_an_interruption_leaves_nothing_behind() -> None:
    driver = broken(ex_get_node=raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(driver, changes=True)
    assert [item.id for item in driver.nodes] == ["1"]


def test_a_driver_that_warns_is_checked_all_the_same() -> None:
    def list_images(self: Any, location: Any = None) -> list[NodeImage]:
        warnings.warn("some are left out", stacklevel=2)
        return SmallDriver.list_images(self)

    with pytest.warns(UserWarning, match="some are left out"):
        assert failing(broken(list_images=list_images)) == []
