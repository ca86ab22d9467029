from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from libcloud.common.types import LibcloudError
from libcloud.compute.base import NodeImage, NodeLocation

from slipstream.libcloud.errors import BadInput, NotFound, RequestFailed, UnknownName
from slipstream.sandbox import Sandbox
from slipstream.sandbox.server import Entry

from .support import KEY, SYSTEM, WORDPRESS, Driver, changed, sent_form
from .test_key_pairs import lines

QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NASTY = [
    *("'", '"', "/", " ", "%", "..", ".", "%2e%2e", "%2F", "?", "#", "&", "=", ";", "\\", "<"),
    *(">", "]]>", "--", ",", "+", "$", "żółw", "名前", "🐢", "é", "e\u0301", "\u202e", "\ufeff"),
    *("\x00", "\n", "\r", "\t", "\x7f", "\ud800", "\ufffe", '" or resource:type="VM'),
    *("' or '1'='1", "{0}", "%s", "admin", "1"),
]
names = st.one_of(
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=6).map("".join),
    st.text(min_size=1, max_size=30),
    st.sampled_from(NASTY).map(lambda text: (text * 10_000)[:10_000]),
)
"""Names with quotes, slashes, blanks, percent signs, dots, other scripts, and very long ones."""
strangers = names.map(lambda name: f"{name}~")  # made sure to be no names that exist
LONG = "x" * 10_000
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def path_of(entry: Entry) -> str:
    """The path with every character, which WSGI hands over byte by byte."""
    return entry.path.encode("latin-1").decode()


CALLS: dict[str, Callable[[Driver, str], object]] = {
    "get_image": lambda driver, path: driver.get_image(path),
    "list_images": lambda driver, path: driver.list_images(ex_path=path),
    "delete_image": lambda driver, path: driver.delete_image(NodeImage(path, "x", driver)),
}


@pytest.mark.parametrize("call", CALLS)
@QUICK
@given(name=names)
@example(name="a%2F..%2Fb")
@example(name="a?media=json")
@example(name="a;b/c#d")
@example(name="module/module/a")
def test_image_path_stays_in_place(driver: Driver, sandbox: Sandbox, call: str, name: str) -> None:
    sandbox.journal.clear()
    with pytest.raises(LibcloudError) as caught:
        CALLS[call](driver, f"nowhere/{name}")
    requests = list(sandbox.journal)
    if call == "get_image":  # the others look for a path that may have been meant
        del requests[1:]
    assert {path_of(entry) for entry in requests} <= {f"/module/nowhere/{name}".rstrip("/")}
    if isinstance(caught.value, BadInput):
        assert requests == []
    elif call == "get_image":
        assert isinstance(caught.value, RequestFailed)
        too_long = caught.value.http_code == HTTPStatus.REQUEST_URI_TOO_LONG
        assert [entry.query for entry in requests] == ([] if too_long else [{}])
    assert driver.get_image(WORDPRESS).id == f"{WORDPRESS}/478"


@QUICK
@given(name=strangers)
@example(name='exoscale-ch-gva" or resource:type="VM')
@example(name="x' or id!=null or id='")
@example(name="x\\")
def test_location_widens_no_filter(driver: Driver, sandbox: Sandbox, name: str) -> None:
    sandbox.world.add_machine()
    location = NodeLocation(name, name, "", driver)
    for call in (driver.list_sizes, driver.ex_list_virtual_machines):
        sandbox.journal.clear()
        with pytest.raises(BadInput) as caught:
            call(location)
        # The filter has let nothing through, or was never sent.
        assert isinstance(caught.value, UnknownName) == (len(sandbox.journal) > 0)
        assert {entry.status for entry in sandbox.journal} <= {200}


@QUICK
@given(name=names)
def test_node_name_comes_back_or_is_refused(driver: Driver, sandbox: Sandbox, name: str) -> None:
    sandbox.journal.clear()
    try:
        node = driver.create_node(name, image=WORDPRESS)
    except BadInput:
        assert changed(sandbox) == []
    else:
        assert sandbox.world.run(node.id).get("ss:tags") == name
        assert node.name == name


@QUICK
@given(value=names)
@example(value="'quoted'")
@example(value='"quoted"')
@example(value="it's a:b")
def test_parameter_value_arrives_or_fails(driver: Driver, sandbox: Sandbox, value: str) -> None:
    for image, parameters, key in (
        (WORDPRESS, {"wordpress_title": value}, "machine:wordpress_title"),
        (SYSTEM, {"apache": {"port": value}}, "apache.1:port"),
    ):
        sandbox.journal.clear()
        try:
            node = driver.create_node(image=image, ex_parameters=parameters)
        except BadInput:
            assert changed(sandbox) == []
        else:
            assert sandbox.world.run(node.id).get(key) == value


@QUICK
@given(name=strangers)
def test_key_name_comes_back_or_is_refused(driver: Driver, sandbox: Sandbox, name: str) -> None:
    before = lines(sandbox)
    try:
        pair = driver.import_key_pair_from_string(name, KEY)
    except BadInput:
        assert lines(sandbox) == before
    except RequestFailed:
        assert "'" in name
        assert lines(sandbox) == before
    else:
        assert lines(sandbox) == [*before, f"{KEY} {name}"]
        assert driver.get_key_pair(name).public_key == f"{KEY} {name}"
        driver.delete_key_pair(pair)
        assert lines(sandbox) == before


def test_name_of_ten_thousand_letters(driver: Driver, sandbox: Sandbox) -> None:
    with pytest.raises(NotFound) as caught:
        driver.get_image(LONG)
    assert len(str(caught.value)) < 500
    with pytest.raises(BadInput, match="Unknown parameter") as refused:
        driver.create_node(image=WORDPRESS, ex_parameters={LONG: "x"})
    assert len(str(refused.value)) < 1500
    driver.create_node(LONG[:4000], image=WORDPRESS)
    assert sent_form(sandbox)["tags"] == LONG[:4000]
