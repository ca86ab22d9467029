"""From the arguments of ``create_node`` to a deployment request, checked on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from libcloud.compute.base import NodeAuthPassword, NodeAuthSSHKey

from slipstream.errors import BadInput, shorten
from slipstream.libcloud.base import id_of
from slipstream.values.deployment_request import DeploymentRequest, Parameter, Role
from slipstream.values.ssh_key import SSHKey
from slipstream.values.text import CONTROL_CHARACTERS, NOT_IN_XML


def build(
    *,
    name: str | None,
    size: Any,
    image: Any,
    location: Any,
    auth: Any,
    tags: Any,
    cloud: Any,
    parameters: Any,
    keep_running: str | None,
    multiplicity: Any,
    tolerate_failures: Any,
    check_ssh_key: bool,
    scalable: bool,
) -> DeploymentRequest:
    """
    The request that the arguments of ``create_node`` describe.

    :returns: The request; the caller's objects are not kept and never changed.
    :raises BadInput: If an argument cannot be right.
    :raises TypeError: If one has the wrong type.
    """
    if location is not None and cloud is not None:
        raise BadInput("Give location or ex_cloud, not both: they say the same thing.")
    _check_bools(ex_check_ssh_key=check_ssh_key, ex_scalable=scalable)
    _check_together(size, location)
    decided = [
        *_inputs(parameters),
        *_placement(location, cloud),
        *_counts("ex_multiplicity", multiplicity, Role.MULTIPLICITY, least=1),
        *_counts("ex_tolerate_failures", tolerate_failures, Role.TOLERATED_FAILURES, least=0),
    ]
    if size is not None:
        decided.append(
            Parameter(role=Role.SIZE, value=_text(id_of(size, "size"), "The id of the size"))
        )
    return DeploymentRequest(
        module_id=_text(id_of(image, "image"), "The id of the image"),
        name=None if name is None else label(name, "name"),
        tags=list(_tags(tags)),
        parameters=decided,
        keep_running=keep_running,
        scalable=scalable,
        check_ssh_key=check_ssh_key,
        ssh_key=ssh_key(auth),
        known=[thing.extra for thing in (image, location) if getattr(thing, "extra", None)],
    )


def ssh_key(auth: Any) -> SSHKey | None:
    """
    The public key that an ``auth`` argument gives.

    :param auth: The argument.
    :returns: The key, ``None`` if nothing was given.
    :raises BadInput: If it is a password, or no public key.
    :raises TypeError: If it is something else.
    """
    if auth is None:
        return None
    if isinstance(auth, NodeAuthPassword):
        raise BadInput(
            "Machines cannot be given a password as auth.",
            hint="Give a public SSH key: NodeAuthSSHKey(pubkey).",
        )
    if not isinstance(auth, NodeAuthSSHKey):
        raise TypeError(f"auth is a NodeAuthSSHKey, not {type(auth).__name__}.")
    if not isinstance(auth.pubkey, str):
        raise TypeError(f"The public key of auth is a text, not {type(auth.pubkey).__name__}.")
    return SSHKey.parse(auth.pubkey).check()


def label(text: Any, what: str) -> str:
    """
    Check a name that people give to a node or a key pair.

    :param text: The name.
    :param what: What it names, for the message.
    :returns: The name.
    :raises BadInput: If it is empty or holds what a server would not give back.
    """
    if not isinstance(text, str):
        raise TypeError(f"A {what} is a text, not {type(text).__name__}.")
    if not text.strip():
        raise BadInput(f"The {what} is empty.", hint="Leave it out or give one.")
    if CONTROL_CHARACTERS.search(text):
        raise BadInput(f"The {what} {shorten(text)!r} holds control characters.")
    if text != text.strip():
        raise BadInput(f"The {what} {shorten(text)!r} starts or ends with a blank.")
    if "," in text and what in {"name", "tag"}:
        raise BadInput(
            f"The {what} {shorten(text)!r} holds a comma, which separates tags on the server.",
            hint="Give several tags as a list in ex_tags.",
        )
    return text


def _tags(tags: Any) -> Iterator[str]:
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    if not isinstance(tags, Iterable) and tags is not None:
        raise TypeError(f"ex_tags is a text or a list of texts, not {type(tags).__name__}.")
    return (label(tag, "tag") for tag in tags or ())


def _inputs(parameters: Any) -> Iterator[Parameter]:
    for name, value in _items("ex_parameters", parameters):
        if isinstance(value, Mapping):
            for inner, text in _items(f"ex_parameters[{name!r}]", value):
                yield Parameter(name=inner, node=name, value=_value(inner, text))
        else:
            yield Parameter(name=name, value=_value(name, value))


def _placement(location: Any, cloud: Any) -> Iterator[Parameter]:
    if location is not None:
        value = _text(id_of(location, "location"), "The id of the location")
        yield Parameter(role=Role.LOCATION, value=value)
    elif isinstance(cloud, str):
        yield Parameter(role=Role.LOCATION, value=cloud)
    else:
        for node, name in _items("ex_cloud", cloud):
            yield Parameter(role=Role.LOCATION, node=node, value=_text(name, "A cloud's name"))


def _counts(option: str, counts: Any, role: Role, *, least: int) -> Iterator[Parameter]:
    for node, count in _items(option, counts):
        whole = isinstance(count, int) and not isinstance(count, bool)
        if not whole or count < least:
            raise BadInput(
                f"{option}[{node!r}] is {count!r}: a whole number of at least {least} is needed."
            )
        yield Parameter(role=role, node=node, value=str(count))


def _items(option: str, mapping: Any) -> Iterator[tuple[str, Any]]:
    if mapping is None:
        return
    if not isinstance(mapping, Mapping):
        raise TypeError(f"{option} is a dict, not {type(mapping).__name__}.")
    for key, value in mapping.items():
        yield _text(key, f"A key of {option}"), value


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(
            f"The value of parameter {name!r} is a text or a number, not {type(value).__name__}."
        )
    if NOT_IN_XML.search(value):
        raise BadInput(f"The value of parameter {name!r} holds control characters.")
    return value


def _text(text: Any, what: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} is a text, not {type(text).__name__}.")
    if not text.strip() or CONTROL_CHARACTERS.search(text):
        raise BadInput(f"{what} is empty or holds control characters: {shorten(text)!r}.")
    return text


def _check_bools(**options: Any) -> None:
    for option, value in options.items():
        if not isinstance(value, bool):
            raise TypeError(f"{option} is True or False, not {value!r}.")


def _check_together(size: Any, location: Any) -> None:
    offered = (getattr(size, "extra", None) or {}).get("location")
    if location is None or not offered or not location.name:
        return
    if offered != location.name:
        raise BadInput(
            f"The size {size.name or size.id} is offered on {offered}, not on {location.name}.",
            hint="Take one of list_sizes(location).",
        )
