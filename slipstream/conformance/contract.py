"""The contract itself, read from libcloud's base class as it is installed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import attrs
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

_NAMED = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY}


@attrs.frozen
class Kind:
    """
    A kind of thing that a driver lists.

    :param name: Its name, as in ``key_pairs``.
    :param cls: libcloud's class of it.
    """

    name: str
    cls: type

    @property
    def method(self) -> str:
        """The method that lists it."""
        return f"list_{self.name}"

    def identity(self, thing: Any) -> Any:
        """
        What tells one from the other: the id; a key pair has a name and a fingerprint.

        :param thing: One of the kind.
        """
        if self.cls is KeyPair:
            return (thing.name, thing.fingerprint)
        return thing.id


KINDS = {
    kind.name: kind
    for kind in (
        Kind("nodes", Node),
        Kind("sizes", NodeSize),
        Kind("images", NodeImage),
        Kind("locations", NodeLocation),
        Kind("key_pairs", KeyPair),
        Kind("volumes", StorageVolume),
    )
}
"""What can be listed without naming anything first."""


def only_raises(method: Callable[..., Any]) -> bool:
    """
    Tell whether a method does nothing but raise, so that calling it is harmless.

    :param method: The method; decorators that keep it reachable are looked through.
    :returns: ``False`` too when its source cannot be read.
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


def base_parameters(name: str) -> list[inspect.Parameter]:
    """
    What the base class lets a method be given.

    :param name: The method's name.
    :returns: Its parameters but for ``self`` and those that swallow the rest.
    """
    return _named(list(inspect.signature(getattr(NodeDriver, name)).parameters.values())[1:])


def deviations(name: str, signature: inspect.Signature) -> Iterator[str]:
    """
    Where a signature would surprise who knows the base's.

    :param name: The method's name.
    :param signature: The driver's own, without ``self``.
    :returns: A few words for each difference.
    """
    parameters = list(signature.parameters.values())
    mine, wanted = _named(parameters), base_parameters(name)
    for place, base in enumerate(wanted):
        if place >= len(mine) or mine[place].name != base.name:
            yield f"{base.name} is not its parameter {place + 1}"
        elif mine[place].kind is inspect.Parameter.POSITIONAL_ONLY:
            yield f"{base.name} cannot be named"
        elif _required(mine[place]) and not _required(base):
            yield f"{base.name} must be given"
    names = {base.name for base in wanted}
    yield from _extras([one for one in parameters if one.name not in names])


def _extras(parameters: list[inspect.Parameter]) -> Iterator[str]:
    for one in parameters:
        if one.kind is inspect.Parameter.VAR_POSITIONAL:
            yield f"it takes *{one.name}"
        elif one.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        elif _required(one):
            yield f"its own {one.name} must be given"
        elif one.kind in _NAMED and not one.name.startswith("ex_"):
            yield f"its own {one.name} is neither named ex_... nor keyword-only"


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _named(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [one for one in parameters if one.kind in _NAMED]
