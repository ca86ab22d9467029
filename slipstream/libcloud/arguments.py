"""Check the arguments of users, before any change is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
    VolumeSnapshot,
)
from libcloud.compute.types import NodeState

from slipstream.errors import BadInput, DriverError, UnknownName, nearest, shorten
from slipstream.hookspecs import Backend
from slipstream.libcloud.convert import NODE_STATES
from slipstream.libcloud.virtual_machine import VirtualMachine
from slipstream.values import Parameter, Role
from slipstream.values.fields import check_number
from slipstream.values.plain import (
    CONTROL_CHARACTERS,
    NOT_IN_XML,
    file_error,
    shown_path,
    user_path,
)
from slipstream.values.ssh_key import PRIVATE_KEY, SSHKey

T = TypeVar("T")

MOST = 2**31 - 1  # the greatest number of things that an argument may ask for
LONGEST_LINE = 60  # characters of a text that may have several lines and still be no key
LONGEST_INTEGER = 10_000  # bits of a number that Python writes in decimal digits
_SOURCES: dict[type, str] = {
    Node: "use list_nodes() or ex_get_node(node_id)",
    NodeImage: "use get_image('apps/WordPress/wordpress')",
    NodeSize: "use list_sizes()",
    NodeLocation: "use list_locations()",
    KeyPair: "use get_key_pair(name)",
}
"""The calls that return an object of each class."""

_OBJECTS = (*_SOURCES, StorageVolume, VolumeSnapshot)


def checked(name: str, value: object, cls: type[T], expected: str) -> T:
    """Check the type of an argument."""
    if not isinstance(value, cls):
        raise TypeError(f"{name} must be {expected}, not {type(value).__name__}.")
    return value


def check_flags(**flags: object) -> None:
    """Check arguments that are True or False."""
    for name, value in flags.items():
        checked(name, value, bool, "True or False")


def object_id(driver: Any, value: object, cls: type, name: str) -> str:
    """
    The id of an argument: an object, which a caller may have constructed, or the id itself.
    An object of none of libcloud's classes is taken by its ``id``.
    """
    if not isinstance(value, _OBJECTS):
        value = getattr(value, "id", value)  # of an object of the program's own
    if isinstance(value, UUID):
        value = str(value)
    if isinstance(value, str):
        return text(f"The id of the {name}", value)
    check_owner(driver, value, cls, name)
    if isinstance(value, VirtualMachine):
        node_id = value.extra.get("node_id")
        raise BadInput(
            f"{shorten(str(value.id))} is a machine, not a node: it ends with its deployment.",
            hint=f"Its node is ex_get_node({node_id!r})." if node_id else "It belongs to no node.",
        )
    resource: Any = value
    identifier = resource.id
    # libcloud turns an id of None into the string 'None' (compute/base.py).
    if identifier in (None, "", str(None)):
        identifier = resource.name if isinstance(resource, NodeLocation) else None
    if identifier is None:
        raise BadInput(f"The {name} has no id.")
    return text(f"The id of the {name}", identifier)


def check_owner(driver: Any, value: object, cls: type, name: str) -> None:
    """
    Refuse an object of a wrong class, or of another driver.

    One that the caller constructed without a driver is accepted.
    """
    if not isinstance(value, cls):
        raise TypeError(
            f"{name} must be a {cls.__name__}, not {type(value).__name__}: {_SOURCES[cls]}."
        )
    resource: Any = value
    owner = resource.driver
    if owner is None or owner is driver:
        return
    other = getattr(owner, "ex_endpoint", f"the driver {getattr(owner, 'name', owner)!r}")
    if other != driver.ex_endpoint:
        identifier = getattr(resource, "id", None) or resource.name
        raise BadInput(f"The {name} {identifier} belongs to {other}, not to {driver.ex_endpoint}.")


def text(what: str, value: object, *, plain: bool = True) -> str:
    """Check a string: no private key, which no message may quote, and with ``plain`` printable."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, not {type(value).__name__}.")
    if PRIVATE_KEY.search(value) or (len(value) > LONGEST_LINE and "\n" in value):
        raise BadInput(f"{what} looks like a private key; it was not sent.")
    if plain and not value.strip():
        raise BadInput(f"{what} is empty.")
    if plain and CONTROL_CHARACTERS.search(value):
        raise BadInput(f"{what} holds control characters: {shorten(value)!r}.")
    return value


def label(what: str, value: object) -> str:
    """Check the name of a new node or key pair."""
    string = text(f"The {what}", value)
    if string != string.strip():
        raise BadInput(f"The {what} {shorten(string)!r} starts or ends with a blank.")
    if "," in string and what in {"name", "tag"}:
        raise BadInput(
            f"The {what} {shorten(string)!r} holds a comma, which separates tags on the server.",
            hint="Pass several tags as a list in ex_tags.",
        )
    return string


def items(name: str, value: object) -> list[Any]:
    """Check that an argument is a list, or ``None`` for an empty one; a string is none."""
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list, not {type(value).__name__}.")
    return list(value)


def whole_number(name: str, value: object, *, least: int = 1, most: int = MOST) -> int:
    """Check a whole number; see :func:`check_number`."""
    return int(check_number(name, value, least=least, most=most, whole=True))


def read_file(what: str, value: object) -> bytes:
    """Read a file that an argument names."""
    path = user_path(f"The path of the {what}", value)
    try:
        return path.read_bytes()
    except OSError as error:
        raise file_error(f"Cannot read the {what} {shown_path(path)}", path, error) from None


def states(words: str | Iterable[str], backend: Backend) -> frozenset[str]:
    """Translate names of states to the server's own; its own names win over libcloud's."""
    names = [words] if isinstance(words, str) else items("states", words)
    if not names:
        raise BadInput("states is empty: name a state to wait for.")
    libclouds: dict[str, set[str]] = {}
    for state, phase in backend.states.items():
        libclouds.setdefault(NODE_STATES[phase].value, set()).add(state)
    aliases = {**backend.state_aliases, **dict(zip(backend.states, backend.states, strict=True))}
    by_name = libclouds | {alias.lower(): {state} for alias, state in aliases.items()}
    matches: set[str] = set()
    for word in names:
        if isinstance(word, NodeState):
            # The value: str() of a member has the class before it.
            name, table = str(word.value), libclouds
        else:
            name, table = checked("A state", word, str, "a string"), by_name
        if name.lower() not in table:
            spellings = {spelling.lower(): spelling for spelling in (*libclouds, *aliases)}
            raise UnknownName("state", name, spellings.values())
        matches |= table[name.lower()]
    return frozenset(matches)


def tags(value: str | Iterable[str] | None) -> list[str]:
    """Check tags; in a text they are separated by commas."""
    if isinstance(value, str):
        value = [tag.strip() for tag in value.split(",") if tag.strip()]
    return [label("tag", tag) for tag in items("ex_tags", value)]


def ssh_key(auth: object) -> SSHKey:
    """The public key of an ``auth`` argument."""
    if isinstance(auth, NodeAuthPassword):
        raise BadInput(
            "auth cannot be a password here.",
            hint="Pass a public SSH key: NodeAuthSSHKey(pubkey).",
        )
    public_key = checked("auth", auth, NodeAuthSSHKey, "a NodeAuthSSHKey").pubkey
    return SSHKey.parse(checked("The public key of auth", public_key, str, "a string")).check()


def inputs(parameters: object) -> Iterator[Parameter]:
    """Check the values of parameters."""
    for name, value in _entries("ex_parameters", parameters):
        if isinstance(value, Mapping):
            for inner, inner_value in _entries(f"ex_parameters[{name!r}]", value):
                yield Parameter(name=inner, node=name, value=_input(inner, inner_value))
        else:
            yield Parameter(name=name, value=_input(name, value))


def _input(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    what = f"The value of parameter {name!r}"
    if not isinstance(value, str | int | float):
        raise TypeError(f"{what} must be a string or a number, not {type(value).__name__}.")
    if isinstance(value, int) and value.bit_length() > LONGEST_INTEGER:
        raise BadInput(f"{what} is too large: pass it as a string.")
    string = str(value)
    if NOT_IN_XML.search(string):
        raise BadInput(f"{what} holds control characters.")
    return string


def placement(driver: Any, size: object, location: object, cloud: object) -> Iterator[Parameter]:
    """Check where the machines go, and how large they are."""
    if location is not None and cloud is not None:
        raise BadInput("Pass location or ex_cloud, not both: they mean the same.")
    if location is not None:
        name = object_id(driver, location, NodeLocation, "location")
        yield Parameter(role=Role.LOCATION, value=name)
    elif isinstance(cloud, str):
        yield Parameter(role=Role.LOCATION, value=cloud)
    else:
        for node, value in _entries("ex_cloud", cloud):
            name = text(f"ex_cloud[{node!r}]", value)
            yield Parameter(role=Role.LOCATION, node=node, value=name)
    if size is None:
        return
    yield Parameter(role=Role.SIZE, value=object_id(driver, size, NodeSize, "size"))
    if isinstance(size, NodeSize) and isinstance(location, NodeLocation):
        locations = (size.extra or {}).get("locations")
        if locations and location.name and location.name not in locations:
            raise BadInput(
                f"The size {size.name or size.id} is offered on {' and '.join(locations)}, not on"
                f" {location.name}.",
                hint="Pass one of list_sizes(location).",
            )


def counts(option: str, numbers: object, role: Role) -> Iterator[Parameter]:
    """Check the numbers of instances of an application's nodes."""
    for node, count in _entries(option, numbers):
        least = 1 if role is Role.MULTIPLICITY else 0
        number = whole_number(f"{option}[{node!r}]", count, least=least)
        yield Parameter(role=role, node=node, value=str(number))


def _entries(option: str, value: object) -> Iterator[tuple[str, Any]]:
    if value is None:
        return
    mapping = checked(option, value, Mapping, "a dict")  # type: ignore[type-abstract]
    for key, item in mapping.items():
        yield text(f"A key of {option}", key), item


def nearest_path(backend: Backend, module_id: str) -> str | None:
    """Find the path that is nearest to one that does not exist."""
    path = module_id.strip("/")
    project, _, name = path.rpartition("/")
    if project and name.isdigit():  # a version
        path, project = project, project.rpartition("/")[0]
    for parent in (None, project) if project else (None,):
        with suppress(DriverError):  # a suggestion must not hide the error that it is for
            modules = backend.list_modules(path=parent, recurse=False, connector=None)
            paths = [module.path for module in modules]
            if path in paths:
                return None
            names = {p if project else p.rpartition("/")[2]: p for p in paths}
            match = nearest(path, names)
            if match is not None:
                return names[match]
    return None


def only_match(what: str, name: str, candidates: Sequence[tuple[str, str, T]], getter: str) -> T:
    """Find the only candidate of a name; each has its name, its id, and what to return."""
    matches = [candidate for candidate in candidates if candidate[0] == name]
    if len(matches) == 1:
        return matches[0][2]
    if matches:
        ids = ", ".join(match[1] for match in matches)
        raise BadInput(
            f"{len(matches)} {what}s are named {name!r}: {ids}.",
            hint=f"Pass the id of one to {getter}().",
        )
    if any(name == candidate[1] for candidate in candidates):
        raise BadInput(f"{name!r} is an id, not a name.", hint=f"Pass it to {getter}().")
    raise UnknownName(what, name, {candidate[0] for candidate in candidates})
