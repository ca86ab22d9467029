"""What programs read from the driver's class."""

from __future__ import annotations

import inspect
from typing import Any

from libcloud.common.base import Connection
from libcloud.compute.types import NodeState

from slipstream.conformance.contract import METHODS, only_raises
from slipstream.conformance.registry import Failed, NotApplicable, check
from slipstream.conformance.subject import Subject


@check("class", point="methods", each=("name", "website", "type"))
def class_attribute_is_a_text(subject: Subject, name: str) -> str:
    """What a program shows or stores of a driver is there."""
    value = getattr(subject.driver, name, None)
    if not isinstance(value, str) or not value:
        raise Failed(f"{name} is {value!r}: a text is needed.")
    return f"{name} is {str(getattr(value, 'value', value))!r}."


@check("class.connectionCls", point="methods")
def connection_is_one(subject: Subject) -> str:
    """The base makes its connection of this class."""
    cls = getattr(subject.driver, "connectionCls", None)
    if not (isinstance(cls, type) and issubclass(cls, Connection)):
        raise Failed(f"connectionCls is {cls!r}: a class of connection is needed.")
    return f"connectionCls is {cls.__name__}."


@check("class.NODE_STATE_MAP", point="methods", needs=("list_nodes",))
def states_are_mapped(subject: Subject) -> str:
    """The provider's words for states are mapped where programs look for that."""
    states = getattr(subject.driver, "NODE_STATE_MAP", None)
    if not isinstance(states, dict) or not states:
        raise Failed(f"NODE_STATE_MAP is {states!r}: a dict of the provider's states is needed.")
    wrong = sorted({repr(value) for value in states.values() if not _is_state(value)})
    if wrong:
        raise Failed(f"NODE_STATE_MAP leads to {', '.join(wrong)}: each must be a NodeState.")
    return f"NODE_STATE_MAP maps {len(states)} states."


def _is_state(value: Any) -> bool:
    return isinstance(value, NodeState)


@check("class.features", point="methods")
def features_have_the_right_shape(subject: Subject) -> str:
    """``deploy_node`` and programs read from it how to log in to a machine."""
    features = getattr(subject.driver, "features", None)
    if not isinstance(features, dict):
        raise Failed(f"features is {features!r}: a dict is needed.")
    unknown = sorted(str(name) for name in features if name not in METHODS)
    if unknown:
        raise Failed(f"features tells of {', '.join(unknown)}: there is no such method.")
    for name, words in features.items():
        if not isinstance(words, list | tuple) or not all(isinstance(one, str) for one in words):
            raise Failed(f"features[{name!r}] is {words!r}: a list of texts is needed.")
    words = features.get("create_node", ())
    return f"Of create_node it tells: {', '.join(words) or 'nothing'}."


@check("auth", point="methods", needs=("create_node",))
def auth_is_taken(subject: Subject) -> str:
    """``deploy_node`` passes ``auth`` to ``create_node`` whatever ``features`` says."""
    method = subject.driver.create_node
    if only_raises(method):
        raise NotApplicable("create_node() only raises.")
    parameters = inspect.signature(method).parameters
    if "auth" in parameters:
        return "create_node() has an argument auth."
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return "create_node() takes auth among its keywords."
    raise Failed("create_node() has no argument auth, so deploy_node(auth=...) is a TypeError.")
