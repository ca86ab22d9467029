"""What the dashboard shows of a world, in words that fit both families."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

Tone = Literal["moving", "good", "bad", "over"]
"""How a state is coloured."""


@attrs.frozen(kw_only=True)
class DeploymentRow:
    """A deployment: where it runs, and, once there is one, the address of its page."""

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
