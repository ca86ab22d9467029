"""Making nodes: deploying a component or an application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from libcloud.compute.base import (
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
    NodeImage,
    NodeLocation,
    NodeSize,
)

from slipstream.errors import BadInput
from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, check_own
from slipstream.libcloud.operation import operation
from slipstream.libcloud.request import build


class CreationMethods(DriverBase):
    """The part of the driver that makes nodes."""

    @operation
    def create_node(
        self,
        name: str | None = None,
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        location: NodeLocation | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        *,
        ex_tags: str | Iterable[str] | None = None,
        ex_cloud: str | Mapping[str, str] | None = None,
        ex_parameters: Mapping[str, Any] | None = None,
        ex_keep_running: str | None = None,
        ex_multiplicity: Mapping[str, int] | None = None,
        ex_tolerate_failures: Mapping[str, int] | None = None,
        ex_check_ssh_key: bool = False,
        ex_scalable: bool = False,
    ) -> Node:
        """
        Deploy a component or an application. Returns at once; see
        :meth:`ex_wait_node_in_state`.

        The request is sent once. When its answer is lost, the error says so
        (``may_have_happened``) and nothing is sent again.

        :param name: The node's name: the first tag of the deployment.
        :type name: ``str``

        :param size: The service offer for every machine; each one's own default when left out.
        :type size: :class:`~libcloud.compute.base.NodeSize`

        :param image: What to deploy. (required)
        :type image: :class:`~libcloud.compute.base.NodeImage`

        :param location: The cloud for every machine; the user's default when left out.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :param auth: A public key that lets in to the machines, where ``features`` says
            ``ssh_key``; refused elsewhere. It is added to the user's key pairs unless it is there,
            and stays, since machines are given their keys when they start.
        :type auth: :class:`~libcloud.compute.base.NodeAuthSSHKey`

        :keyword ex_tags: Tags to find or annotate the node by; as text, separated by commas.
        :type ex_tags: ``str`` or ``list`` of ``str``

        :keyword ex_cloud: Instead of ``location``: the name of a cloud, or for an application a
            dict of node names and clouds.
        :type ex_cloud: ``str`` or ``dict``

        :keyword ex_parameters: Values for the parameters: of a component by their names, of an
            application by node names and dicts of names and values.
        :type ex_parameters: ``dict``

        :keyword ex_keep_running: Whether the machines stay once the deployment is ready:
            ``always``, ``never``, ``on-success`` or ``on-error``; the user's default when left
            out. Of no effect on a component, which stays, and with ``ex_scalable``, which acts
            as ``always``.
        :type ex_keep_running: ``str``

        :keyword ex_multiplicity: Applications only: how many instances of a node to start.
        :type ex_multiplicity: ``dict`` of ``str`` and ``int``

        :keyword ex_tolerate_failures: Applications only: how many instances of a node may fail.
        :type ex_tolerate_failures: ``dict`` of ``str`` and ``int``

        :keyword ex_check_ssh_key: Refuse to deploy when the user has no SSH key.
        :type ex_check_ssh_key: ``bool``

        :keyword ex_scalable: Applications only: allow adding and removing machines later.
        :type ex_scalable: ``bool``

        :requests: SlipStream 3: the image, the deployment, and its document; 1 more for each image
            that it is built on when a parameter is not its own, and with ``auth`` 1, or 4 when
            the key is new. Nuvla 3: to make, to set up, to start; 1 or 2 more for an image that
            was listed and not read, and 1 or 2 for a location that was not listed.
        :returns: The new node.
        :rtype: :class:`~libcloud.compute.base.Node`
        :raises BadInput: If the request cannot be right; nothing was deployed then.
        :raises RequestFailed: If the server refuses; nothing was deployed then.
        :raises NoAnswer: If ``may_have_happened``, look for the node before trying again.
        """
        if image is None:
            raise BadInput(
                "create_node needs an image.", hint="See list_images() and get_image()."
            )
        check_own(self, image, NodeImage, "image")
        if size is not None:
            check_own(self, size, NodeSize, "size")
        if location is not None:
            check_own(self, location, NodeLocation, "location")
        request = build(
            name=name,
            size=size,
            image=image,
            location=location,
            auth=auth,
            tags=ex_tags,
            cloud=ex_cloud,
            parameters=ex_parameters,
            keep_running=ex_keep_running,
            multiplicity=ex_multiplicity,
            tolerate_failures=ex_tolerate_failures,
            check_ssh_key=ex_check_ssh_key,
            scalable=ex_scalable,
        )
        return convert.node(self._backend.deploy(request), self)
