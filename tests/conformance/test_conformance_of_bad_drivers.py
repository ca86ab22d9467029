"""A driver that keeps the contract passes; broken in one place, the check for that says so."""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import ProviderError
from libcloud.compute.base import KeyPair, Node, NodeDriver, NodeImage, NodeSize
from libcloud.compute.types import NodeState
from small_driver import Missing, SmallDriver

from slipstream.conformance import CHECKS, Choice, Outcome, run


def outcome(driver, name, **options):
    report = run(driver, **options)
    return next((one.outcome.value, one.detail) for one in report.results if one.name == name)


def failing(driver, **options):
    return run(driver, **options).named(Outcome.FAILS)


def test_a_driver_that_keeps_the_contract_passes_with_nothing_left_behind():
    driver = SmallDriver()
    report = run(driver, changes=True, with_wrong_login=lambda: SmallDriver(secret="wrong"))
    assert [one for one in report.results if one.outcome is Outcome.FAILS] == []
    assert report.passed
    assert report.named(Outcome.SKIPPED) == []
    assert [node.id for node in driver.nodes] == ["1"]
    assert [pair.name for pair in driver.pairs] == ["laptop"]


def test_nothing_is_changed_unless_that_is_allowed():
    called = []

    class Noting(SmallDriver):
        def create_node(self, name, size, image, location=None, auth=None):
            called.append("create_node")
            return super().create_node(name, size, image)

        def destroy_node(self, node):
            called.append("destroy_node")
            return True

        def import_key_pair_from_string(self, name, key_material):
            called.append("import_key_pair_from_string")
            return super().import_key_pair_from_string(name, key_material)

        def delete_key_pair(self, key_pair):
            called.append("delete_key_pair")
            return True

    report = run(Noting(), with_wrong_login=lambda: called.append("login"))
    assert report.passed
    assert set(report.named(Outcome.SKIPPED)) == {one.name for one in CHECKS if one.changes}
    assert called == []


def test_a_method_that_changes_things_is_called_only_if_it_does_nothing_but_raise():
    called = []

    def start_node(self, node):
        called.append(node)
        raise NotImplementedError

    assert outcome(broken(start_node=start_node), "method.start_node")[0] == "holds"
    assert called == []


def test_a_driver_without_a_class_of_connections_fails():
    driver = SmallDriver()
    driver.connectionCls = None
    assert failing(driver) == ["class.connectionCls"]


def broken(**members):
    return type("Broken", (SmallDriver,), members)()


def refusing(error):
    def method(self, *args):
        raise error

    return method


def dropping(method):
    @functools.wraps(method)
    def call(*args, **kwargs):
        with contextlib.suppress(NotImplementedError):
            method(*args, **kwargs)

    return call


def swallows(self, **kwargs):
    return list(self.nodes)


def needs_more(self, location=None, ex_region=None, *, ex_zone):
    return []


def images(*ids):
    return lambda self, location=None: [NodeImage(one, "Image", self) for one in ids]


def narrowed_by(error):
    def method(self, location=None):
        if location is not None:
            raise error
        return images("0")(self)

    return method


class Forgetful(Missing):
    def __reduce__(self):
        return Forgetful, ("forgotten",)


class Peculiar(Node):
    def __init__(self, driver):
        super().__init__("1", "first", NodeState.RUNNING, [], [], driver)

    @property
    def cluster(self):
        raise KeyError("cluster")


class Wordy(Node):
    def __repr__(self):
        return "x" * 501


class Reluctant(Node):
    def destroy(self):
        return self.driver.stop_node(self)


def one_node(cls=Node, **changes):
    def method(self):
        node = cls("1", "first", NodeState.RUNNING, [], [], self)
        vars(node).update(changes)
        return [node]

    return method


def one_size(**changes):
    def method(self, location=None):
        size = NodeSize("s", "Small", 128, 4, None, 0.5, self)
        vars(size).update(changes)
        return [size]

    return method


TURNS = itertools.count()
PAGE = "<html><head><title>502</title></head></html> Bad gateway"
BAD = {
    "a method without a reason": (
        {"start_node": refusing(NotImplementedError())},
        "method.start_node",
        "refused without a reason",
    ),
    "a method with the base's words": (
        {
            "start_node": refusing(
                NotImplementedError("start_node not implemented for this driver")
            )
        },
        "method.start_node",
        "refused without a reason",
    ),
    "a method refused by another exception": (
        {"start_node": refusing(OSError("no such thing"))},
        "method.start_node",
        "OSError: no such thing",
    ),
    "a list refused without a reason": (
        {"list_volumes": refusing(NotImplementedError(""))},
        "method.list_volumes",
        "refused without a reason",
    ),
    "a parameter of another name": (
        {"get_image": lambda self, node_image: NodeImage("0", "Image", self)},
        "signatures",
        "get_image: image_id is not its parameter 1",
    ),
    "an option that must be given": (
        {"list_sizes": needs_more},
        "signatures",
        "its own ex_zone must be given",
    ),
    "an option in the way": (
        {"list_sizes": lambda self, location=None, zone=None: []},
        "signatures",
        "its own zone is neither",
    ),
    "a base's option that must be given": (
        {"list_images": lambda self, location: []},
        "signatures",
        "location must be given",
    ),
    "keywords that are swallowed": (
        {"list_nodes": swallows},
        "unknown-keywords",
        "list_nodes takes it and works",
    ),
    "keywords that a method which changes things would swallow": (
        {"destroy_node": lambda self, node, **kwargs: True},
        "unknown-keywords",
        "destroy_node takes any",
    ),
    "a keyword that ends in another error": (
        {"list_nodes": lambda self, **kwargs: [][len(kwargs)] if kwargs else []},
        "unknown-keywords",
        "list_nodes raises IndexError",
    ),
    "a keyword that is refused without its name": (
        {"list_nodes": lambda self, **kwargs: len(1) if kwargs else []},
        "unknown-keywords",
        "raises a TypeError that does not name it",
    ),
    "a refusal that a decorator drops": (
        {"start_node": dropping(refusing(NotImplementedError("never")))},
        "method.start_node",
        "It does nothing.",
    ),
    "a method that the base's own needs": (
        {"import_key_pair_from_string": NodeDriver.import_key_pair_from_string},
        "method.import_key_pair_from_file",
        "which calls import_key_pair_from_string(): there is none",
    ),
    "no name": ({"name": None}, "class.name", "name is None"),
    "no states": ({"NODE_STATE_MAP": {}}, "class.NODE_STATE_MAP", "is {}"),
    "states in words": (
        {"NODE_STATE_MAP": {"up": "running"}},
        "class.NODE_STATE_MAP",
        "leads to 'running'",
    ),
    "features as a list": ({"features": ["ssh_key"]}, "class.features", "a dict is needed"),
    "features of no method": ({"features": {"make": []}}, "class.features", "tells of make"),
    "features in one text": (
        {"features": {"create_node": "ssh_key"}},
        "class.features",
        "a list of texts",
    ),
    "no auth": (
        {"create_node": lambda self, name, size, image, location=None: None},
        "auth",
        "no argument auth",
    ),
    "a node that stops when it should be destroyed": (
        {"list_nodes": one_node(Reluctant)},
        "calls-driver.node",
        "node.destroy() calls stop_node instead of destroy_node",
    ),
    "a parameter that objects call by another name": (
        {"create_volume_snapshot": lambda self, volume, title: None},
        "calls-driver.volume",
        "volume.snapshot() raises TypeError",
    ),
    "locations made by hand": (
        {
            "list_sizes": lambda self, location=None: (
                one_size()(self) if location is None or location.name else []
            )
        },
        "by-hand.list_sizes",
        "gives 0 for it, and 1",
    ),
    "a list that breaks on a location": (
        {"list_images": narrowed_by(AttributeError("no region"))},
        "by-hand.list_images",
        "AttributeError: no region",
    ),
    "numbers for ids": ({"list_nodes": one_node(id=7)}, "ids.nodes", "the id 7 is not"),
    "nothing for ids": ({"list_nodes": one_node(id="")}, "ids.nodes", "the id '' is not"),
    "an attribute that raises": (
        {"list_nodes": lambda self: [Peculiar(self)]},
        "attributes.nodes",
        "1: cluster raises KeyError",
    ),
    "an endless repr": ({"list_nodes": one_node(Wordy)}, "repr.nodes", "501 characters"),
    "a repr that fails": ({"list_nodes": one_node(state=None)}, "repr.nodes", "AttributeError"),
    "no state": ({"list_nodes": one_node(state=None)}, "state.nodes", "state is None"),
    "a state in words": ({"list_nodes": one_node(state="up")}, "state.nodes", "state is 'up'"),
    "no extra": ({"list_nodes": one_node(extra=None)}, "extra.nodes", "extra is NoneType"),
    "no addresses": (
        {"list_nodes": one_node(public_ips=None)},
        "addresses.nodes",
        "public_ips is None",
    ),
    "a size without a price": ({"list_sizes": one_size(price=None)}, "numbers.sizes", "price is"),
    "a size in words": ({"list_sizes": one_size(ram="4 GB")}, "numbers.sizes", "ram is '4 GB'"),
    "no number": ({"list_sizes": one_size(disk=float("nan"))}, "numbers.sizes", "disk is nan"),
    "ids that stand there twice": (
        {"list_images": images("a", "b", "a")},
        "list.images",
        "1 of 3 ids stand there more than once: a",
    ),
    "no list": ({"list_images": lambda self, location=None: None}, "list.images", "NoneType"),
    "a list of others": (
        {"list_images": one_size()},
        "list.images",
        "gives NodeSize, not NodeImage",
    ),
    "a list that fails": (
        {"list_images": refusing(OSError("cut"))},
        "list.images",
        "OSError: cut",
    ),
    "a list that is another one each time": (
        {"list_images": lambda self, location=None: [NodeImage(str(next(TURNS)), "Image", self)]},
        "stable.images",
        "other ids each of 3 times",
    ),
    "a twin that is a list": (
        {"ex_iterate_images": lambda self: self.list_images()},
        "lazy.images",
        "gives list instead of an iterator",
    ),
    "a twin that gives less": (
        {"ex_iterate_images": lambda self: iter(self.list_images()[1:])},
        "lazy.images",
        "gives 2, list_images() 3",
    ),
    "another key pair": (
        {"get_key_pair": lambda self, name: KeyPair(name, "", "dd:ee", self)},
        "get-key-pair",
        "fingerprint=dd:ee",
    ),
    "another image": (
        {"get_image": lambda self, image_id: NodeImage("other", "Other", self)},
        "get-image",
        "id=other",
    ),
    "nothing for a key pair": (
        {"get_key_pair": lambda self, name: None},
        "get-key-pair",
        "AttributeError",
    ),
    "an image that is made up": (
        {"get_image": lambda self, image_id: NodeImage(image_id, "Image", self)},
        "error-class.image",
        "raises nothing",
    ),
    "an error of Python's": (
        {"get_image": refusing(KeyError("no"))},
        "error-class.image",
        "KeyErr",
    ),
    "an error of HTTP's alone": (
        {"get_image": refusing(BaseHTTPError(404, "Not found"))},
        "error-class.image",
        "is no LibcloudError",
    ),
    "an error with a status that is none of HTTP's": (
        {"get_image": refusing(ProviderError("Not found there", 404))},
        "error-class.image",
        "is no BaseHTTPError",
    ),
    "an error for a key pair like any other": (
        {"get_key_pair": refusing(Missing("There is none."))},
        "error-class.key_pair",
        "is no KeyPairDoesNotExistError",
    ),
    "an error that does not pickle": (
        {"get_image": refusing(ProviderError("Not found there", 404))},
        "error-pickle.image",
        "ProviderError does not pickle",
    ),
    "an error that comes back as another": (
        {"get_image": refusing(Forgetful("There is no such image."))},
        "error-pickle.image",
        "comes back as Forgetful: forgotten",
    ),
    "an error that is a page": (
        {"get_image": refusing(Missing(PAGE))},
        "error-text.image",
        "markup",
    ),
    "an error that is an address": (
        {"get_image": refusing(Missing("No image in <small.Driver object at 0x7f00>"))},
        "error-text.image",
        "an object's address",
    ),
    "an error without a word": ({"get_image": refusing(Missing(""))}, "error-text.image", "''"),
    "an error that cannot be printed": (
        {"get_image": refusing(Missing(None))},
        "error-text.image",
        "raises TypeError",
    ),
}


@pytest.mark.parametrize(("members", "name", "words"), BAD.values(), ids=BAD)
def test_a_fault_is_found_by_the_check_that_is_for_it(members, name, words):
    what, detail = outcome(broken(**members), name)
    assert what == "fails", detail
    assert words in detail


def test_a_password_in_an_error_is_found_and_not_repeated():
    def get_image(self, image_id):
        if not image_id.isdecimal():
            raise Missing("No image for someone:open-sesame here.")
        return SmallDriver.get_image(self, image_id)

    report = run(broken(get_image=get_image))
    assert report.named(Outcome.FAILS) == ["error-secrets.image"]
    assert "open-sesame" not in report.table()
    assert "someone:***" in report.table()


def test_a_password_that_an_error_keeps_as_an_attribute_is_found():
    error = Missing("There is no such image.")
    error.request = {"password": "open-sesame"}
    assert outcome(broken(get_image=refusing(error)), "error-secrets.image") == (
        "fails",
        "attributes of Missing hold a secret.",
    )


def test_what_is_refused_with_a_reason_has_nothing_to_look_at():
    refused = refusing(NotImplementedError("The broken provider has no volumes at all."))
    report = run(broken(list_volumes=refused))
    by_name = {one.name: one for one in report.results}
    assert by_name["method.list_volumes"].outcome is Outcome.HOLDS
    assert by_name["ids.volumes"].outcome is Outcome.NOT_APPLICABLE
    assert "no volumes at all" in by_name["ids.volumes"].detail


NOTHING_TO_LOOK_AT = {
    "a location that no list can be narrowed by": (
        {"list_images": narrowed_by(ValueError("Images are everywhere."))},
        "by-hand.list_images",
        "list_images(location) is refused: ValueError: Images are everywhere.",
    ),
    "a list that the driver does not have": (
        {"list_sizes": NodeDriver.list_sizes},
        "by-hand.list_sizes",
        "no list_sizes() of its own",
    ),
    "key pairs that nothing tells apart": (
        {"list_key_pairs": lambda self: [KeyPair("a", "", str(n), self) for n in range(2)]},
        "get-key-pair",
        "borne by several",
    ),
    "an image that nobody can ask for": (
        {"get_image": refusing(NotImplementedError("Only lists are here."))},
        "error-text.image",
        "Only lists are here",
    ),
    "a node that nobody can make": (
        {"create_node": refusing(NotImplementedError("Buy a machine."))},
        "auth",
        "create_node() only raises",
    ),
    "snapshots that nobody has": (
        {
            name: getattr(NodeDriver, name)
            for name in (
                "list_volume_snapshots",
                "create_volume_snapshot",
                "destroy_volume_snapshot",
            )
        },
        "calls-driver.snapshot",
        "no snapshots",
    ),
}


@pytest.mark.parametrize(
    ("members", "name", "words"), NOTHING_TO_LOOK_AT.values(), ids=NOTHING_TO_LOOK_AT
)
def test_what_a_provider_does_not_have_is_not_held_for_good_or_bad(members, name, words):
    what, detail = outcome(broken(**members), name)
    assert what == "not applicable", detail
    assert words in detail


def test_auth_among_other_keywords_is_taken():
    driver = broken(create_node=lambda self, name, size, image, **kwargs: None)
    assert outcome(driver, "auth") == ("holds", "create_node() takes auth among its keywords.")
    assert "unknown-keywords" in failing(driver)


def test_a_node_is_made_without_a_location_where_there_are_none():
    driver = broken(list_locations=NodeDriver.list_locations)
    assert outcome(driver, "node.created", changes=True)[0] == "holds"
    assert driver.taken[0][2] is None


def test_an_image_that_is_not_listed_can_be_chosen():
    def get_image(self, image_id):
        return NodeImage(image_id, "Unlisted", self)

    driver = broken(get_image=get_image)
    run(driver, changes=True, choice=Choice(image="unlisted"))
    assert driver.taken[0][1].id == "unlisted"


def test_without_a_method_to_read_one_node_that_is_not_looked_at():
    driver = broken(ex_get_node=property(refusing(AttributeError("ex_get_node"))))
    assert outcome(driver, "node.read", changes=True)[0] == "not applicable"


def test_a_key_pair_that_was_not_deleted_is_not_forgotten():
    tried = []

    def delete_key_pair(self, key_pair):
        tried.append(key_pair.name)
        if len(tried) == 1:
            raise OSError("cut")
        return SmallDriver.delete_key_pair(self, key_pair)

    driver = broken(delete_key_pair=delete_key_pair)
    assert failing(driver, changes=True) == ["key-pair.deleted"]
    assert [pair.name for pair in driver.pairs] == ["laptop"]


def test_an_empty_list_holds_and_leaves_nothing_to_look_at():
    report = run(broken(list_nodes=lambda self: []))
    by_name = {one.name: one.outcome for one in report.results}
    assert by_name["list.nodes"] is Outcome.HOLDS
    assert by_name["state.nodes"] is Outcome.NOT_APPLICABLE


def test_a_list_that_fails_is_told_once():
    def list_volumes(self):
        raise OSError("cut")

    report = run(broken(list_volumes=list_volumes))
    assert report.named(Outcome.FAILS) == ["list.volumes"]
    assert "method.list_volumes" in report.named(Outcome.SKIPPED)
    assert {one.detail for one in report.results if one.name.endswith(".volumes")} >= {
        "list_volumes() gave no list; see list.volumes."
    }


def test_a_driver_without_a_secret_can_leak_none():
    driver = SmallDriver()
    assert outcome(driver, "error-secrets.image", secrets=())[0] == "not applicable"


def test_a_node_is_made_of_what_was_chosen():
    driver = SmallDriver()
    run(driver, changes=True, choice=Choice(image="2", size="s", location="here"))
    size, image, location = driver.taken[0]
    assert (size.id, image.id, location.id) == ("s", "2", "here")


def test_a_choice_that_does_not_exist_fails():
    choice = Choice(size="huge")
    assert outcome(SmallDriver(), "node.created", changes=True, choice=choice) == (
        "fails",
        "There is no size 'huge'; 1 were listed.",
    )


def test_an_image_that_nobody_chose_may_be_refused():
    refused = broken(create_node=refuse_node)
    assert outcome(refused, "node.created", changes=True)[0] == "skipped"
    chosen = Choice(image="1")
    assert outcome(refused, "node.created", changes=True, choice=chosen)[0] == "fails"


def refuse_node(self, name, size, image, location=None, auth=None):
    if image is not None:
        raise ValueError("A password is needed.")


def test_a_node_whose_creation_was_told_wrongly_is_destroyed():
    def create_node(self, name, size, image, location=None, auth=None):
        SmallDriver.create_node(self, name, size, image)
        raise OSError("the answer was lost")

    driver = broken(create_node=create_node)
    report = run(driver, changes=True)
    assert report.named(Outcome.FAILS) == ["node.created"]
    assert [node.id for node in driver.nodes] == ["1"]


def test_what_could_not_be_removed_is_named():
    def destroy_node(self, node):
        if node is not None:
            raise OSError("the power is off")

    report = run(broken(destroy_node=destroy_node), changes=True)
    left = next(one for one in report.results if one.name == "cleanup")
    assert left.outcome is Outcome.FAILS
    assert left.detail.startswith("The node conformance-")
    assert "stays behind; remove it by hand. OSError: the power is off" in left.detail


def test_an_interruption_leaves_nothing_behind():
    def ex_get_node(self, node_id):
        raise KeyboardInterrupt

    driver = broken(ex_get_node=ex_get_node)
    with pytest.raises(KeyboardInterrupt):
        run(driver, changes=True)
    assert [node.id for node in driver.nodes] == ["1"]


CHANGING = {
    "an answer that is not a bool": (
        {"destroy_node": lambda self, node: SmallDriver.destroy_node(self, node) and None},
        "node.destroyed",
        "gives None instead of True",
    ),
    "a node that is never listed": (
        {"list_nodes": lambda self: self.nodes[:1]},
        "node.listed",
        "does not list made-1",
    ),
    "another node": (
        {"ex_get_node": lambda self, node_id: self.nodes[0]},
        "node.read",
        "id",
    ),
    "a dict for a node": (
        {"create_node": lambda self, name, size, image, location=None, auth=None: {}},
        "node.created",
        "it is dict instead of a Node",
    ),
    "a key pair that stays": (
        {"delete_key_pair": lambda self, key_pair: True},
        "key-pair.deleted",
        "it is still there",
    ),
    "a key pair of another name": (
        {"import_key_pair_from_string": lambda self, name, key_material: self.pairs[0]},
        "key-pair.imported",
        "laptop",
    ),
    "a key pair that is not listed": (
        {"list_key_pairs": lambda self: self.pairs[:1]},
        "key-pair.read",
        "does not list conformance-",
    ),
    "a login that is not noticed": (
        {"refuse_login": lambda self: None},
        "login-refused",
        "not noticed",
    ),
    "a login refused by an error of Python's": (
        {"refuse_login": refusing(PermissionError("no, not with wrong-open-sesame"))},
        "login-refused",
        "PermissionError: no, not with wrong-*** is no InvalidCredsError",
    ),
}


@pytest.mark.parametrize(("members", "name", "words"), CHANGING.values(), ids=CHANGING)
def test_a_fault_in_changing_is_found_by_the_check_that_is_for_it(members, name, words):
    driver = broken(**members)
    login = lambda: type(driver)(secret="wrong-open-sesame")  # noqa: E731
    what, detail = outcome(driver, name, changes=True, with_wrong_login=login)
    assert what == "fails", detail
    assert words in detail


def test_a_driver_that_warns_is_checked_all_the_same():
    def list_images(self, location=None):
        warnings.warn("some are left out", stacklevel=2)
        return SmallDriver.list_images(self)

    with pytest.warns(UserWarning, match="some are left out"):
        assert failing(broken(list_images=list_images)) == []
