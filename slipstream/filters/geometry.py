"""Places in a filter: points and polygons, as well-known text writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import attrs

Point: TypeAlias = tuple[float, float]
_NUMBER = r"-?\d+(?:\.\d+)?"
_POINT = rf"\s*{_NUMBER}\s+{_NUMBER}\s*"
_RING = rf"\({_POINT}(?:,{_POINT})*\)"
_SHAPE = re.compile(
    rf"\s*(?:POINT\s*(?P<point>\({_POINT}\))|POLYGON\s*\(\s*(?P<ring>{_RING})\s*\))\s*",
    re.ASCII | re.IGNORECASE,
)


@attrs.frozen
class Shape:
    """
    A point, or a polygon without holes.

    :param corners: Longitude and latitude of the point, or of each corner of the closed ring.
    """

    corners: tuple[Point, ...]

    def covers(self, other: Shape) -> bool:
        """Tell whether another shape lies in this one; its corners decide."""
        return all(self._holds(corner) for corner in other.corners)

    def meets(self, other: Shape) -> bool:
        """Tell whether the shapes have a place in common; their corners decide."""
        mine = (other._holds(corner) for corner in self.corners)
        return any(mine) or any(self._holds(corner) for corner in other.corners)

    def _holds(self, point: Point) -> bool:
        if point in self.corners:
            return True
        crossed = (_crosses(start, end, point) for start, end in pairwise(self.corners))
        return sum(crossed) % 2 == 1


def _crosses(start: Point, end: Point, point: Point) -> bool:
    # A ray to the east crosses the border an odd number of times if it starts inside.
    if (start[1] > point[1]) == (end[1] > point[1]):
        return False
    at = start[0] + (point[1] - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
    return point[0] < at


def read_shape(text: str) -> Shape:
    """Read well-known text."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is neither a POINT nor a POLYGON in well-known text.")
    numbers = [float(number) for number in re.findall(_NUMBER, match[0])]
    return Shape(tuple(zip(numbers[::2], numbers[1::2], strict=True)))


def shape_of(values: Sequence[Any]) -> Shape | None:
    """Read a place from a document."""
    numbers = [value for value in values if isinstance(value, int | float)]
    return Shape(((numbers[0], numbers[1]),)) if len(numbers) > 1 else None
