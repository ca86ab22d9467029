"""What a program meets when it asks for what is not there, or may not log in."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable

from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.compute.types import KeyPairDoesNotExistError

from slipstream.conformance.contract import KINDS
from slipstream.conformance.methods import NOWHERE
from slipstream.conformance.registry import Failed, NotApplicable, Skipped, check
from slipstream.conformance.subject import Subject, close, described, said

ASKED: dict[str, tuple[str, type[Exception]]] = {
    "image": ("get_image", LibcloudError),
    "key_pair": ("get_key_pair", KeyPairDoesNotExistError),
}
"""What is asked for, by which method, and what is to be raised when there is none."""

_ADDRESS = re.compile(r"\bat 0x[0-9a-f]+|<[\w.]+ object\b", re.IGNORECASE)
_MARKUP = re.compile(r"<!doctype|<\?xml|</?(?:html|head|body|title|div|h1|p|br)\b", re.IGNORECASE)


def _error(subject: Subject, what: str) -> Exception:
    method = ASKED[what][0]
    if not subject.own(method):
        raise NotApplicable(f"The driver has no {method}() of its own.")
    if method not in subject.kept:
        subject.kept[method] = _raised(lambda: subject.ask(method, NOWHERE))
    error = subject.kept[method]
    if isinstance(error, NotApplicable):
        raise error
    if not isinstance(error, Exception):
        raise Failed(f"{method}({NOWHERE!r}) raises nothing.")
    return error


def _raised(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is what is looked at
        return error
    return None


@check("error-class", point="errors", each=tuple(ASKED))
def error_is_libclouds(subject: Subject, what: str) -> str:
    """Programs catch libcloud's own exceptions, and those of HTTP failures in two ways."""
    error, wanted = _error(subject, what), ASKED[what][1]
    if not isinstance(error, wanted):
        raise Failed(f"{described(error)} is no {wanted.__name__}.")
    if getattr(error, "http_code", None) and not isinstance(error, BaseHTTPError):
        raise Failed(f"{type(error).__name__} tells of a status and is no BaseHTTPError.")
    return f"{type(error).__name__} is a {wanted.__name__}."


@check("error-pickle", point="errors", each=tuple(ASKED))
def error_pickles(subject: Subject, what: str) -> str:
    """An exception comes back from another process as it was."""
    error = _error(subject, what)
    try:
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was made in this line
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        raise Failed(f"{type(error).__name__} does not pickle: {described(failure)}") from None
    if type(again) is not type(error) or said(again) != said(error):
        raise Failed(f"It comes back as {described(again)}")
    return f"{type(error).__name__} comes back with the same text."


@check("error-text", point="errors", each=tuple(ASKED))
def error_is_a_sentence(subject: Subject, what: str) -> str:
    """An exception prints as words for people."""
    error = _error(subject, what)
    try:
        text, _ = str(error), repr(error)
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        raise Failed(f"Printing it raises {described(failure)}") from None
    if len(text.split()) < 2:
        raise Failed(f"It says {text!r}.")
    if _ADDRESS.search(text):
        raise Failed(f"It prints an object's address: {text}")
    if _MARKUP.search(text):
        raise Failed(f"It prints a page's markup: {text}")
    return text


@check("error-secrets", point="errors", each=tuple(ASKED))
def error_holds_no_secret(subject: Subject, what: str) -> str:
    """Exceptions are put into logs."""
    error = _error(subject, what)
    if not subject.secrets:
        raise NotApplicable("The driver was given no secret.")
    looks = {"str()": said(error), "repr()": said(error, repr), "attributes": repr(vars(error))}
    leaking = [name for name, text in looks.items() if subject.mask.finds(text)]
    if leaking:
        raise Failed(f"{' and '.join(leaking)} of {type(error).__name__} hold a secret.")
    return f"{type(error).__name__} holds none of {len(subject.secrets)}."


@check("login-refused", point="errors", changes=True)
def wrong_login_is_refused(subject: Subject) -> str:
    """A login that is refused is an error at once, and of the class that programs expect."""
    if subject.with_wrong_login is None:
        raise Skipped("There is no secret that could be replaced by a wrong one.")
    error = _raised(lambda: _first_request(subject))
    if error is None:
        raise Failed("A wrong secret is not noticed.")
    if isinstance(error, NotApplicable):
        raise error
    if not isinstance(error, InvalidCredsError):
        raise Failed(f"{described(error)} is no InvalidCredsError.")
    if subject.mask.finds(said(error)):
        raise Failed(f"{type(error).__name__} holds the secret.")
    return said(error)


def _first_request(subject: Subject) -> object:
    assert subject.with_wrong_login is not None  # noqa: S101 - looked at just before
    method = next((kind.method for kind in KINDS.values() if subject.own(kind.method)), None)
    if method is None:
        raise NotApplicable("The driver lists nothing.")
    driver = subject.with_wrong_login()
    try:
        return getattr(driver, method)()
    finally:
        close(driver)
