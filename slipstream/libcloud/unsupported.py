"""
What libcloud has and no server here does: volumes, snapshots, images made from nodes.

Each is refused with the reason and with what to do instead. The signatures are those of
``libcloud/compute/base.py``, because volumes and snapshots call back with keywords.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import NoReturn, ParamSpec, cast

from libcloud.compute.base import (
    Node,
    NodeImage,
    NodeLocation,
    StorageVolume,
    VolumeSnapshot,
)

from slipstream.errors import NotSupported
from slipstream.libcloud.base import DriverBase
from slipstream.libcloud.operation import operation

P = ParamSpec("P")

REFUSAL = "slipstream_refusal"
"""The attribute by which a method tells why it is refused."""


def refused(
    problem: str, instead: str
) -> Callable[[Callable[P, NoReturn]], Callable[P, NoReturn]]:
    """
    Make a method refuse whatever it is asked, once its arguments are those it takes.

    :param problem: Why no server can do it, as what follows a colon.
    :param instead: What to do instead, as a sentence.
    :returns: A decorator.
    """

    def decorate(method: Callable[P, NoReturn]) -> Callable[P, NoReturn]:
        signature = inspect.signature(method)
        doing = method.__name__.replace("_", " ")

        @functools.wraps(method)
        def refuse(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
            signature.bind(*args, **kwargs)
            driver = cast(DriverBase, args[0])
            raise NotSupported(
                f"Cannot {doing}: {problem}.", endpoint=driver.ex_endpoint, hint=instead
            )

        setattr(refuse, REFUSAL, f"{problem[0].upper()}{problem[1:]}. {instead}")
        return operation(refuse)

    return decorate


_no_image = refused(
    "an image is a component or an application, which is written and built on the server",
    "Make it on the server's web page; get_image() then finds it by its path.",
)
_no_copy = refused(
    "an image has no region, but can be deployed on every location that it is made for",
    "Pass the location to create_node().",
)
_no_volume = refused(
    "disks are part of the component or application that is deployed, and not things of their own",
    "Describe them there, on the server; create_node() takes what it declares as ex_parameters.",
)
_no_snapshot = refused(
    "there are no volumes, and so no snapshots of them",
    "Save the data from inside the machines.",
)


class RefusedMethods(DriverBase):
    """The part of the driver that says what there is not."""

    @_no_image
    def create_image(self, node: Node, name: str, description: str | None = None) -> NoReturn:
        """
        Refused: images are written and built on the server.

        :param node: A node.
        :param name: A name.
        :param description: A description.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_copy
    def copy_image(
        self,
        source_region: str,
        node_image: NodeImage,
        name: str,
        description: str | None = None,
    ) -> NoReturn:
        """
        Refused: images have no region.

        :param source_region: A region.
        :param node_image: An image.
        :param name: A name.
        :param description: A description.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_volume
    def list_volumes(self) -> NoReturn:
        """
        Refused: disks are part of what is deployed.

        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_volume
    def create_volume(
        self,
        size: int,
        name: str,
        location: NodeLocation | None = None,
        snapshot: VolumeSnapshot | None = None,
    ) -> NoReturn:
        """
        Refused: disks are part of what is deployed.

        :param size: A size in GB.
        :param name: A name.
        :param location: A location.
        :param snapshot: A snapshot.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_volume
    def attach_volume(
        self, node: Node, volume: StorageVolume, device: str | None = None
    ) -> NoReturn:
        """
        Refused: disks are part of what is deployed.

        :param node: A node.
        :param volume: A volume.
        :param device: A device, as in ``/dev/sdb``.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_volume
    def detach_volume(self, volume: StorageVolume) -> NoReturn:
        """
        Refused: disks are part of what is deployed.

        :param volume: A volume.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_volume
    def destroy_volume(self, volume: StorageVolume) -> NoReturn:
        """
        Refused: disks are part of what is deployed.

        :param volume: A volume.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_snapshot
    def list_volume_snapshots(self, volume: StorageVolume) -> NoReturn:
        """
        Refused: there are no volumes.

        :param volume: A volume.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_snapshot
    def create_volume_snapshot(self, volume: StorageVolume, name: str | None = None) -> NoReturn:
        """
        Refused: there are no volumes.

        :param volume: A volume.
        :param name: A name.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError

    @_no_snapshot
    def destroy_volume_snapshot(self, snapshot: VolumeSnapshot) -> NoReturn:
        """
        Refused: there are no volumes.

        :param snapshot: A snapshot.
        :requests: SlipStream none, Nuvla none.
        :raises NotSupported: Always.
        """
        raise NotImplementedError
