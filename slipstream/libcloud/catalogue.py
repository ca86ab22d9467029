"""What can be deployed and where: images, sizes and locations."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.compute.base import NodeImage, NodeLocation, NodeSize

from slipstream.errors import BadInput
from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, check_own, id_of, identity
from slipstream.libcloud.operation import operation
from slipstream.values import ModuleKind


class CatalogueMethods(DriverBase):
    """The part of the driver that deals with images, sizes and locations."""

    @operation
    def list_images(
        self,
        location: NodeLocation | None = None,
        ex_path: str | None = None,
        ex_recurse: bool = False,
    ) -> list[NodeImage]:
        """
        List components and applications: those of the App Store, or those of a project.

        :param location: Not supported: a listing does not tell where an image can run.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :param ex_path: The project, as in ``examples/images``; empty for the root projects.
        :type ex_path: ``str``

        :param ex_recurse: List the projects below it too, one request each. A project that
            may not be read is skipped, and a warning names it.
        :type ex_recurse: ``bool``

        :requests: SlipStream 1, and with ``ex_recurse`` 1 more for each project below. Nuvla 1 for
            each 500 modules.
        :rtype: ``list`` of :class:`~libcloud.compute.base.NodeImage`
        :raises BadInput: If a location is given, or ``ex_recurse`` without ``ex_path``.
        """
        return list(self.ex_iterate_images(location, ex_path, ex_recurse))

    @operation
    def ex_iterate_images(
        self,
        location: NodeLocation | None = None,
        ex_path: str | None = None,
        ex_recurse: bool = False,
    ) -> Iterator[NodeImage]:
        """
        Go through the components and applications that :meth:`list_images` lists.

        They come page by page, or project by project, as they are needed.

        :param location: Not supported, as for :meth:`list_images`.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :param ex_path: The project; empty for the root projects.
        :type ex_path: ``str``

        :param ex_recurse: List the projects below it too.
        :type ex_recurse: ``bool``

        :requests: SlipStream 1, and with ``ex_recurse`` 1 more for each project that is reached.
            Nuvla 1 for each 500 modules.
        :rtype: iterator of :class:`~libcloud.compute.base.NodeImage`
        :raises BadInput: If a location is given, or ``ex_recurse`` without ``ex_path``.
        """
        if location is not None:
            raise BadInput(
                "Images cannot be listed by location: the list does not tell where they run.",
                hint="get_image(image_id).extra['locations'] tells it for one.",
            )
        if ex_recurse and ex_path is None:
            raise BadInput(
                "ex_recurse needs ex_path: the App Store is one flat list.",
                hint="Pass ex_path='' for everything below the root.",
            )
        found = self._backend.list_modules(path=ex_path, recurse=ex_recurse)
        return (convert.image(module, self) for module in found)

    @operation
    def get_image(self, image_id: str) -> NodeImage:
        """
        Get a component or an application with its parameters.

        :param image_id: Its id, as in ``apps/WordPress/wordpress/478``; without a version, the
            latest.
        :type image_id: ``str``

        :requests: SlipStream 1. Nuvla 1; by path 2.
        :rtype: :class:`~libcloud.compute.base.NodeImage`
        :raises NotFound: If there is none of that id.
        """
        module = self._backend.get_module(identity(image_id, "image"))
        if module.kind is ModuleKind.PROJECT:
            raise BadInput(
                f"{module.path} is a project, not an image.",
                hint=f"List what it holds with list_images(ex_path={module.path!r}).",
            )
        return convert.image(module, self)

    @operation
    def delete_image(self, node_image: NodeImage, *, ex_all_versions: bool = False) -> bool:
        """
        Delete a version of a component or an application, the one that the image's id names.

        The version before it becomes the latest then, and shows in listings again.

        :param node_image: The image.
        :type node_image: :class:`~libcloud.compute.base.NodeImage`

        :keyword ex_all_versions: Delete every version.
        :type ex_all_versions: ``bool``

        :requests: SlipStream 1. Nuvla 1; by path 2, and 1 more where the id names no version.
        :returns: ``True``; a failure is an exception.
        :rtype: ``bool``
        """
        check_own(self, node_image, NodeImage, "image")
        return self._backend.delete_module(
            id_of(node_image, "image"), all_versions=ex_all_versions
        )

    @operation
    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        """
        List the service offers for machines.

        :param location: Only those of this location.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :requests: SlipStream 1 for each 1,000 service offers. Nuvla none.
        :returns: Sizes with ``ram`` in MiB, ``disk`` in GiB and ``price`` per
            ``extra['price_unit']`` in ``extra['currency']``; what an offer leaves open is 0 and
            listed in ``extra['unknown']``.
        :rtype: ``list`` of :class:`~libcloud.compute.base.NodeSize`
        """
        return list(self.ex_iterate_sizes(location))

    @operation
    def ex_iterate_sizes(self, location: NodeLocation | None = None) -> Iterator[NodeSize]:
        """
        Go through the service offers that :meth:`list_sizes` lists, page by page.

        :param location: Only those of this location.
        :type location: :class:`~libcloud.compute.base.NodeLocation`

        :requests: SlipStream 1 for each 1,000 service offers. Nuvla none.
        :rtype: iterator of :class:`~libcloud.compute.base.NodeSize`
        """
        offers = self._backend.list_service_offers(connector=self._location_id(location))
        return (convert.size(offer, self) for offer in offers)

    @operation
    def list_locations(self) -> list[NodeLocation]:
        """
        List the cloud connectors that the user can deploy on, sorted by name.

        :requests: SlipStream 3, and 1 more after a login, for the user's name. Nuvla 2 for each
            500 services and credentials.
        :returns: Locations; ``country`` is an ISO 3166 code where the server tells it, else empty.
        :rtype: ``list`` of :class:`~libcloud.compute.base.NodeLocation`
        """
        return list(self.ex_iterate_locations())

    @operation
    def ex_iterate_locations(self) -> Iterator[NodeLocation]:
        """
        Go through the locations that :meth:`list_locations` lists.

        What tells of all of them is read first.

        :requests: those of :meth:`list_locations`: SlipStream 3, Nuvla 2.
        :rtype: iterator of :class:`~libcloud.compute.base.NodeLocation`
        """
        found = self._backend.list_connectors()
        return (convert.location(connector, self) for connector in found)
