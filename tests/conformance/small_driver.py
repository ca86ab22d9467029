"""A small driver that keeps the whole contract, for tests that break it in one place each."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from libcloud.common.base import ConnectionUserAndKey
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

from slipstream.conformance.methods import BUILT_ON, METHODS


class Missing(LibcloudError):
    def __init__(self, value: Any) -> None:
        Exception.__init__(self, value)
        self.value, self.driver = value, None

    def __str__(self) -> str:
        return self.value


class NoPair(Missing, KeyPairDoesNotExistError):
    def __repr__(self) -> str:
        return f"NoPair({self.value!r})"


class SmallDriver(NodeDriver):
    name = "Small"
    website = "https://small.example"
    type = "small"
    connectionCls = ConnectionUserAndKey  # noqa: N815
    NODE_STATE_MAP = {"up": NodeState.RUNNING}  # noqa: RUF012

    def __init__(self, key: str = "someone", secret: str = "open-sesame") -> None:
        super().__init__(key, secret, host="small.example")  # type: ignore[no-untyped-call]
        self.pairs = [KeyPair("laptop", "ssh-rsa AAAA", "aa:bb", self)]
        self.nodes = [self.new_node("1")]
        self.created: list[tuple[Any, Any, Any]] = []
        if secret.startswith("wrong"):
            self.refuse_login()

    def refuse_login(self) -> None:
        raise InvalidCredsError("Nobody of that name and secret is known.")

    def new_node(self, node_id: str, name: str = "first") -> Node:
        return Node(node_id, name, NodeState.RUNNING, ["192.0.2.1"], [], self)

    def list_nodes(self) -> list[Node]:
        return list(self.nodes)

    def list_sizes(self, location: Any = None) -> list[NodeSize]:
        return [NodeSize("s", "Small", 128, 4, None, 0.5, self)]

    def list_images(self, location: Any = None) -> list[NodeImage]:
        return [NodeImage(str(number), f"Image {number}", self) for number in range(3)]

    def list_locations(self) -> list[NodeLocation]:
        return [NodeLocation("here", "Here", "CH", self)]

    def list_volumes(self) -> list[StorageVolume]:
        return [StorageVolume("v", "Volume", 10, self, extra={})]

    def list_volume_snapshots(self, volume: Any) -> list[VolumeSnapshot]:
        return [VolumeSnapshot("snapshot", self)]

    def list_key_pairs(self) -> list[KeyPair]:
        return list(self.pairs)

    def get_image(self, image_id: str) -> NodeImage:
        images = [image for image in self.list_images() if image.id == image_id]
        if not images:
            raise Missing(f"There is no image {image_id!r}.")
        return images[0]

    def get_key_pair(self, name: str) -> KeyPair:
        pairs = [pair for pair in self.pairs if pair.name == name]
        if not pairs:
            raise NoPair(f"There is no key pair {name!r}.")
        return pairs[0]

    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        self.pairs.append(KeyPair(name, key_material, "cc:dd", self))
        return self.pairs[-1]

    def delete_key_pair(self, key_pair: Any) -> bool:
        self.pairs.remove(key_pair)
        return True

    def create_node(
        self, name: str, size: Any, image: Any, location: Any = None, auth: Any = None
    ) -> Any:
        self.nodes.append(self.new_node(f"made-{len(self.nodes)}", name))
        self.created.append((size, image, location))
        return self.nodes[-1]

    def destroy_node(self, node: Any) -> bool:
        self.nodes = [other for other in self.nodes if other.id != node.id]
        return True

    def ex_get_node(self, node_id: str) -> Node:
        return next(node for node in self.nodes if node.id == node_id)

    def ex_iterate_images(self) -> Iterator[NodeImage]:
        yield from self.list_images()


def _refused(name: str) -> Callable[..., Any]:
    """A method with the arguments of the base's, which counts as one that only raises."""
    base = getattr(NodeDriver, name)

    @functools.wraps(base)
    def method(*args: Any, **kwargs: Any) -> None:
        inspect.signature(base).bind(*args, **kwargs)
        raise NotImplementedError(f"The small provider has no {name}().")

    return method


for _name in METHODS:
    if _name not in {*vars(SmallDriver), *BUILT_ON}:
        setattr(SmallDriver, _name, _refused(_name))
