"""A small driver that keeps the whole contract, for tests that break it in one place each."""

from __future__ import annotations

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


class Missing(LibcloudError):
    def __init__(self, value):
        Exception.__init__(self, value)
        self.value, self.driver = value, None

    def __str__(self):
        return self.value


class NoPair(Missing, KeyPairDoesNotExistError):
    def __repr__(self):
        return f"NoPair({self.value!r})"


class SmallDriver(NodeDriver):
    name = "Small"
    website = "https://small.example"
    type = "small"
    connectionCls = ConnectionUserAndKey  # noqa: N815
    NODE_STATE_MAP = {"up": NodeState.RUNNING}  # noqa: RUF012

    def __init__(self, key="someone", secret="open-sesame"):
        super().__init__(key, secret, host="small.example")
        self.pairs = [KeyPair("laptop", "ssh-rsa AAAA", "aa:bb", self)]
        self.nodes = [self.new_node("1")]
        self.created = []
        if secret.startswith("wrong"):
            self.refuse_login()

    def refuse_login(self):
        raise InvalidCredsError("Nobody of that name and secret is known.")

    def new_node(self, node_id, name="first"):
        return Node(node_id, name, NodeState.RUNNING, ["192.0.2.1"], [], self)

    def list_nodes(self):
        return list(self.nodes)

    def list_sizes(self, location=None):
        return [NodeSize("s", "Small", 128, 4, None, 0.5, self)]

    def list_images(self, location=None):
        return [NodeImage(str(number), f"Image {number}", self) for number in range(3)]

    def list_locations(self):
        return [NodeLocation("here", "Here", "CH", self)]

    def list_volumes(self):
        return [StorageVolume("v", "Volume", 10, self, extra={})]

    def list_volume_snapshots(self, volume):
        return [VolumeSnapshot("snapshot", self)]

    def list_key_pairs(self):
        return list(self.pairs)

    def get_image(self, image_id):
        images = [image for image in self.list_images() if image.id == image_id]
        if not images:
            raise Missing(f"There is no image {image_id!r}.")
        return images[0]

    def get_key_pair(self, name):
        pairs = [pair for pair in self.pairs if pair.name == name]
        if not pairs:
            raise NoPair(f"There is no key pair {name!r}.")
        return pairs[0]

    def import_key_pair_from_string(self, name, key_material):
        self.pairs.append(KeyPair(name, key_material, "cc:dd", self))
        return self.pairs[-1]

    def delete_key_pair(self, key_pair):
        self.pairs.remove(key_pair)
        return True

    def create_node(self, name, size, image, location=None, auth=None):
        self.nodes.append(self.new_node(f"made-{len(self.nodes)}", name))
        self.created.append((size, image, location))
        return self.nodes[-1]

    def destroy_node(self, node):
        self.nodes = [other for other in self.nodes if other.id != node.id]
        return True

    def ex_get_node(self, node_id):
        return next(node for node in self.nodes if node.id == node_id)

    def ex_iterate_images(self):
        yield from self.list_images()

    def reboot_node(self, node):
        raise NotImplementedError("The small provider reboots nothing.")

    def start_node(self, node):
        raise NotImplementedError("The small provider starts nothing.")

    def stop_node(self, node):
        raise NotImplementedError("The small provider stops nothing.")

    def create_volume(self, size, name, location=None, snapshot=None):
        raise NotImplementedError("The small provider has one volume for all.")

    def create_volume_snapshot(self, volume, name=None):
        raise NotImplementedError("The small provider has one snapshot for all.")

    def attach_volume(self, node, volume, device=None):
        raise NotImplementedError("The small provider's volume is attached.")

    def detach_volume(self, volume):
        raise NotImplementedError("The small provider's volume stays attached.")

    def destroy_volume(self, volume):
        raise NotImplementedError("The small provider's volume stays.")

    def destroy_volume_snapshot(self, snapshot):
        raise NotImplementedError("The small provider's snapshot stays.")

    def create_image(self, node, name, description=None):
        raise NotImplementedError("The small provider makes its images itself.")

    def delete_image(self, node_image):
        raise NotImplementedError("The small provider keeps its images.")

    def copy_image(self, source_region, node_image, name, description=None):
        raise NotImplementedError("The small provider has one region.")

    def create_key_pair(self, name):
        raise NotImplementedError("The small provider makes no keys.")
