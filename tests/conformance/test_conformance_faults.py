"""A driver that keeps the contract passes; with one fault, the check for it fails."""

from __future__ import annotations

import inspect
import itertools
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

NOT_FOUND, WITH_SECRET = (Missing("There is no such image.") for _ in range(2))
vars(WITH_SECRET)["request"] = {"password": "open-sesame"}
PAGE = "<html><head><title>502</title></head></html> Bad gateway"
SNAPSHOTS = ("list_volume_snapshots", "create_volume_snapshot", "destroy_volume_snapshot")
DRIVER: Any = SmallDriver()
NO_VOLUMES = NotImplementedError("There are no volumes at all.")
COUNTER = itertools.count()
Method = Callable[..., Any]
UntypedError: Any = BaseHTTPError


def outcome(driver: NodeDriver, name: str, **options: Any) -> tuple[str, str]:
    results = run(driver, **options).results
    return next((item.outcome.value, item.detail) for item in results if item.name == name)


def failing(driver: NodeDriver, **options: Any) -> list[str]:
    return list(run(driver, **options).named(Outcome.FAILS))


def broken(**members: Any) -> SmallDriver:
    cls: Any = type("Broken", (SmallDriver,), members)
    driver: SmallDriver = cls()
    return driver


def raises(error: BaseException) -> Method:
    def method(*args: Any, **kwargs: Any) -> None:
        raise error

    return method


def returns(value: Any) -> Method:
    return lambda *args, **kwargs: value


def fails_if_narrowed(error: Exception) -> Method:
    def method(self: Any, location: Any = None) -> Any:
        if location is not None:
            raise error
        return [image("0")]

    return method


def image(image_id: str) -> NodeImage:
    return NodeImage(image_id, "Image", DRIVER)


def listed_node(**changes: Any) -> Method:
    """One node with other attributes, or other methods and properties."""
    methods = {k: v for k, v in changes.items() if callable(v) or isinstance(v, property)}
    item: Any = type("Odd", (Node,), methods)("1", "first", NodeState.RUNNING, [], [], DRIVER)
    vars(item).update({k: v for k, v in changes.items() if k not in methods})
    return returns([item])


def listed_size(**changes: Any) -> Method:
    item = NodeSize("s", "Small", 128, 4, None, 0.5, DRIVER)
    vars(item).update(changes)
    return returns([item])


class Forgetful(Missing):
    def __reduce__(self) -> Any:
        return Forgetful, ("forgotten",)


def list_sizes_requiring_zone(
    self: Any, location: Any = None, ex_region: Any = None, *, ex_zone: Any
) -> Any: ...


def list_sizes_by_listed_location(self: Any, location: Any = None) -> Any:
    return listed_size()() if location is None or location.name else []


def get_image_leaking(self: Any, image_id: str) -> Any:
    if not image_id.isdecimal():
        raise Missing("No image for someone:open-sesame here.")
    return SmallDriver.get_image(self, image_id)


def create_node_that_raises(error: Exception) -> Method:
    """It refuses a size or an image unless there is none."""

    def create_node(self: Any, name: Any, size: Any, image: Any, *args: Any, **kwargs: Any) -> Any:
        if size is not None:
            raise error

    return create_node


def never(self: Any, *args: Any) -> None:
    raise NotImplementedError("start_node not implemented for this driver")


def does_nothing(self: Any, *args: Any) -> None:
    return None


does_nothing.__wrapped__ = never  # type: ignore[attr-defined]


def list_nodes_elsewhere(self: Any) -> Any:
    return [Node(n.id, n.name, n.state, ["192.0.2.9"], [], self) for n in self.nodes]


def wait_returning_an_address(self: Any, nodes: Any, **options: Any) -> Any:
    return [(item, ["192.0.2.1"]) for item in nodes]


def wait_for_private_addresses(self: Any, nodes: Any, ssh_interface: str, **options: Any) -> Any:
    if ssh_interface == "public_ips":
        raise LibcloudError("no public address")
    return [(item, item.public_ips) for item in nodes]


def case(name: str, words: str, expected: str = "fails", /, **members: Any) -> Any:
    """A check, its outcome and words of its detail; what breaks a driver, and options of a run."""
    return pytest.param(members, name, words, expected, id=f"{name}: {words}")


def not_applicable(name: str, words: str, /, **members: Any) -> Any:
    return case(name, words, "not applicable", **members)


CASES = [
    case("method.start_node", "without a reason", start_node=raises(NotImplementedError())),
    case("method.start_node", "not implemented for this driver", start_node=never),
    case("method.start_node", "OSError: nothing", start_node=raises(OSError("nothing"))),
    case("method.start_node", "It does nothing.", start_node=does_nothing),
    case("method.list_volumes", "without a reason", list_volumes=raises(NotImplementedError(""))),
    case(
        "method.import_key_pair_from_file",
        "which calls import_key_pair_from_string(): there is none",
        import_key_pair_from_string=NodeDriver.import_key_pair_from_string,
    ),
    case("signatures", "image_id is not its parameter 1", get_image=lambda self, node_image: None),
    case("signatures", "own ex_zone is required", list_sizes=list_sizes_requiring_zone),
    case("signatures", "own zone is neither", list_sizes=lambda self, location=None, zone=0: []),
    case("signatures", "location is required", list_images=lambda self, location: []),
    case("unknown-keywords", "list_nodes accepts it", list_nodes=lambda self, **kwargs: []),
    case("unknown-keywords", "destroy_node takes any", destroy_node=lambda self, node, **kw: True),
    case("unknown-keywords", "IndexError", list_nodes=lambda _, **kw: [][len(kw)] if kw else []),
    case(
        "unknown-keywords",
        "raises a TypeError that does not name it",
        list_nodes=lambda self, **kwargs: kwargs + 1 if kwargs else [],
    ),
    case("class.name", "name is None: a string", name=None),
    case("class.NODE_STATE_MAP", "is {}", NODE_STATE_MAP={}),
    case("class.NODE_STATE_MAP", "{'up': 'running'}: a dict of", NODE_STATE_MAP={"up": "running"}),
    case("class.features", "['ssh_key']: a dict of lists", features=["ssh_key"]),
    case("class.features", "{'make': []}: a dict", features={"make": []}),
    case("class.features", "'ssh_key'}: a dict", features={"create_node": "ssh_key"}),
    case("auth", "no parameter auth", create_node=lambda self, name, size, image: None),
    case("auth", "takes auth among its keywords", "holds", create_node=lambda self, **kw: None),
    case(
        "calls-driver.node",
        "node.destroy() calls stop_node instead of destroy_node",
        list_nodes=listed_node(destroy=lambda node: node.driver.stop_node(node)),
    ),
    case(
        "calls-driver.volume",
        "volume.snapshot() raises TypeError",
        create_volume_snapshot=lambda self, volume, title: None,
    ),
    case("by-hand.list_sizes", "0 for it, and 1", list_sizes=list_sizes_by_listed_location),
    case("by-hand.list_images", "KeyError", list_images=fails_if_narrowed(KeyError("region"))),
    case("ids.nodes", "the id 7 is not", list_nodes=listed_node(id=7)),
    case("ids.nodes", "the id '' is not", list_nodes=listed_node(id="")),
    case(
        "attributes.nodes",
        "1: cluster raises KeyError",
        list_nodes=listed_node(cluster=property(raises(KeyError("cluster")))),
    ),
    case("repr.nodes", "501 characters", list_nodes=listed_node(__repr__=returns("x" * 501))),
    case("repr.nodes", "AttributeError", list_nodes=listed_node(state=None)),
    case("state.nodes", "state is None", list_nodes=listed_node(state=None)),
    case("state.nodes", "state is 'up'", list_nodes=listed_node(state="up")),
    case("extra.nodes", "extra is NoneType", list_nodes=listed_node(extra=None)),
    case(
        "extra.nodes", "as JSON: Object", list_nodes=listed_node(extra={"at": datetime.now(UTC)})
    ),
    case("addresses.nodes", "public_ips is None", list_nodes=listed_node(public_ips=None)),
    case("numbers.sizes", "price is None", list_sizes=listed_size(price=None)),
    case("numbers.sizes", "ram is '4 GB'", list_sizes=listed_size(ram="4 GB")),
    case("numbers.sizes", "disk is nan", list_sizes=listed_size(disk=float("nan"))),
    case("list.images", "1 of 3 ids are repeated: a", list_images=returns([*map(image, "aba")])),
    case("list.images", "NoneType", list_images=returns(None)),
    case("list.images", "returns NodeSize, not NodeImage", list_images=listed_size()),
    case("list.images", "OSError: cut", list_images=raises(OSError("cut"))),
    case("list.nodes", "returns 0 without repetition", "holds", list_nodes=returns([])),
    case("stable.images", "3 times", list_images=lambda *_, **__: [image(str(next(COUNTER)))]),
    case("lazy.images", "list instead of an iterator", ex_iterate_images=returns([])),
    case("lazy.images", "yields 0, list_images() 3", ex_iterate_images=returns(iter(()))),
    case(
        "get-key-pair", "=dd:ee", get_key_pair=lambda _, name: KeyPair(name, "", "dd:ee", DRIVER)
    ),
    case("get-key-pair", "AttributeError", get_key_pair=returns(None)),
    case("get-image", "id=x", get_image=returns(image("x"))),
    case("error-class.image", "raises nothing", get_image=returns(image("x"))),
    case("error-class.image", "KeyError", get_image=raises(KeyError("no"))),
    case("error-class.image", "no LibcloudError", get_image=raises(UntypedError(404, "Missing"))),
    case("error-class.image", "no BaseHTTPError", get_image=raises(ProviderError("Missing", 404))),
    case("error-class.key_pair", "no KeyPairDoesNotExistError", get_key_pair=raises(NOT_FOUND)),
    case("error-pickle.image", "not pickle", get_image=raises(ProviderError("Missing", 404))),
    case("error-pickle.image", "Forgetful: forgotten", get_image=raises(Forgetful("No image"))),
    case("error-text.image", "markup", get_image=raises(Missing(PAGE))),
    case(
        "error-text.image", "an object's address", get_image=raises(Missing("<a.B object at 0x7>"))
    ),
    case("error-text.image", "''", get_image=raises(Missing(""))),
    case("error-text.image", "raises TypeError", get_image=raises(Missing(None))),
    case("error-secrets.image", "str() and repr() and attributes", get_image=get_image_leaking),
    case("error-secrets.image", "attributes of Missing hold", get_image=raises(WITH_SECRET)),
    not_applicable("error-secrets.image", "has no secret", secrets=()),
    case("node.destroyed", "None instead of True", destroy_node=returns(None)),
    case("node.listed", "does not list made-1", list_nodes=lambda self: self.nodes[:1]),
    case(
        "node.created",
        "BaseHTTPError: The size is not for this image",
        create_node=create_node_that_raises(UntypedError(409, "The size is not for this image")),
    ),
    case(
        "node.created",
        "Choose by --image and --location: A password is needed.",
        "skipped",
        create_node=create_node_that_raises(ValueError("A password is needed.")),
    ),
    case("node.created", "it is dict instead of a Node", create_node=returns({})),
    case("node.created", "no size 'huge'; 1 were listed", choice=Choice(size="huge")),
    case(
        "node.created",
        "ValueError: A password is needed.",
        create_node=create_node_that_raises(ValueError("A password is needed.")),
        choice=Choice(image="1"),
    ),
    case(
        "cleanup",
        "stays behind; remove it by hand. AttributeError: 'Node' object has no",
        destroy_node=lambda self, node: node.power,
    ),
    case(
        "node.addresses",
        "returned 192.0.2.1 of made-1, list_nodes() 192.0.2.9",
        list_nodes=list_nodes_elsewhere,
        wait_until_running=wait_returning_an_address,
    ),
    case("node.addresses", "on fire", wait_until_running=raises(LibcloudError("it is on fire"))),
    case(
        "node.addresses",
        "has 192.0.2.1 of made-1",
        "holds",
        wait_until_running=wait_for_private_addresses,
    ),
    case("node.read", "id", ex_get_node=lambda self, node_id: self.nodes[0]),
    case("key-pair.deleted", "is still there", delete_key_pair=returns(True)),
    case("key-pair.imported", "laptop", import_key_pair_from_string=lambda d, *_: d.pairs[0]),
    case("key-pair.read", "not list conformance-", list_key_pairs=lambda self: self.pairs[:1]),
    case("login-refused", "not noticed", refuse_login=returns(None)),
    case(
        "login-refused",
        "PermissionError: no, not with wrong-*** is no InvalidCredsError",
        refuse_login=raises(PermissionError("no, not with wrong-open-sesame")),
    ),
    case("network-failure", "no OSError", without_network=raises(Missing("It is down."))),
    case(
        "network-failure", "is an", "holds", without_network=raises(ConnectionRefusedError("no"))
    ),
    not_applicable("network-failure", "no proxy_url", without_network=raises(TypeError("proxy"))),
    not_applicable(
        "by-hand.list_images",
        "list_images(location) is refused: ValueError: Images are everywhere.",
        list_images=fails_if_narrowed(ValueError("Images are everywhere.")),
    ),
    not_applicable(
        "by-hand.list_sizes", "no list_sizes() of its own", list_sizes=NodeDriver.list_sizes
    ),
    not_applicable(
        "get-key-pair",
        "belongs to several",
        list_key_pairs=returns([KeyPair("a", "", str(n), DRIVER) for n in range(2)]),
    ),
    not_applicable("error-text.image", "at all", get_image=raises(NO_VOLUMES)),
    not_applicable("auth", "create_node() only raises", create_node=never),
    not_applicable("ids.volumes", "no volumes at all", list_volumes=raises(NO_VOLUMES)),
    case("method.list_volumes", "no volumes at all", "holds", list_volumes=raises(NO_VOLUMES)),
    not_applicable(
        "calls-driver.snapshot",
        "no snapshots",
        **{name: getattr(NodeDriver, name) for name in SNAPSHOTS},
    ),
    not_applicable("state.nodes", "empty", list_nodes=returns([])),
    not_applicable(
        "node.read", "no ex_get_node()", ex_get_node=property(raises(AttributeError()))
    ),
]


@pytest.mark.parametrize(("members", "name", "words", "expected"), CASES)
def test_check_finds_what_is_broken_or_missing(
    members: Any, name: str, words: str, expected: str
) -> None:
    options = {key: members[key] for key in members.keys() & inspect.signature(run).parameters}
    driver: Any = broken(**{k: v for k, v in members.items() if k not in options})
    result, detail = outcome(
        driver,
        name,
        changes=name.startswith(("node.", "key-pair.", "login-", "cleanup")),
        with_wrong_login=lambda: type(driver)(secret="wrong-open-sesame"),
        **options,
    )
    assert result == expected, detail
    assert words in detail


def test_driver_that_keeps_the_contract_passes_and_nothing_stays_behind() -> None:
    driver = SmallDriver()
    report = run(driver, changes=True, with_wrong_login=lambda: SmallDriver(secret="wrong"))
    assert report.named(Outcome.FAILS) == []
    assert report.named(Outcome.SKIPPED) == ["network-failure"]
    assert report.passed
    assert [item.id for item in driver.nodes] == ["1"]
    assert [pair.name for pair in driver.pairs] == ["laptop"]


def test_nothing_changes_unless_that_is_allowed() -> None:
    calls: list[str] = []

    def recorded(name: str) -> Method:
        return lambda self, *args, **kwargs: calls.append(name)

    changing = ("create_node", "destroy_node", "import_key_pair_from_string", "delete_key_pair")
    driver = broken(**{name: recorded(name) for name in changing})
    report = run(driver, with_wrong_login=lambda: calls.append("login"))
    changes = {item.name for item in CHECKS if item.changes}
    assert set(report.named(Outcome.SKIPPED)) == {*changes, "network-failure"}
    assert calls == []


def test_method_that_changes_things_is_called_only_if_it_does_nothing_but_raise() -> None:
    calls: list[Node] = []

    def start_node(self: Any, node: Node) -> None:
        calls.append(node)
        raise NotImplementedError

    assert outcome(broken(start_node=start_node), "method.start_node")[0] == "holds"
    assert calls == []


def test_driver_without_a_connection_class_fails() -> None:
    driver: Any = SmallDriver()
    driver.connectionCls = None
    assert failing(driver) == ["class.connectionCls"]


def test_secret_in_an_error_is_found_and_not_repeated() -> None:
    report = run(broken(get_image=get_image_leaking))
    assert report.named(Outcome.FAILS) == ["error-secrets.image"]
    assert "open-sesame" not in report.table()
    assert "someone:***" in report.table()


def test_list_that_fails_is_reported_once() -> None:
    report = run(broken(list_volumes=lambda self: self.volumes))
    assert report.named(Outcome.FAILS) == ["list.volumes"]
    assert "method.list_volumes" in report.named(Outcome.SKIPPED)
    assert {item.detail for item in report.results if item.name.endswith(".volumes")} >= {
        "list_volumes() returned no list; see list.volumes."
    }


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        (Choice(), ["s", "0", None]),
        (Choice(image="2", size="s", location="here"), ["s", "2", "here"]),
        (Choice(image="unlisted"), ["s", "unlisted", None]),
    ],
    ids=["nothing", "everything", "unlisted-image"],
)
def test_node_is_made_of_what_was_chosen(choice: Choice, ids: list[str | None]) -> None:
    driver = broken(get_image=lambda self, image_id: image(image_id))
    assert outcome(driver, "node.created", changes=True, choice=choice)[0] == "holds"
    assert [item and item.id for item in driver.created[0]] == ids


def test_node_whose_response_was_lost_is_destroyed() -> None:
    def create_node(self: Any, name: str, size: Any, image: Any, *_: Any, auth: Any = None) -> Any:
        SmallDriver.create_node(self, name, size, image)
        raise OSError("the response was lost")

    driver = broken(create_node=create_node)
    assert "node.created" in failing(driver, changes=True)
    assert [item.id for item in driver.nodes] == ["1"]


def test_key_pair_that_was_not_deleted_is_deleted_at_the_end() -> None:
    attempts: list[str] = []

    def delete_key_pair(self: Any, key_pair: Any) -> bool:
        attempts.append(key_pair.name)
        if len(attempts) == 1:
            raise OSError("cut")
        return SmallDriver.delete_key_pair(self, key_pair)

    driver = broken(delete_key_pair=delete_key_pair)
    assert failing(driver, changes=True) == ["key-pair.deleted"]
    assert [pair.name for pair in driver.pairs] == ["laptop"]


def test_interruption_leaves_nothing_behind() -> None:
    driver = broken(ex_get_node=raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(driver, changes=True)
    assert [item.id for item in driver.nodes] == ["1"]
