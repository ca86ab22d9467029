"""What makes one type of resource differ from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs

from slipstream.sandbox.nuvla.access import USER
from slipstream.sandbox.nuvla.call import Answer, Call

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

Action: TypeAlias = "Callable[[Call, Document], Answer]"
_COMMON = frozenset(
    {
        "id",
        "resource-type",
        "created",
        "updated",
        "created-by",
        "updated-by",
        "name",
        "description",
        "tags",
        "parent",
        "properties",
        "resource-metadata",
        "operations",
        "subtype",
        "acl",
    }
)


def _find(world: World, identifier: str) -> Document | None:
    return world.store.get(identifier)


def _read(_: Call, document: Document) -> Document:
    return document


def _edit(_: Call, __: Document, changes: Document) -> Document:
    return changes


def _delete(_: Call, __: Document) -> None:
    return None


def _rels(_: Call, __: Document) -> Sequence[str]:
    return ()


def schema(*names: str) -> frozenset[str]:
    """
    Close the schema of a type.

    :param names: The attributes it has beside those that every type has.
    :returns: All of them.
    """
    return _COMMON | set(names)


@attrs.frozen(kw_only=True)
class Kind:
    """
    A type of resource; what is left out does as most types do.

    :param name: Its name, which is also its path.
    :param query: The group that may search.
    :param adders: The group that may add; None if nobody may.
    :param attributes: All that a document may have; None for anything.
    :param hidden: Attributes that are not searchable, slashes for nesting.
    :param newest_first: The attribute that sorts a search that says nothing of order.
    :param selects: Whether a read heeds ``select``.
    :param add: Adds one; None for the plain way.
    :param find: Finds one by the id in an address.
    :param read: Completes one that is read.
    :param edit: Turns what was sent into the changes that are made.
    :param delete: Refuses to delete, or clears up before.
    :param editable: Whether it can be edited.
    :param deletable: Whether ``delete`` is offered on a document.
    :param rels: The actions offered on a document.
    :param actions: The actions by name.
    :param bulk: The bulk actions by name.
    :param bulk_delete: Whether many can be deleted by a filter.
    """

    name: str
    query: str = USER
    adders: str | None = USER
    attributes: frozenset[str] | None = None
    hidden: tuple[str, ...] = ()
    newest_first: str | None = None
    selects: bool = True
    add: Callable[[Call], Answer] | None = None
    find: Callable[[World, str], Document | None] = _find
    read: Callable[[Call, Document], Document] = _read
    edit: Callable[[Call, Document, Document], Document] = _edit
    delete: Callable[[Call, Document], None] = _delete
    editable: bool = True
    deletable: Callable[[Document], bool] = lambda _: True
    rels: Callable[[Call, Document], Sequence[str]] = _rels
    actions: Mapping[str, Action] = attrs.field(factory=dict)
    bulk: Mapping[str, Callable[[Call], Answer]] = attrs.field(factory=dict)
    bulk_delete: bool = False
