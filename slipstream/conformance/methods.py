"""Every method of the contract is answered on purpose, and called as the base says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeImage,
    NodeSize,
    StorageVolume,
    VolumeSnapshot,
)
from libcloud.compute.types import NodeState

from slipstream.conformance.contract import (
    BUILT_ON,
    KINDS,
    METHODS,
    deviations,
    only_raises,
)
from slipstream.conformance.registry import Failed, NotApplicable, Skipped, check
from slipstream.conformance.subject import Subject, described, said

NOWHERE = "conformance-no-such-thing"
"""An id and a name that nothing bears."""

MISSPELT = "ex_conformance_misspelt"
_LISTS = {kind.method: kind.name for kind in KINDS.values()}
_READS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LISTS, ()),
    "get_image": (NOWHERE,),
    "get_key_pair": (NOWHERE,),
}
_NO_REASON = re.compile(r"(?:without a word|.*not implemented for this driver\W*)", re.DOTALL)


@check("method", point="methods", each=METHODS)
def method_is_answered(subject: Subject, name: str) -> str:
    """A method works, or says why it cannot: the base's words say nothing."""
    if not subject.own(name):
        return _inherited(subject, name)
    if name in _LISTS:
        return _listing(subject, name)
    if not only_raises(getattr(type(subject.driver), name)):
        return "It is the driver's own; other checks look at what it does."
    try:
        getattr(subject.driver, name)(**_stand_ins(subject, name))
    except NotImplementedError as error:
        return _refused(said(error))
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        raise Failed(
            f"It refuses by {described(error)}, where programs expect NotImplementedError."
        ) from None
    raise Failed("It does nothing.")


def _inherited(subject: Subject, name: str) -> str:
    missing = [needed for needed in BUILT_ON.get(name, ()) if not subject.own(needed)]
    if name not in BUILT_ON:
        raise Failed("It is left to the base class, which gives no reason.")
    if missing:
        raise Failed(f"It is left to the base class, which calls {missing[0]}(): there is none.")
    return f"It is libcloud's own, which calls {', '.join(BUILT_ON[name])}."


def _listing(subject: Subject, name: str) -> str:
    try:
        subject.listing(_LISTS[name])
    except NotApplicable as refusal:
        return _refused(str(refusal).partition(" is refused: ")[2])
    except Exception:  # noqa: BLE001 - told by the check of the list itself
        raise Skipped(f"Calling it failed; see list.{_LISTS[name]}.") from None
    return "It works."


def _refused(reason: str) -> str:
    if _NO_REASON.fullmatch(reason):
        raise Failed(f"It is refused without a reason: {reason}")
    return f"It is refused, with a reason: {reason}"


def _stand_ins(subject: Subject, name: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(subject.driver, name)).parameters.values()
    required = [
        one.name
        for one in parameters
        if one.default is inspect.Parameter.empty
        and one.kind in {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    ]
    made = stand_ins(subject.driver)
    return {one: made.get(one, NOWHERE) for one in required}


def stand_ins(driver: Any) -> dict[str, Any]:
    """
    Things made by hand with hardly more than an id, as programs make them.

    :param driver: The driver that they are to belong to.
    :returns: One for each name of a parameter that the contract has.
    """
    image = NodeImage(NOWHERE, NOWHERE, driver)
    size = NodeSize(NOWHERE, NOWHERE, 1, 1, 1, 0.0, driver)
    return {
        "node": Node(NOWHERE, NOWHERE, NodeState.UNKNOWN, [], [], driver),
        "volume": StorageVolume(NOWHERE, NOWHERE, 1, driver),
        "snapshot": VolumeSnapshot(NOWHERE, driver),
        "key_pair": KeyPair(NOWHERE, "", "", driver),
        "node_image": image,
        "image": image,
        "size": size,
        "nodes": [],
    }


@check("signatures", point="methods")
def signatures_are_kept(subject: Subject) -> str:
    """Whoever calls a method as the base declares it is understood."""
    own = [name for name in METHODS if subject.own(name)]
    wrong = [
        f"{name}: {', '.join(found)}"
        for name in own
        if (found := list(deviations(name, inspect.signature(getattr(subject.driver, name)))))
    ]
    if wrong:
        raise Failed(f"These are called in another way: {'; '.join(wrong)}.")
    return f"All {len(own)} methods of its own are called as the base declares them."


@check("unknown-keywords", point="methods")
def unknown_keywords_are_refused(subject: Subject) -> str:
    """A misspelt keyword is a TypeError, never ignored."""
    own = [name for name in METHODS if subject.own(name) and name != "deploy_node"]
    tried = [name for name in own if name in _READS and not _is_refused(subject, name)]
    wrong = [
        *(f"{name} takes any" for name in own if name not in tried and _takes_any(subject, name)),
        *(f"{name} {found}" for name in tried for found in _misspelt(subject, name)),
    ]
    if wrong:
        raise Failed(f"A misspelt keyword goes unnoticed: {'; '.join(wrong)}.")
    return f"None of {len(own)} methods takes any keyword; {len(tried)} were tried with one."


def _is_refused(subject: Subject, name: str) -> bool:
    if name not in _LISTS:
        return only_raises(getattr(type(subject.driver), name))
    try:
        subject.listing(_LISTS[name])
    except NotApplicable:
        return True
    except Exception:  # noqa: BLE001 - told by the check of the list itself
        return False
    return False


def _takes_any(subject: Subject, name: str) -> bool:
    parameters = inspect.signature(getattr(subject.driver, name)).parameters.values()
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def _misspelt(subject: Subject, name: str) -> Iterator[str]:
    try:
        getattr(subject.driver, name)(*_READS[name], **{MISSPELT: True})
    except TypeError as error:
        if MISSPELT not in said(error):
            yield f"raises a TypeError that does not name it ({said(error)})"
    except NotImplementedError:
        return
    except Exception as error:  # noqa: BLE001 - a driver may raise any
        yield f"raises {described(error)} instead of TypeError"
    else:
        yield "takes it and works"
