"""The contract itself, read from the base class of the installed libcloud."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from typing import Any

from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeDriver,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
)

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


def only_raises(method: Callable[..., Any]) -> bool:
    """
    Tell whether a method does nothing but raise, so that calling it is harmless.

    Decorators that set ``__wrapped__`` are looked through. Without a source it is ``False``.
    """
    try:
        source = inspect.getsource(inspect.unwrap(method))
        (function,) = ast.parse(textwrap.dedent(source)).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    if not isinstance(function, ast.FunctionDef):
        return False
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return len(body) == 1 and isinstance(body[0], ast.Raise)


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
