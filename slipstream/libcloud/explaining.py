"""Telling beforehand what a call would send, and what would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from slipstream.errors import UnknownName
from slipstream.libcloud.base import DriverBase
from slipstream.libcloud.errors import DriverError
from slipstream.libcloud.operation import operation
from slipstream.session.dry_run import DryRunEnded, PlannedRequest

_PREFIXES = ("list_", "get_", "create_", "import_", "delete_", "destroy_", "start_", "stop_",
             "reboot_", "ex_get_", "ex_list_", "ex_iterate_", "ex_update_")  # fmt: skip
_NEITHER = {"ex_get_node_logs"}
"""Waits for what it has asked the server to do."""


@attrs.frozen(kw_only=True)
class Explanation:
    """
    What a call would do. Printed, it is a text for people.

    :param method: The method.
    :param requests: What it would send, in order; what reads was really sent.
    :param refusals: Why it would be refused, as sentences; empty when nothing speaks against it.
    :param complete: Whether the requests are all there are. They are not where what follows
        depends on an answer that only a real change would bring, or where the call is refused.
    """

    method: str
    requests: tuple[PlannedRequest, ...]
    refusals: tuple[str, ...]
    complete: bool

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        count = len(self.requests)
        yield f"{self.method} sends {count} request{'' if count == 1 else 's'}:"
        for number, request in enumerate(self.requests, 1):
            yield f"{number}. {'' if request.done else '(not sent) '}{request}"
        if not self.complete and not self.refusals:
            yield "What follows depends on the answer."
        for refusal in self.refusals:
            yield f"Refused: {refusal}"


class ExplainingMethods(DriverBase):
    """The part of the driver that tells what the other parts would do."""

    @operation
    def ex_explain(self, method: str, /, *args: Any, **kwargs: Any) -> Explanation:
        """
        Tell what a call would send, and what would be refused, without changing anything.

        Reads are done. Changes are not sent; where an answer is needed to go on, the one that
        the server is expected to give is made up.

        :param method: The name of the method, as in ``'create_node'``. Those that wait cannot
            be explained.
        :type method: ``str``

        :param args: Its arguments; so are the keywords.

        :requests: SlipStream 1, Nuvla 1 for ``'ex_get_node_parameter'``: those of the method that
            change nothing, and some that look for what would be refused.
        :rtype: :class:`Explanation`
        :raises BadInput: If there is no such method.
        :raises TypeError: If the method does not take the arguments.
        """
        names = [name for name in dir(type(self)) if _explainable(name)]
        if not isinstance(method, str):
            raise TypeError(f"The name of a method is a text, not {type(method).__name__}.")
        if method not in names:
            raise UnknownName("method", method, names)
        session, transport = self._session.dry_run()
        driver = object.__new__(type(self))
        vars(driver).update(vars(self), _session=session)
        refusals: list[DriverError] = []
        driver._backend = self._plugins.operations(session, refusals)
        complete = _carry_out(getattr(driver, method), args, kwargs, refusals)
        return Explanation(
            method=method,
            requests=tuple(transport.requests),
            refusals=tuple(dict.fromkeys(map(str, refusals))),
            complete=complete,
        )


def _carry_out(method: Any, args: Any, kwargs: Any, refusals: list[DriverError]) -> bool:
    """Whether the call came to its end."""
    try:
        result = method(*args, **kwargs)
        if isinstance(result, Iterator):
            for _ in result:
                pass
    except DriverError as error:
        if isinstance(error.__context__, DryRunEnded) or isinstance(error, DryRunEnded):
            return False
        refusals.append(error)
        return False
    return True


def _explainable(name: str) -> bool:
    return name.startswith(_PREFIXES) and name not in _NEITHER
