"""The contract of the installed libcloud: every method, and the errors of the implemented ones."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from typing import Any

from libcloud.common.base import Connection
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeDriver,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
    VolumeSnapshot,
)
from libcloud.compute.types import KeyPairDoesNotExistError, NodeState

from slipstream.conformance.subject import (
    Failed,
    NotApplicable,
    Skipped,
    Subject,
    check,
    close,
    describe,
    expect,
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
    """The exception that a call raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is what is checked
        return error
    return None


@check("error-class", point="errors", each=tuple(EXPECTED))
def error_has_libclouds_class(subject: Subject, kind: str) -> str:
    """Programs catch libcloud's own exceptions, and ``BaseHTTPError`` for an HTTP status."""
    error, cls = _error(subject, kind), EXPECTED[kind][1]
    expect(isinstance(error, cls), f"{describe(error)} is no {cls.__name__}.")
    is_plain = isinstance(error, BaseHTTPError) or not getattr(error, "http_code", None)
    expect(is_plain, f"{type(error).__name__} has an HTTP status and is no BaseHTTPError.")
    return f"{type(error).__name__} is a {cls.__name__}."


@check("error-pickle", point="errors", each=tuple(EXPECTED))
def error_pickles(subject: Subject, kind: str) -> str:
    """An exception passes from one process to another."""
    error = _error(subject, kind)
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled in this line
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        raise Failed(f"{type(error).__name__} does not pickle: {describe(failure)}") from None
    expect(describe(copy) == describe(error), f"It is unpickled as {describe(copy)}")
    return f"{type(error).__name__} is unpickled with the same text."


@check("error-text", point="errors", each=tuple(EXPECTED))
def error_is_a_sentence(subject: Subject, kind: str) -> str:
    """An exception prints as a sentence."""
    error = _error(subject, kind)
    try:
        text, _ = str(error), repr(error)
    except Exception as failure:  # noqa: BLE001 - a driver's exception may do anything
        raise Failed(f"Printing it raises {describe(failure)}") from None
    expect(len(text.split()) >= 2, f"Its text is {text!r}.")
    expect(not _ADDRESS.search(text), f"It prints an object's address: {text}")
    expect(not _MARKUP.search(text), f"It prints a page's markup: {text}")
    return text


@check("error-secrets", point="errors", each=tuple(EXPECTED))
def error_holds_no_secret(subject: Subject, kind: str) -> str:
    """Exceptions hold no secret, since programs log them."""
    error = _error(subject, kind)
    if not subject.secrets:
        raise NotApplicable("The driver has no secret.")
    texts = {
        "str()": text_of(error),
        "repr()": text_of(error, repr),
        "attributes": repr(vars(error)),
    }
    leaks = [name for name, text in texts.items() if subject.mask.finds(text)]
    expect(not leaks, f"{' and '.join(leaks)} of {type(error).__name__} hold a secret.")
    return f"{type(error).__name__} holds none of {len(subject.secrets)} secrets."


@check("network-failure", point="errors")
def network_failure_is_an_os_error(subject: Subject) -> str:
    """Programs catch ``OSError`` when the network fails, as from Python's own sockets."""
    if (make_driver := subject.without_network) is None:
        raise Skipped("There is no way to make the driver without a network.")
    error = _raised(lambda: _send_first_request(subject, make_driver))
    if error is None or isinstance(error, NotApplicable | TypeError):
        raise NotApplicable("The driver takes no proxy_url, so its network cannot be cut.")
    expect(isinstance(error, OSError), f"{describe(error)} is no OSError.")
    return f"{type(error).__name__} is an OSError."


@check("login-refused", point="errors", changes=True)
def wrong_login_is_refused(subject: Subject) -> str:
    """A refused login is an error with the first request, of the class that programs expect."""
    if (make_driver := subject.with_wrong_login) is None:
        raise Skipped("There is no secret that could be replaced by a wrong one.")
    error = _raised(lambda: _send_first_request(subject, make_driver))
    if error is None:
        raise Failed("A wrong secret is not noticed.")
    if isinstance(error, NotApplicable):
        raise error
    expect(isinstance(error, InvalidCredsError), f"{describe(error)} is no InvalidCredsError.")
    expect(not subject.mask.finds(text_of(error)), f"{type(error).__name__} holds the secret.")
    return text_of(error)


def _send_first_request(subject: Subject, make_driver: Callable[[], Any]) -> None:
    method = next((f"list_{kind}" for kind in KINDS if subject.overrides(f"list_{kind}")), None)
    if method is None:
        raise NotApplicable("The driver lists nothing.")
    driver = make_driver()
    try:
        getattr(driver, method)()
    finally:
        close(driver)


METHODS: tuple[str, ...] = tuple(
    name
    for name, member in vars(NodeDriver).items()
    if inspect.isfunction(member) and not name.startswith("_")
)
"""The public methods of libcloud's ``NodeDriver``, in its order."""

BUILT_ON = {
    "deploy_node": ("create_node", "list_nodes"),
    "wait_until_running": ("list_nodes",),
    "import_key_pair_from_file": ("import_key_pair_from_string",),
}
"""The methods that the base implements, and the methods of the driver that they call."""

KINDS: dict[str, type] = {
    "nodes": Node,
    "sizes": NodeSize,
    "images": NodeImage,
    "locations": NodeLocation,
    "key_pairs": KeyPair,
    "volumes": StorageVolume,
}
"""What ``list_...()`` lists without an argument, and libcloud's class of it."""

_NAMED = {Parameter.POSITIONAL_OR_KEYWORD, Parameter.POSITIONAL_ONLY}
_REQUIRED = Parameter.empty


def identity(resource: Any) -> Any:
    """What distinguishes a resource: its id; of a key pair its name and its fingerprint."""
    if isinstance(resource, KeyPair):
        return (resource.name, resource.fingerprint)
    return resource.id


def deviations(name: str, signature: Signature) -> Iterator[str]:
    """The differences between a signature, without ``self``, and that of the base's method."""
    base = list(inspect.signature(getattr(NodeDriver, name)).parameters.values())[1:]
    expected = [parameter for parameter in base if parameter.kind in _NAMED]
    parameters = list(signature.parameters.values())
    own = [parameter for parameter in parameters if parameter.kind in _NAMED]
    for index, declared in enumerate(expected):
        if index >= len(own) or own[index].name != declared.name:
            yield f"{declared.name} is not its parameter {index + 1}"
        elif own[index].kind is Parameter.POSITIONAL_ONLY:
            yield f"{declared.name} cannot be passed by name"
        elif own[index].default is _REQUIRED and declared.default is not _REQUIRED:
            yield f"{declared.name} is required"
    names = {declared.name for declared in expected}
    for addition in parameters:
        if addition.name in names or addition.kind is Parameter.VAR_KEYWORD:
            continue
        if addition.kind is Parameter.VAR_POSITIONAL:
            yield f"it takes *{addition.name}"
        elif addition.default is _REQUIRED:
            yield f"its own {addition.name} is required"
        elif addition.kind in _NAMED and not addition.name.startswith("ex_"):
            yield f"its own {addition.name} is neither named ex_... nor keyword-only"


MISSING = "conformance-no-such-thing"  # an id and a name that nothing has
MISSPELT = "ex_conformance_misspelt"
_READS: dict[str, tuple[str, ...]] = {
    **{f"list_{kind}": () for kind in KINDS},
    "get_image": (MISSING,),
    "get_key_pair": (MISSING,),
}
_NO_REASON = re.compile(r"(?:\(no text\)|.*not implemented for this driver\W*)", re.DOTALL)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_state_map(value: object) -> bool:
    # A driver that lists no nodes has no states.
    return isinstance(value, dict) and all(isinstance(item, NodeState) for item in value.values())


def _is_features(value: object) -> bool:
    return isinstance(value, dict) and all(
        name in METHODS and isinstance(words, list | tuple) and all(map(_is_text, words))
        for name, words in value.items()
    )


_CLASS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("name", "website", "type"), ("a string", _is_text)),
    "connectionCls": (
        "a subclass of libcloud's Connection",
        lambda value: isinstance(value, type) and issubclass(value, Connection),
    ),
    "NODE_STATE_MAP": ("a dict of the provider's states and a NodeState each", _is_state_map),
    "features": ("a dict of lists of strings, by names of methods", _is_features),
}
"""What programs and the base read from a driver's class, and what it has to be."""


@check("class", point="methods", each=tuple(_CLASS))
def class_attribute_is_right(subject: Subject, name: str) -> str:
    """The class attributes have the right types, since programs and the base use them."""
    value = getattr(subject.driver, name, None)
    needed, is_right = _CLASS[name]
    may_be_empty = name != "NODE_STATE_MAP" or not subject.overrides("list_nodes")
    expect(
        is_right(value) and (value or may_be_empty), f"{name} is {value!r}: {needed} is needed."
    )
    return f"{name} is {needed}."


@check("auth", point="methods", needs=("create_node",))
def auth_is_accepted(subject: Subject) -> str:
    """``create_node`` accepts ``auth``, since ``deploy_node`` always passes it."""
    parameters = inspect.signature(subject.driver.create_node).parameters
    if "auth" in parameters:
        return "create_node() has a parameter auth."
    if _takes_any_keyword(subject, "create_node"):
        return "create_node() takes auth among its keywords."
    raise Failed("create_node() has no parameter auth, so deploy_node(auth=...) is a TypeError.")


@check("method", point="methods", each=METHODS)
def method_is_implemented_or_refused(subject: Subject, name: str) -> str:
    """A method works, or is refused with a reason of its own."""
    if not subject.overrides(name):
        return _inherited(subject, name)
    if name.removeprefix("list_") in KINDS:
        error = _raised(lambda: subject.listing(name.removeprefix("list_")))
        if error is not None and not isinstance(error, NotApplicable):
            raise Skipped(f"Calling it failed; see list.{name.removeprefix('list_')}.")
        return "It works." if error is None else _refused(str(error).partition(": ")[2])
    if not subject.only_raises(name):
        return "It is the driver's own; other checks test what it does."
    error = _raised(lambda: getattr(subject.driver, name)(**_arguments(subject, name)))
    if isinstance(error, NotImplementedError):
        return _refused(text_of(error))
    if error is None:
        raise Failed("It does nothing.")
    raise Failed(f"It raises {describe(error)} instead of NotImplementedError.")


def _inherited(subject: Subject, name: str) -> str:
    expect(name in BUILT_ON, "It is left to the base class, which has no reason.")
    for needed in BUILT_ON[name]:
        own = subject.overrides(needed)
        expect(own, f"It is left to the base class, which calls {needed}(): there is none.")
    return f"It is libcloud's own, which calls {', '.join(BUILT_ON[name])}."


def _refused(reason: str) -> str:
    expect(not _NO_REASON.fullmatch(reason), f"It is refused without a reason: {reason}")
    return f"It is refused with a reason: {reason}"


def _arguments(subject: Subject, name: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(subject.driver, name)).parameters.values()
    kinds = {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
    objects = placeholders(subject.driver)
    return {
        parameter.name: objects.get(parameter.name, MISSING)
        for parameter in parameters
        if parameter.default is Parameter.empty and parameter.kind in kinds
    }


def placeholders(driver: Any) -> dict[str, Any]:
    """Objects with hardly more than an id, by the names of parameters of the contract."""
    image = NodeImage(MISSING, MISSING, driver)
    return {
        "node": Node(MISSING, MISSING, NodeState.UNKNOWN, [], [], driver),
        "volume": StorageVolume(MISSING, MISSING, 1, driver),
        "snapshot": VolumeSnapshot(MISSING, driver),
        "key_pair": KeyPair(MISSING, "", "", driver),
        "node_image": image,
        "image": image,
        "size": NodeSize(MISSING, MISSING, 1, 1, 1, 0.0, driver),
        "nodes": [],
    }


@check("signatures", point="methods")
def signatures_match(subject: Subject) -> str:
    """A method accepts the arguments of the base."""
    own = [name for name in METHODS if subject.overrides(name)]
    wrong = []
    for name in own:
        signature = inspect.signature(getattr(subject.driver, name))
        if differences := ", ".join(deviations(name, signature)):
            wrong.append(f"{name}: {differences}")
    expect(not wrong, f"These differ from the base class: {'; '.join(wrong)}.")
    return f"All {len(own)} methods of its own can be called as the base declares them."


@check("unknown-keywords", point="methods")
def unknown_keywords_are_refused(subject: Subject) -> str:
    """A misspelt keyword is a TypeError, never ignored."""
    own = [name for name in METHODS if subject.overrides(name) and name != "deploy_node"]
    tried = [name for name in own if name in _READS and _is_supported(subject, name)]
    wrong = [
        f"{name} takes any"
        for name in own
        if name not in tried and _takes_any_keyword(subject, name)
    ]
    wrong += [f"{name} {fault}" for name in tried for fault in _misspelt_faults(subject, name)]
    expect(not wrong, f"A misspelt keyword goes unnoticed: {'; '.join(wrong)}.")
    return f"None of {len(own)} methods takes any keyword; {len(tried)} were called with one."


def _is_supported(subject: Subject, name: str) -> bool:
    if not name.startswith("list_"):
        return not subject.only_raises(name)
    error = _raised(lambda: subject.listing(name.removeprefix("list_")))
    return not isinstance(error, NotApplicable)


def _takes_any_keyword(subject: Subject, name: str) -> bool:
    parameters = inspect.signature(getattr(subject.driver, name)).parameters.values()
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)


def _misspelt_faults(subject: Subject, name: str) -> Iterator[str]:
    call = getattr(subject.driver, name)
    error = _raised(lambda: call(*_READS[name], **{MISSPELT: True}))
    if error is None:
        yield "accepts it and works"
    elif isinstance(error, TypeError):
        if MISSPELT not in text_of(error):
            yield f"raises a TypeError that does not name it ({text_of(error)})"
    elif not isinstance(error, NotImplementedError):
        yield f"raises {describe(error)} instead of TypeError"
