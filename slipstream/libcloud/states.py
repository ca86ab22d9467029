"""Words for states, whoever's they are."""

from __future__ import annotations

from typing import Any

from libcloud.compute.types import NodeState

from slipstream.errors import UnknownName
from slipstream.hookspecs import Backend
from slipstream.libcloud.convert import NODE_STATES


def meant(word: Any, backend: Backend) -> frozenset[str]:
    """
    The server's states that a word means.

    :param word: A state of the server in any case, one of another family that means the same,
        or one of libcloud's.
    :param backend: The protocol of the server.
    :returns: The states, in the server's words.
    :raises UnknownName: If it means none.
    """
    if not isinstance(word, str):
        raise TypeError(f"A state is a text, not {type(word).__name__}.")
    if isinstance(word, NodeState):
        return _of_node_state(word, backend)
    own = {state.lower(): state for state in backend.states}
    aliases = {alias.lower(): state for alias, state in backend.state_aliases.items()}
    exact = own.get(word.lower()) or aliases.get(word.lower())
    if exact is not None:
        return frozenset({exact})
    if word.lower() in {state.value for state in NodeState}:
        return _of_node_state(NodeState(word.lower()), backend)
    raise UnknownName("state", word, backend.states)


def _of_node_state(wanted: NodeState, backend: Backend) -> frozenset[str]:
    found = frozenset(
        state for state, phase in backend.states.items() if NODE_STATES[phase] is wanted
    )
    if not found:
        raise UnknownName("state", wanted.value, backend.states)
    return found
