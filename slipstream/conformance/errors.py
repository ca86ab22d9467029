"""The errors for resources that do not exist, and for a login that is refused."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.compute.types import KeyPairDoesNotExistError

from slipstream.conformance.methods import KINDS, MISSING
from slipstream.conformance.subject import (
    Failed,
    NotApplicable,
    Skipped,
    Subject,
    check,
    close,
    describe,
    text_of,
)

EXPECTED: dict[str, tuple[str, type[Exception]]] = {
    "image": ("get_image", LibcloudError),
    "key_pair": ("get_key_pair", KeyPairDoesNotExistError),
}
"""The method that reads a kind of resource, and its exception when there is none."""

_ADDRESS = re.compile(r"\bat 0x[0-9a-f]+|<[\w.]+ object\b", re.IGNORECASE)
_MARKUP = re.compile(r"<!doctype|<\?xml|</?(?:html|head|body|title|div|h1|p|br)\b", re.IGNORECASE)


def _error(subject: Subject, kind: str) -> Exception:
    method = EXPECTED[kind][0]
    subject.require(method)
    if method not in subject.shared:
        subject.shared[method] = _raised(lambda: subject.call(method, MISSING))
    error: Exception | None = subject.shared[method]
    if error is None:
        raise Failed(f"{method}({MISSING!r}) raises nothing.")
    if isinstance(error, NotApplicable):
        raise error
    return error


def _raised(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is what is checked
        return error
    return None


@check("error-class", point="errors", each=tuple(EXPECTED))
def error_has_libclouds_class(subject: Subject, kind: str) -> str:
    """Programs catch libcloud's own exceptions, and ``BaseHTTPError`` for an HTTP status."""
    error, cls = _error(subject, kind), EXPECTED[kind][1]
    if not isinstance(error, cls):
        raise Failed(f"{describe(error)} is no {cls.__name__}.")
    if getattr(error, "http_code", None) and not isinstance(error, BaseHTTPError):
        raise Failed(f"{type(error).__name__} has an HTTP status and is no BaseHTTPError.")
    return f"{type(error).__name__} is a {cls.__name__}."


@check("error-pickle", point="errors", each=tuple(EXPECTED))
def error_pickles(subject: Subject, kind: str) -> str:
    """An exception passes from one process to another."""
    error = _error(subject, kind)
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled in this line
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        raise Failed(f"{type(error).__name__} does not pickle: {describe(failure)}") from None
    if type(copy) is not type(error) or text_of(copy) != text_of(error):
        raise Failed(f"It is unpickled as {describe(copy)}")
    return f"{type(error).__name__} is unpickled with the same text."


@check("error-text", point="errors", each=tuple(EXPECTED))
def error_is_a_sentence(subject: Subject, kind: str) -> str:
    """An exception prints as a sentence."""
    error = _error(subject, kind)
    try:
        text, _ = str(error), repr(error)
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        raise Failed(f"Printing it raises {describe(failure)}") from None
    if len(text.split()) < 2:
        raise Failed(f"Its text is {text!r}.")
    if _ADDRESS.search(text):
        raise Failed(f"It prints an object's address: {text}")
    if _MARKUP.search(text):
        raise Failed(f"It prints a page's markup: {text}")
    return text


@check("error-secrets", point="errors", each=tuple(EXPECTED))
def error_holds_no_secret(subject: Subject, kind: str) -> str:
    """Exceptions are logged."""
    error = _error(subject, kind)
    if not subject.secrets:
        raise NotApplicable("The driver has no secret.")
    texts = {
        "str()": text_of(error),
        "repr()": text_of(error, repr),
        "attributes": repr(vars(error)),
    }
    leaks = [name for name, text in texts.items() if subject.mask.finds(text)]
    if leaks:
        raise Failed(f"{' and '.join(leaks)} of {type(error).__name__} hold a secret.")
    return f"{type(error).__name__} holds none of {len(subject.secrets)} secrets."


@check("network-failure", point="errors")
def network_failure_is_an_os_error(subject: Subject) -> str:
    """Programs catch ``OSError`` when the network fails, as from Python's own sockets."""
    if subject.without_network is None:
        raise Skipped("There is no way to make the driver without a network.")
    error = _raised(lambda: _first_request(subject, subject.without_network))
    if error is None or isinstance(error, NotApplicable | TypeError):
        raise NotApplicable("The driver takes no proxy_url, so its network cannot be cut.")
    if not isinstance(error, OSError):
        raise Failed(f"{describe(error)} is no OSError.")
    return f"{type(error).__name__} is an OSError."


@check("login-refused", point="errors", changes=True)
def wrong_login_is_refused(subject: Subject) -> str:
    """A refused login is an error with the first request, of the class that programs expect."""
    if subject.with_wrong_login is None:
        raise Skipped("There is no secret that could be replaced by a wrong one.")
    error = _raised(lambda: _first_request(subject, subject.with_wrong_login))
    if error is None:
        raise Failed("A wrong secret is not noticed.")
    if isinstance(error, NotApplicable):
        raise error
    if not isinstance(error, InvalidCredsError):
        raise Failed(f"{describe(error)} is no InvalidCredsError.")
    if subject.mask.finds(text_of(error)):
        raise Failed(f"{type(error).__name__} holds the secret.")
    return text_of(error)


def _first_request(subject: Subject, make_driver: Callable[[], Any] | None) -> None:
    assert make_driver is not None  # noqa: S101 - the caller has checked it
    method = next((f"list_{kind}" for kind in KINDS if subject.overrides(f"list_{kind}")), None)
    if method is None:
        raise NotApplicable("The driver lists nothing.")
    driver = make_driver()
    try:
        getattr(driver, method)()
    finally:
        close(driver)
