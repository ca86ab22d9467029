"""What the dashboard shows of a world, in words that fit both families."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

Tone = Literal["moving", "good", "bad", "over"]
"""How a state is coloured."""


@attrs.frozen(kw_only=True)
class DeploymentRow:
    """
    A deployment.

    :param id: Its id, as the driver has it.
    :param place: The clouds or the service it runs on.
    :param progress: Percent of the way until it runs, while it moves.
    :param machines: How many of its machines run, in words; empty where there are none.
    :param failure: Why it failed, if it has.
    :param path: The address of its page on this server, once there is one.
    """

    id: str
    name: str
    image: str
    owner: str
    place: str
    state: str
    tone: Tone
    progress: int
    started: str
    machines: str = ""
    failure: str = ""
    path: str = ""


@attrs.frozen(kw_only=True)
class MachineRow:
    """A machine of a cloud, or a service or an edge that deployments run on."""

    name: str
    place: str
    state: str
    tone: Tone
    address: str
    use: str


@attrs.frozen(kw_only=True)
class ImageRow:
    """Something that can be deployed."""

    path: str
    kind: str
    description: str


@attrs.frozen(kw_only=True)
class Overview:
    """Everything that the dashboard shows of a world, the newest deployment first."""

    deployments: Sequence[DeploymentRow]
    machines: Sequence[MachineRow]
    images: Sequence[ImageRow]
