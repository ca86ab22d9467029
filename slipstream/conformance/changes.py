"""Checks that make a node and a key pair and remove them again; only if that is allowed."""

from __future__ import annotations

import secrets
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from libcloud.common.types import LibcloudError
from libcloud.compute.types import KeyPairDoesNotExistError

from slipstream.conformance.methods import identity
from slipstream.conformance.objects import node_faults
from slipstream.conformance.subject import (
    Choice,
    Failed,
    NotApplicable,
    Skipped,
    Subject,
    check,
    expect,
    text_of,
)

TRIES = 5  # how often to list until a new node is there
PAUSE = 2.0  # seconds between two tries
TIMEOUT = 600  # seconds for a node to run
_KEY_METHODS = ("import_key_pair_from_string", "delete_key_pair")
_CANDIDATES = 20  # how many locations and images to try when the first ones are refused


@check("node.created", point="changes", needs=("create_node", "destroy_node"), changes=True)
def node_is_created(subject: Subject) -> str:
    """``create_node`` returns a node at once."""
    name, arguments = temporary_name(subject, "node"), node_arguments(subject)
    started = time.monotonic()
    try:
        node = subject.call("create_node", name=name, **arguments)
    except (LibcloudError, ValueError) as error:
        choice = _choice_that_works(subject, arguments)
        if choice:
            raise Skipped(f"Choose {choice}: {text_of(error)}") from None
        if subject.choice != Choice() or not isinstance(error, ValueError):
            raise
        # The first image of the list may need what only its user knows.
        raise Skipped(f"Choose by --image and --location: {text_of(error)}") from None
    subject.shared |= {"node": node, name: node}
    faults = node_faults(node)
    expect(not faults, f"The new node is wrong: {'; '.join(faults)}.")
    made_of = ", ".join(f"{what} {item.id}" for what, item in arguments.items() if item)
    duration = time.monotonic() - started
    return f"create_node() returned {node.id} after {duration:.1f} seconds, with {made_of}."


def temporary_name(subject: Subject, kind: str) -> str:
    """A name for a new node or key pair, which is removed when the checks are over."""
    name = f"conformance-{secrets.token_hex(4)}"
    subject.at_end(f"The {kind.replace('_', ' ')} {name}", lambda: _remove(subject, kind, name))
    return name


def _remove(subject: Subject, kind: str, name: str) -> None:
    """Remove what is left, even if the response that had it was lost."""
    if name in subject.shared.get("removed", ()):
        return
    remove = subject.driver.destroy_node if kind == "node" else subject.driver.delete_key_pair
    matches = [item for item in getattr(subject.driver, f"list_{kind}s")() if item.name == name]
    if not matches and name in subject.shared:
        matches = [subject.shared[name]]  # which may not be listed yet
    for item in matches:
        remove(item)


def _choice_that_works(subject: Subject, arguments: dict[str, Any]) -> str | None:
    """Try other locations, then other images, in dry runs; for drivers that have these."""
    explain: Any = getattr(subject.driver, "ex_explain", None)
    for kind in ("location", "image") if explain is not None else ():
        if getattr(subject.choice, kind) is not None:
            continue
        for candidate in subject.call(f"list_{kind}s")[:_CANDIDATES]:
            changed = {**arguments, kind: candidate}
            if kind == "location" and subject.choice.size is None:
                changed["size"] = _pick(subject, "size", None, location=candidate)
            if not explain(subject.driver.create_node, **changed).refusals:
                return f"--{kind} {candidate.id}"
    return None


def node_arguments(subject: Subject) -> dict[str, Any]:
    """The chosen arguments, or else the first size and image, which must fit together."""
    choice = subject.choice
    arguments = {}
    if choice.location is not None:
        arguments["location"] = _pick(subject, "location", choice.location)
    # Of the three, the contract makes only the location optional.
    sizes = {} if choice.size else arguments
    return {
        "size": _pick(subject, "size", choice.size, **sizes),
        "image": _pick(subject, "image", choice.image),
        **arguments,
    }


def _pick(subject: Subject, kind: str, chosen: str | None, **arguments: Any) -> Any:
    try:
        resources = subject.call(f"list_{kind}s", **arguments)
    except NotApplicable:
        resources = []
    if chosen is None:
        return resources[0] if resources else None
    resource = next((item for item in resources if item.id == chosen), None)
    if resource is None and kind == "image":
        return subject.call("get_image", chosen)
    expect(resource is not None, f"There is no {kind} {chosen!r}; {len(resources)} were listed.")
    return resource


def _shared(subject: Subject, what: str, check_name: str) -> Any:
    if what not in subject.shared:
        raise Skipped(f"There is no {what}; see {check_name}.")
    return subject.shared[what]


@check("node.listed", point="changes", needs=("list_nodes",), changes=True)
def node_is_listed(subject: Subject) -> str:
    """A new node is listed, at least after a few seconds."""
    node = _shared(subject, "node", "node.created")
    for attempt in range(TRIES):
        time.sleep(PAUSE if attempt else 0)
        if node.id in [listed.id for listed in subject.call("list_nodes")]:
            subject.shared["listed node"] = node
            return f"list_nodes() lists {node.id}."
    raise Failed(f"list_nodes() does not list {node.id}.")


@check("node.read", point="changes", changes=True)
def node_is_read(subject: Subject) -> str:
    """If a driver has a method to read a node, it returns it."""
    node = _shared(subject, "node", "node.created")
    copy = subject.call("ex_get_node", node.id)
    expect(getattr(copy, "id", None) == node.id, f"ex_get_node({node.id!r}) returns {copy!r}.")
    return f"ex_get_node() returns {node.id}."


@check("node.addresses", point="changes", needs=("list_nodes",), changes=True)
def listed_node_has_its_addresses(subject: Subject) -> str:
    """The addresses that a wait returns are those that ``list_nodes`` shows from then on."""
    node = _shared(subject, "listed node", "node.listed")
    addresses = _wait(subject, node)
    listed = next((item for item in subject.call("list_nodes") if item.id == node.id), None)
    if listed is None:
        raise Failed(f"list_nodes() no longer lists {node.id}, which runs.")
    missing = sorted({*addresses} - {*listed.public_ips, *listed.private_ips})
    if missing or not addresses:
        raise Failed(
            f"wait_until_running() returned {', '.join(addresses) or 'no address'} of {node.id}, "
            f"list_nodes() {', '.join([*listed.public_ips, *listed.private_ips]) or 'none'}."
        )
    return f"list_nodes() has {', '.join(addresses)} of {node.id}, as the wait returned."


def _wait(subject: Subject, node: Any) -> list[str]:
    problems = []
    for interface in ("public_ips", "private_ips"):
        options = {"wait_period": PAUSE, "timeout": TIMEOUT, "ssh_interface": interface}
        try:
            return list(subject.call("wait_until_running", [node], **options)[0][1])
        except LibcloudError as error:  # the machine may have no address of this kind
            problems.append(text_of(error))
    raise Failed(f"wait_until_running() returned no address: {problems[0]}")


@check("node.destroyed", point="changes", needs=("destroy_node",), changes=True)
def node_is_destroyed(subject: Subject) -> str:
    """``node.destroy()`` returns ``True``."""
    node = _shared(subject, "node", "node.created")
    result = node.destroy()
    expect(result is True, f"node.destroy() returns {result!r} instead of True.")
    subject.shared.setdefault("removed", set()).add(node.name)
    return f"node.destroy() has destroyed {node.id}."


@check("key-pair.imported", point="changes", needs=_KEY_METHODS, changes=True)
def key_pair_is_imported(subject: Subject) -> str:
    """A public key can be added under a name."""
    name = temporary_name(subject, "key_pair")
    key = generate_private_key(65537, 2048).public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    pair = subject.call("import_key_pair_from_string", name, f"{line} {name}")
    subject.shared |= {"key pair": pair, name: pair}
    if getattr(pair, "name", None) != name:
        raise Failed(f"import_key_pair_from_string({name!r}, ...) returns {pair!r}.")
    return f"import_key_pair_from_string() returned {name}."


@check("key-pair.read", point="changes", needs=("get_key_pair", "list_key_pairs"), changes=True)
def key_pair_is_read(subject: Subject) -> str:
    """A new key pair is found by its name, and listed."""
    pair = _shared(subject, "key pair", "key-pair.imported")
    copy = subject.call("get_key_pair", pair.name)
    expect(identity(copy) == identity(pair), f"get_key_pair({pair.name!r}) returns {copy!r}.")
    if pair.name not in [listed.name for listed in subject.call("list_key_pairs")]:
        raise Failed(f"list_key_pairs() does not list {pair.name}.")
    return f"get_key_pair() finds {pair.name}, and list_key_pairs() lists it."


@check("key-pair.deleted", point="changes", needs=("delete_key_pair",), changes=True)
def key_pair_is_deleted(subject: Subject) -> str:
    """A deleted key pair is gone."""
    pair = _shared(subject, "key pair", "key-pair.imported")
    result = subject.call("delete_key_pair", pair)
    expect(result is True, f"delete_key_pair() returns {result!r} instead of True.")
    subject.shared.setdefault("removed", set()).add(pair.name)
    try:
        subject.call("get_key_pair", pair.name)
    except (KeyPairDoesNotExistError, NotApplicable):
        return f"delete_key_pair() has deleted {pair.name}."
    raise Failed(f"delete_key_pair() returned True, and {pair.name} is still there.")
