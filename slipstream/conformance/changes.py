"""A node and a key pair are made, found again, and removed; only when that is allowed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from libcloud.compute.types import KeyPairDoesNotExistError

from slipstream.conformance.objects import node_faults
from slipstream.conformance.registry import Failed, NotApplicable, Skipped, check
from slipstream.conformance.subject import Subject, said
from slipstream.values.ssh_key import generate

TRIES = 5
PAUSE = 2.0
"""How often, and after how many seconds, to look again for what was just made."""

_BY_ID = ("ex_get_node", "ex_get_node_details", "ex_node_get", "ex_get_node_by_id")


@check("node.created", point="changes", needs=("create_node", "destroy_node"), changes=True)
def node_is_created(subject: Subject) -> str:
    """``create_node`` returns a node at once."""
    name = f"conformance-{secrets.token_hex(4)}"
    subject.at_end(f"The node {name}", lambda: _remove_node(subject, name))
    started = time.monotonic()
    arguments = _ingredients(subject)
    try:
        node = subject.ask("create_node", name=name, **arguments)
    except ValueError as refusal:
        if subject.choice.image is not None:
            raise
        # The first image of a list may need what nobody can guess: a program would give it.
        raise Skipped(f"Choose an image by --image: {said(refusal)}") from None
    subject.kept["node"] = node
    faults = node_faults(node)
    if faults:
        raise Failed(f"The new node is not as it should be: {'; '.join(faults)}.")
    made_of = ", ".join(f"{what} {thing.id}" for what, thing in arguments.items() if thing)
    took = time.monotonic() - started
    return f"create_node() gave {node.id} after {took:.1f} seconds, with {made_of}."


def _ingredients(subject: Subject) -> dict[str, Any]:
    """What to make a node of: what was chosen, or else the first of each list."""
    choice = subject.choice
    location = _pick(subject, "location", choice.location)
    sizes: dict[str, Any] = {} if location is None or choice.size else {"location": location}
    found = {
        "size": _pick(subject, "size", choice.size, **sizes),
        "image": _pick(subject, "image", choice.image),
    }
    # Of the three, the contract lets only the location be left out.
    return found if location is None else {**found, "location": location}


def _pick(subject: Subject, what: str, chosen: str | None, **arguments: Any) -> Any:
    try:
        things = subject.ask(f"list_{what}s", **arguments)
    except NotApplicable:
        things = []
    if chosen is None:
        return things[0] if things else None
    found = next((one for one in things if one.id == chosen), None)
    if found is None and what == "image":
        return subject.ask("get_image", chosen)
    if found is None:
        raise Failed(f"There is no {what} {chosen!r}; {len(things)} were listed.")
    return found


def _node(subject: Subject) -> Any:
    if "node" not in subject.kept:
        raise Skipped("No node was made; see node.created.")
    return subject.kept["node"]


@check("node.listed", point="changes", needs=("list_nodes",), changes=True)
def node_is_listed(subject: Subject) -> str:
    """A new node is in the list, at least after a moment."""
    node = _node(subject)
    if not _eventually(lambda: node.id in [one.id for one in subject.ask("list_nodes")]):
        raise Failed(f"list_nodes() does not list {node.id}.")
    return f"list_nodes() lists {node.id}."


@check("node.read", point="changes", changes=True)
def node_is_read(subject: Subject) -> str:
    """Where a driver can read one node, that is the node."""
    node = _node(subject)
    method = next((one for one in _BY_ID if hasattr(subject.driver, one)), None)
    if method is None:
        raise NotApplicable(f"The driver has no {_BY_ID[0]}().")
    found = subject.ask(method, node.id)
    if getattr(found, "id", None) != node.id:
        raise Failed(f"{method}({node.id!r}) gives {found!r}.")
    return f"{method}() gives {node.id}."


@check("node.destroyed", point="changes", needs=("destroy_node",), changes=True)
def node_is_destroyed(subject: Subject) -> str:
    """``node.destroy()`` says ``True``."""
    node = _node(subject)
    answer = node.destroy()
    if answer is not True:
        raise Failed(f"node.destroy() gives {answer!r} instead of True.")
    del subject.kept["node"]
    subject.kept["destroyed"] = True
    return f"node.destroy() has destroyed {node.id}."


def _remove_node(subject: Subject, name: str) -> None:
    """Destroy what is left, even if the answer that told of it was lost."""
    if subject.kept.get("destroyed"):
        return
    node = subject.kept.get("node")
    left = [one for one in subject.driver.list_nodes() if one.name == name]
    for one in left or ([] if node is None else [node]):
        subject.driver.destroy_node(one)


@check(
    "key-pair.imported",
    point="changes",
    needs=("import_key_pair_from_string", "delete_key_pair"),
    changes=True,
)
def key_pair_is_imported(subject: Subject) -> str:
    """A public key can be added under a name."""
    name = f"conformance-{secrets.token_hex(4)}"
    subject.at_end(f"The key pair {name}", lambda: _remove_key_pair(subject))
    public, _ = generate(name)
    pair = subject.ask("import_key_pair_from_string", name, public.line)
    subject.kept["key pair"] = pair
    if getattr(pair, "name", None) != name:
        raise Failed(f"import_key_pair_from_string({name!r}, ...) gives {pair!r}.")
    return f"import_key_pair_from_string() gave {name}."


def _key_pair(subject: Subject) -> Any:
    if "key pair" not in subject.kept:
        raise Skipped("No key pair was made; see key-pair.imported.")
    return subject.kept["key pair"]


@check("key-pair.read", point="changes", needs=("get_key_pair", "list_key_pairs"), changes=True)
def key_pair_is_read(subject: Subject) -> str:
    """A key pair that was added is found by its name, and listed."""
    pair = _key_pair(subject)
    found = subject.ask("get_key_pair", pair.name)
    if (found.name, found.fingerprint) != (pair.name, pair.fingerprint):
        raise Failed(f"get_key_pair({pair.name!r}) gives {found!r}.")
    if pair.name not in [one.name for one in subject.ask("list_key_pairs")]:
        raise Failed(f"list_key_pairs() does not list {pair.name}.")
    return f"get_key_pair() finds {pair.name}, and list_key_pairs() lists it."


@check("key-pair.deleted", point="changes", needs=("delete_key_pair",), changes=True)
def key_pair_is_deleted(subject: Subject) -> str:
    """A key pair that was deleted is gone."""
    pair = _key_pair(subject)
    answer = subject.ask("delete_key_pair", pair)
    if answer is not True:
        raise Failed(f"delete_key_pair() gives {answer!r} instead of True.")
    del subject.kept["key pair"]
    try:
        subject.ask("get_key_pair", pair.name)
    except (KeyPairDoesNotExistError, NotApplicable):
        return f"delete_key_pair() has deleted {pair.name}."
    raise Failed(f"delete_key_pair() says that {pair.name} is gone, and it is still there.")


def _remove_key_pair(subject: Subject) -> None:
    pair = subject.kept.pop("key pair", None)
    if pair is not None:
        subject.driver.delete_key_pair(pair)


def _eventually(holds: Callable[[], bool]) -> bool:
    for turn in range(TRIES):
        if turn:
            time.sleep(PAUSE)
        if holds():
            return True
    return False
