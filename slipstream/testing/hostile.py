"""Repeat the responses to a call with faults, and judge the outcomes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial

import attrs
from requests.structures import CaseInsensitiveDict

from slipstream.conformance import Failed, NotApplicable
from slipstream.errors import (
    AnswerLost,
    BadInput,
    DriverError,
    MalformedAnswer,
    PluginFailed,
    UnknownName,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.session.session import refuses
from slipstream.testing.faults import HTML, RESPONSE_FAULTS, Fault, Reply, field_faults
from slipstream.testing.offline import instant_sleep
from slipstream.testing.tap import tapped
from slipstream.transport.messages import EndpointCookieJar, Request, Response

MOST_FIELDS = 200
"""Faults of single fields that are tried in the responses to one call."""

MOST_RESPONSES = 20
"""Responses to one call whose fields are tried: first those to changes."""

MOST_REQUESTS = 500
"""Requests that one call may send while one response has a fault."""


Call = Callable[[], object]
Exchanges = list[tuple[Request, Response]]


class _EndlessCall(BaseException):
    """Ends a call that sends requests without end; no backend catches it."""


def _raise(error: DriverError, _: Reply) -> Reply:
    raise copy(error)


_FAILURES = [
    Fault(type(error).__name__, partial(_raise, error), replaces=True)
    for error in (
        AnswerLost("The connection broke."),
        MalformedAnswer("The response is larger than allowed."),
    )
]
"""What a transport raises where no response can be read."""


@attrs.define
class Trial:
    """
    The recorded responses to a call, with a fault in one of them.

    Nothing is sent to the server but logins, and reads that the call did not send before: a
    change that it did not make is not made now either. ``changed`` says whether a change was sent
    that was not refused, ``verified`` whether something was read after the fault.
    """

    driver: SlipStreamNodeDriver
    exchanges: Exchanges
    number: int
    fault: Fault
    is_login: bool = False
    sent: int = 0
    hit: bool = False
    changed: bool = False
    verified: bool = False
    _used: set[int] = attrs.field(factory=set)

    def respond(self, request: Request, cookies: EndpointCookieJar | None) -> Response | None:
        """The response to a request, ``None`` to send it."""
        self.sent += 1
        if self.sent > MOST_REQUESTS:
            raise _EndlessCall
        is_login = cookies is not self.driver._session.cookies
        if is_login != self.is_login:
            return None
        self.verified |= self.hit and request.reads
        self.changed |= not request.reads
        number = self._find(request)
        url = f"{self.driver.ex_endpoint}{request.path}"
        if number is None:
            return None if request.reads else _response(Reply(500, (), HTML), url)
        self._used.add(number)
        right = self.exchanges[number][1]
        if number != self.number:
            return right
        self.hit = True
        response = _response(self.fault.change(_reply(right)), url)
        if not request.reads and refuses(response):
            self.changed = False
        return response

    def _find(self, request: Request) -> int | None:
        """The exchange for a request, preferably an unused one of the same query and body."""

        def order(number: int) -> tuple[bool, bool, int]:
            other, is_used = self.exchanges[number][0], number in self._used
            differs = (other.query, other.body) != (request.query, request.body)
            return is_used, differs, -number if is_used else number

        same = [
            number
            for number, (other, _) in enumerate(self.exchanges)
            if (other.method, other.path) == (request.method, request.path)
        ]
        return min(same, key=order, default=None)

    def judge(self, call: Call, usual: object) -> str | None:
        """Make the call, and say what is wrong with the outcome."""
        try:
            with tapped(self.driver) as tap:
                tap.forge = self.respond
                value = summary(call())
        except (DriverError, _EndlessCall) as error:
            return self._judge_error(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not get out
            return f"it raises {type(error).__name__}"
        fault = self.fault
        if not self.hit or not fault.replaces or fault.refusal or fault.plausible or self.is_login:
            return None
        request, right = self.exchanges[self.number]
        if request.reads:
            same = value == usual
            return None if same else f"it returns {str(value)[:200]}, not {str(usual)[:200]}"
        reply = fault.change(_reply(right))
        if self.verified or not (right.body.strip() or reply.body):
            return None
        kind = reply.header("content-type").partition(";")[0] or "no document"
        return f"a response with status {reply.status} and {kind} is taken for done"

    def _judge_error(self, error: BaseException) -> str | None:
        if self.sent > MOST_REQUESTS:
            return (
                f"it sends more than {MOST_REQUESTS} requests; a list in pages must end at a"
                " cursor that it has had"
            )
        if isinstance(error, PluginFailed):
            return f"it broke: {error}"
        reads_only = all(request.reads for request, _ in self.exchanges)
        if reads_only and isinstance(error, BadInput) and not isinstance(error, UnknownName):
            return f"it raises {type(error).__name__}, which blames the user's input: {error}"
        if self.changed and not self.is_login and not getattr(error, "may_have_happened", False):
            return f"it does not say that the change may have happened: {error!r}"
        return None


def try_faults(
    driver: SlipStreamNodeDriver,
    call: Call,
    *,
    is_refused: bool = False,
    is_change: bool = False,
    is_login: bool = False,
) -> str:
    """
    Make a call once, and then with faults in each of the responses that it got.

    :param is_refused: Whether the server refuses it, so that there is no right result.
    :param is_change: Whether it has to send a change.
    :param is_login: Whether it logs in, and the faults are in the responses to that.
    :raises Failed: If the outcome is neither right nor one plain error, which says that a change
        may have happened where one was sent and the server has not refused it.
    """
    usual: object = None
    with tapped(driver) as tap:
        try:
            usual = summary(call())
        except DriverError as error:
            if not is_refused:
                raise NotApplicable(f"The call fails without a fault: {error}") from None
    exchanges = tap.logins if is_login else tap.exchanges
    if is_change and all(request.reads for request, _ in exchanges):
        raise Failed("The call returns, and no change was sent.")
    count = 0
    with instant_sleep(), log_level(logging.CRITICAL):
        for number, fault in _plan(exchanges):
            trial = Trial(driver, exchanges, number, fault, is_login)
            if reason := trial.judge(call, usual):
                request = exchanges[number][0]
                raise Failed(f"{fault.name} of {request.method} {request.path}: {reason}")
            count += trial.hit
    if not count:
        return "No request was sent."
    return f"{count} faulty responses led to a right result or a plain error."


@contextmanager
def log_level(level: int, *handlers: logging.Handler) -> Iterator[None]:
    """Let the package log what has a level, to further handlers as well."""
    logger = logging.getLogger("slipstream")
    before, handlers_before = logger.level, logger.handlers
    logger.handlers = [*handlers_before, *handlers]
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.handlers = handlers_before


def _plan(exchanges: Exchanges) -> Iterator[tuple[int, Fault]]:
    """The faults to try, and the number of the exchange that has each."""
    changes = [n for n, (request, _) in enumerate(exchanges) if not request.reads]
    reads = [n for n, (request, _) in enumerate(exchanges) if request.reads]
    for number in dict.fromkeys([*changes[:2], *reads[:1], *reads[-1:]]):
        for fault in [*RESPONSE_FAULTS, *_FAILURES]:
            yield number, fault
    some = [*changes, *reads][:MOST_RESPONSES]
    for number in some:
        for fault in field_faults(_reply(exchanges[number][1]), MOST_FIELDS // len(some)):
            yield number, fault


def _reply(response: Response) -> Reply:
    return Reply(response.status, tuple(response.headers.items()), response.body)


def _response(reply: Reply, url: str) -> Response:
    headers = CaseInsensitiveDict(reply.headers)
    return Response(status=reply.status, headers=headers, body=reply.body, url=url)


def summary(value: object) -> object:
    """The compared part of a result."""
    if isinstance(value, list | tuple):
        return [summary(item) for item in value]
    if isinstance(value, dict):
        return {key: summary(item) for key, item in value.items()}
    return (type(value), getattr(value, "id", None), getattr(value, "name", None) or str(value))
