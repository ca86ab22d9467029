from __future__ import annotations

import copy
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    MalformedResponseError,
    ProviderError,
    ServiceUnavailableError,
)
from libcloud.compute.types import DeploymentError, KeyPairDoesNotExistError, KeyPairError

from slipstream import errors
from slipstream.errors import DriverError, RequestFailed
from slipstream.libcloud import errors as libcloud_errors
from slipstream.libcloud.connection import SessionConnection
from slipstream.libcloud.operation import operation
from slipstream.sandbox import Sandbox

from .support import WORDPRESS, Driver, Login

SAMPLES: list[DriverError] = [
    errors.BadInput("Bad thing.", hint="Do better."),
    errors.UnknownName("parameter", "nam", ["name", "other"], "of x"),
    errors.DriverClosed("Closed.", hint="Make a new one."),
    errors.FileMissing("Cannot read it."),
    errors.FileForbidden("Cannot read it."),
    errors.NotSupported("No such thing."),
    errors.NoAnswer("Silence.", endpoint="https://nuv.la"),
    errors.CannotConnect("Cannot connect.", endpoint="https://nuv.la"),
    errors.ConnectTimeout("Cannot connect.", endpoint="https://nuv.la"),
    errors.AnswerLost("Lost.", endpoint="https://nuv.la"),
    errors.AnswerTimeout("Lost.", endpoint="https://nuv.la"),
    errors.RedirectRefused("Elsewhere.", endpoint="https://nuv.la"),
    errors.MalformedAnswer("Strange.", endpoint="https://nuv.la"),
    errors.RequestFailed("No.", code=500, detail="boom", endpoint="https://nuv.la"),
    errors.InvalidCredentials("No.", code=403),
    errors.Forbidden("No."),
    errors.NotFound("No."),
    errors.Conflict("No."),
    errors.RateLimitReached("No.", retry_after=7.0),
    errors.ServiceUnavailable("No."),
    errors.NodeFailed("Aborted.", state="Ready", reason="disk full", node_ids=["a", "b"]),
    errors.WaitTimeout("Too long."),
    errors.DeployFailed("Half done.", node="a node", hint="Destroy it."),
    errors.KeyPairMissing("None.", name="laptop"),
    errors.KeyPairConflict("Two.", name="laptop"),
    errors.PluginFailed("Broken."),
    errors.DriverError("Anything."),
]
PROMISED: dict[type[DriverError], tuple[type[Exception], ...]] = {
    errors.BadInput: (ValueError,),
    errors.UnknownName: (errors.BadInput, ValueError),
    errors.DriverClosed: (errors.BadInput, ValueError),
    errors.FileMissing: (errors.BadInput, ValueError, FileNotFoundError),
    errors.FileForbidden: (errors.BadInput, ValueError, PermissionError),
    errors.NotSupported: (NotImplementedError,),
    errors.NoAnswer: (ConnectionError, OSError),
    errors.CannotConnect: (errors.NoAnswer, ConnectionError),
    errors.ConnectTimeout: (errors.CannotConnect, ConnectionError, TimeoutError),
    errors.AnswerLost: (errors.NoAnswer, ConnectionError),
    errors.AnswerTimeout: (errors.AnswerLost, ConnectionError, TimeoutError),
    errors.RedirectRefused: (errors.NoAnswer, ConnectionError),
    errors.MalformedAnswer: (MalformedResponseError,),
    errors.RequestFailed: (ProviderError,),
    errors.InvalidCredentials: (RequestFailed, InvalidCredsError),
    errors.Forbidden: (RequestFailed,),
    errors.NotFound: (RequestFailed,),
    errors.Conflict: (RequestFailed,),
    errors.RateLimitReached: (RequestFailed, RateLimitReachedError),
    errors.ServiceUnavailable: (RequestFailed, ServiceUnavailableError),
    errors.NodeFailed: (),
    errors.WaitTimeout: (TimeoutError, OSError),
    errors.DeployFailed: (DeploymentError,),
    errors.KeyPairMissing: (KeyPairDoesNotExistError,),
    errors.KeyPairConflict: (KeyPairError,),
    errors.PluginFailed: (),
    errors.DriverError: (),
}


def name_of(error: object) -> str:
    return type(error).__name__


class Failing:
    """The least that a driver needs to have an operation."""

    name = "SlipStream"
    connectionCls = SessionConnection  # noqa: N815 - libcloud's name
    _session = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    @operation
    def list_nodes(self) -> None:
        raise self.error


@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_every_error_is_one_of_libclouds_and_of_the_family_it_promises(error: DriverError) -> None:
    assert isinstance(error, LibcloudError)
    assert isinstance(error, BaseHTTPError)
    assert all(isinstance(error, cls) for cls in PROMISED[type(error)])


@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_the_operation_is_added_to_what_passes(
    error: DriverError,
) -> None:
    passing = copy.copy(error)
    with pytest.raises(DriverError) as caught:
        Failing(passing).list_nodes()
    assert caught.value is passing
    assert (passing.driver, passing.operation) == ("SlipStream", "list_nodes")
    assert passing.call_id
    assert str(passing) == str(error)
    with pytest.raises(DriverError):
        Failing(passing).list_nodes()
    assert error.call_id is None


def test_no_error_is_left_without_a_test() -> None:
    def tree(cls: type[Any]) -> set[type[Any]]:
        return {cls}.union(*(tree(subclass) for subclass in cls.__subclasses__()))

    ours = {cls for cls in tree(DriverError) if cls.__module__ == errors.__name__}
    public = {cls for cls in ours if not cls.__name__.startswith("_")}
    assert public == set(PROMISED) == {type(error) for error in SAMPLES}
    assert {cls.__name__ for cls in public} == set(errors.__all__)
    for cls in public:
        assert getattr(libcloud_errors, cls.__name__) is cls


@pytest.mark.parametrize("duplicate", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_every_error_can_be_copied_and_pickled(error: DriverError, duplicate: Any) -> None:
    twin = duplicate(error)
    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert vars(twin) == vars(error)


def test_a_pickle_leaves_out_what_another_library_raised() -> None:
    error = errors.DeployFailed("Half done.", original_error=OSError("disk"))
    assert pickle.loads(pickle.dumps(error)).original_error is None
    assert error.original_error is not None


@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_every_error_is_a_sentence_with_its_hint(error: DriverError) -> None:
    text = str(error)
    assert text[0].isupper()
    assert not text.endswith("..")
    assert error.hint is None or error.hint in text
    assert error.endpoint is None or error.endpoint in text
    assert repr(error).startswith(f"{name_of(error)}(")


def test_only_a_lost_answer_may_have_had_an_effect() -> None:
    lost = {type(error) for error in SAMPLES if error.may_have_happened}
    assert lost == {errors.AnswerLost, errors.AnswerTimeout}


def test_a_refusal_carries_what_programs_look_for() -> None:
    limited = errors.RateLimitReached("No.", code=429, retry_after=7.0, request_id="r-1")
    assert (limited.request_id, limited.endpoint) == ("r-1", None)
    assert (limited.code, limited.http_code, limited.retry_after) == (429, 429, 7.0)
    assert limited.headers == {"retry-after": "7"}
    refused = RequestFailed("No.", code=500, detail="boom")
    assert (refused.code, refused.detail, refused.headers) == (500, "boom", {})
    assert refused.retry_after == 0
    assert errors.Forbidden("No.").http_code == 403


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ("application/xml", '<error code="{s}" reason="r" detail="The disk &amp; it">x</error>',
         "The disk & it"),
        ("application/json", '{{"status": {s}, "message": "The disk"}}', "The disk"),
        ("application/json", '{{"error": {{"code": "{s}", "detail": "The disk"}}}}', "The disk"),
        ("application/json", '{{"error": {{"detail": "say "hello""}}}}', ""),
        ("application/json", "[1]", ""),
        ("text/plain", "Malformed JSON in request body.", "Malformed JSON in request body"),
        ("text/html", "<html><h1>nginx {s}</h1></html>", ""),
        ("application/xml", "<error", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [404, 409, 599])
def test_the_servers_own_reason_is_told_whatever_form_it_has(
    driver: Driver, sandbox: Sandbox, headers: str, body: str, words: str, status: int
) -> None:
    sandbox.faults.add(
        "GET",
        "/appstore",
        status=status,
        headers={"Content-Type": headers},
        body=body.format(s=status),
    )
    with pytest.raises(RequestFailed, match="Cannot list the App Store") as caught:
        driver.list_images()
    assert caught.value.http_code == status
    assert f"HTTP {status} from {sandbox.url}" in str(caught.value)
    assert words in str(caught.value)
    assert "<" not in str(caught.value)


CANARIES = {
    "password": "PaSSw0rd-canary",
    "secret": "s3cret.canary.aBcDeF.gHjKmN.pQrStU",
    "cloud": "cloud-password-canary",
}


@pytest.fixture
def canaries(sandbox: Sandbox) -> list[str]:
    account = sandbox.world.accounts["alice"]
    account.password = CANARIES["password"]
    account.parameters["exoscale-ch-gva.password"].value = CANARIES["cloud"]
    return list(CANARIES.values())


def texts(*things: object) -> str:
    result = []
    for thing in things:
        result += [repr(thing), str(thing)]
        if isinstance(thing, BaseException):
            result += traceback.format_exception(thing)
            result.append(pickle.dumps(thing).decode("latin-1"))
    return "\n".join(result)


def cookies(driver: Driver) -> list[str]:
    values = [cookie.value for cookie in driver._session.cookies]
    assert values
    assert all(values)
    return [value for value in values if value]


def test_no_secret_shows_in_a_log_a_repr_or_an_exception(
    login: Login,
    sandbox: Sandbox,
    canaries: list[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    driver = login("alice", CANARIES["password"])
    seen: list[object] = [driver, driver._session, driver._session.transport]
    seen += [driver.connection, driver._session._credentials, driver._session.transport.settings]
    seen += driver.list_locations()
    seen += driver.list_key_pairs()
    image = driver.get_image(WORDPRESS)
    node = driver.create_node("x", image=image, ex_parameters={"admin_email": "a@example.org"})
    seen += [image, node]
    driver.ex_save_cookies(tmp_path / "cookies.txt")
    sandbox.clock.advance(25 * 3600)
    driver.list_nodes()
    secrets = [*canaries, *cookies(driver)]
    for fault in ({"cut": "before"}, {"status": 500}, {"body": "rubbish"}, {"status": 403}):
        sandbox.faults.clear()
        sandbox.faults.add(times=None, **fault)  # type: ignore[arg-type]
        for call in (driver.list_key_pairs, driver.list_sizes, driver.list_nodes):
            with pytest.raises(LibcloudError) as caught:
                call()
            seen.append(caught.value)
    everything = texts(*seen) + caplog.text
    assert [secret for secret in secrets if secret in everything] == []


def test_a_server_that_repeats_the_password_does_not_make_the_driver_repeat_it(
    login: Login, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for kind, body in (
        ("application/json", '{"status": 403, "message": "no login with PaSSw0rd-canary"}'),
        ("text/plain", "PaSSw0rd-canary is wrong"),
        ("text/html", "<p>PaSSw0rd-canary</p>"),
    ):
        sandbox.faults.add(
            "POST", "/api/session", status=403, body=body, headers={"Content-Type": kind}
        )
        with pytest.raises((InvalidCredsError, errors.Forbidden)) as caught:
            login("alice", CANARIES["password"])
        assert CANARIES["password"] not in texts(caught.value) + caplog.text


def test_the_secret_of_an_api_key_or_a_token_is_not_shown_when_it_is_wrong(
    login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "credential/0b1d9a52-6a2a-4f6b-8a07-111111111111"
    with pytest.raises(InvalidCredsError) as first:
        login(key, CANARIES["secret"])
    with pytest.raises(InvalidCredsError) as second:
        login(
            "",
            None,
            ex_login_method="mitreid-token",
            ex_login_parameters={"token": CANARIES["secret"]},
        )
    everything = texts(first.value, second.value) + caplog.text
    assert CANARIES["secret"] not in everything
    assert "mitreid-token" in everything


def test_the_password_of_a_proxy_is_not_shown(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.NoAnswer) as caught:
        Driver(
            "alice",
            "x",
            ex_endpoint="http://slipstream.invalid",
            proxy_url="http://user:proxy-canary@127.0.0.1:9",
            retry_delay=0.001,
        )
    assert "proxy-canary" not in texts(caught.value) + caplog.text


def test_values_of_run_parameters_are_not_logged(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.world.set_parameter(node.id, "machine:admin_password", "run-canary")
    assert driver.ex_get_node_parameter(node, "machine:admin_password") == "run-canary"
    with pytest.raises(errors.BadInput) as caught:
        driver.ex_get_node_parameter(node, "machine:admin_passwort")
    assert "run-canary" not in texts(caught.value, driver.ex_get_node(node.id)) + caplog.text


def test_an_exception_does_not_hold_the_driver(driver: Driver) -> None:
    with pytest.raises(DriverError) as caught:
        driver.get_image("no/such/thing")
    assert caught.value.driver == "SlipStream"
    assert driver not in vars(caught.value).values()


@pytest.mark.parametrize("error", SAMPLES, ids=name_of)
def test_every_error_has_what_programs_read_on_an_http_error(error: DriverError) -> None:
    assert isinstance(error.code, int)
    assert error.message == error.value == str(error)
    assert isinstance(error.headers, dict)
    assert error.request_id is None


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("X-Request-Id", "7f3a-proxy"),
        ("X-Correlation-ID", "7f3a-proxy"),
        ("X-Request-Id", None),
    ],
)
def test_the_name_that_a_proxy_gave_the_request_is_told(
    driver: Driver, sandbox: Sandbox, header: str, told: str | None
) -> None:
    value = told or "<html>not a name</html>"
    sandbox.faults.add("GET", "/appstore", status=500, headers={header: value})
    with pytest.raises(BaseHTTPError) as caught:
        driver.list_images()
    error: Any = caught.value
    assert (error.code, error.request_id, error.operation) == (500, told, "list_images")


def test_two_calls_have_names_of_their_own(driver: Driver, sandbox: Sandbox) -> None:
    ids = set()
    for _ in range(2):
        with pytest.raises(DriverError) as caught:
            driver.get_image("apps/nothing")
        ids.add(caught.value.call_id)
    assert len(ids) == 2
    assert None not in ids
