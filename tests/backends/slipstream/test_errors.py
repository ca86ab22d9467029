from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import (
    LibcloudError,
)

from slipstream import errors
from slipstream.errors import DriverError, RequestFailed
from slipstream.libcloud import errors as libcloud_errors
from slipstream.libcloud.operation import operation
from slipstream.sandbox import Sandbox

from .support import Driver

URL = "https://nuv.la"
ERRORS: list[DriverError] = [
    errors.BadInput("Bad thing.", hint="Do better."),
    errors.UnknownName("parameter", "nam", ["name"], "of x"),
    errors.AnswerLost("Lost.", endpoint=URL),
    RequestFailed("No.", code=500, detail="boom", endpoint=URL),
    errors.RateLimitReached("No.", retry_after=7.0),
    errors.NodeFailed("Aborted.", state="Ready", reason="disk full", node_ids=["a", "b"]),
    errors.DeployFailed("Half done.", node="a node", hint="Destroy it."),
    errors.KeyPairConflict("Two.", name="laptop"),
    *(getattr(errors, name)("It failed.") for name in errors.__all__),
]


class Failing:
    """The least that a driver needs to have an operation."""

    name = "SlipStream"
    _session = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def _ensure_usable(self) -> None:
        """It is open."""

    @operation
    def list_nodes(self) -> None:
        raise self.error


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_error(error: DriverError) -> None:
    assert isinstance(error, LibcloudError)
    assert isinstance(error, BaseHTTPError)
    text = str(error)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert (str(twin), repr(twin), twin.args) == (text, repr(error), error.args)
        assert vars(twin) == vars(error)
    assert text[0].isupper()
    assert not text.endswith("..")
    assert error.hint is None or error.hint in text
    assert error.endpoint is None or error.endpoint in text
    assert repr(error).startswith(f"{type(error).__name__}(")
    assert isinstance(error.code, int)
    assert error.message == error.value == text
    assert isinstance(error.headers, dict)
    assert error.request_id is None
    assert error.may_have_happened is isinstance(error, errors.AnswerLost)
    passing = copy.copy(error)
    for _ in range(2):
        with pytest.raises(DriverError) as caught:
            Failing(passing).list_nodes()
        assert caught.value is passing
    assert (passing.driver, passing.operation) == ("SlipStream", "list_nodes")
    assert passing.call_id
    assert str(passing) == text
    assert error.call_id is None


def test_every_error_is_public() -> None:
    def tree(cls: type[Any]) -> set[type[Any]]:
        return {cls}.union(*(tree(subclass) for subclass in cls.__subclasses__()))

    ours = {cls for cls in tree(DriverError) if cls.__module__ == errors.__name__}
    public = {cls.__name__ for cls in ours if not cls.__name__.startswith("_")}
    assert public == set(errors.__all__)
    assert all(getattr(libcloud_errors, name) is getattr(errors, name) for name in public)


def test_error_has_attributes_of_its_own() -> None:
    error = errors.DeployFailed("Half done.", original_error=OSError("disk"))
    assert pickle.loads(pickle.dumps(error)).original_error is None
    assert error.original_error is not None
    limited = errors.RateLimitReached("No.", code=429, retry_after=7.0, request_id="r-1")
    assert (limited.request_id, limited.endpoint) == ("r-1", None)
    assert (limited.code, limited.http_code, limited.retry_after) == (429, 429, 7.0)
    assert limited.headers == {"retry-after": "7"}
    refused = RequestFailed("No.", code=500, detail="boom")
    assert (refused.code, refused.detail, refused.headers) == (500, "boom", {})
    assert refused.retry_after == 0
    assert errors.Forbidden("No.").http_code == 403


REASONS = [
    ("application/xml", '<error code="{s}" reason="r" detail="The disk &amp; it">x</error>',
     "The disk & it"),
    ("application/json", '{{"status": {s}, "message": "The disk"}}', "The disk"),
    ("application/json", '{{"error": {{"code": "{s}", "detail": "The disk"}}}}', "The disk"),
    ("application/json", '{{"error": {{"detail": "say "hello""}}}}', ""),
    ("application/json", "[1]", ""),
    ("text/plain", "Malformed JSON in request body.", "Malformed JSON in request body"),
    ("text/html", "<html><h1>nginx {s}</h1></html>", ""),
    ("application/xml", "<error", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "words"), REASONS)
def test_refusal_has_reason(driver: Any, sandbox: Any, kind: str, body: str, words: str) -> None:
    for status in (404, 409, 599):
        fault: dict[str, Any] = {"status": status, "headers": {"Content-Type": kind}}
        sandbox.faults.add("GET", "/appstore", body=body.format(s=status), **fault)
        with pytest.raises(RequestFailed, match="Cannot list the App Store") as caught:
            driver.list_images()
        assert caught.value.http_code == status
        assert f"HTTP {status} from {sandbox.url}" in str(caught.value)
        assert words in str(caught.value)
        assert "<" not in str(caught.value)


def test_error_has_the_ids_of_its_request_and_call(driver: Driver, sandbox: Sandbox) -> None:
    ids = set()
    for name in ("X-Request-Id", "X-Correlation-ID"):
        for value, request_id in (("7f3a-proxy", "7f3a-proxy"), ("<html>no name</html>", None)):
            sandbox.faults.add("GET", "/appstore", status=500, headers={name: value})
            with pytest.raises(RequestFailed) as caught:
                driver.list_images()
            assert (caught.value.code, caught.value.request_id) == (500, request_id)
            assert (caught.value.driver, caught.value.operation) == ("SlipStream", "list_images")
            assert driver not in vars(caught.value).values()
            ids.add(caught.value.call_id)
    assert len(ids) == 4
    assert None not in ids
