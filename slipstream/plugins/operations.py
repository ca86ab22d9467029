"""
Call a backend through the plugins that wrap its operations.

Each session has a plugin manager of its own, in which its backend is the only one that answers.
What goes through is checked here: the type of a result, how often a wrapper yields, and which
plugin has failed. Nothing but exceptions of :mod:`slipstream.errors` comes out.
"""

from __future__ import annotations

import functools
import inspect
import json
import traceback
import types
import typing
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn, cast

import pluggy

from slipstream import hookspecs
from slipstream.errors import (
    BadInput,
    DriverError,
    MalformedAnswer,
    PluginFailed,
    can_be_shown,
    describe_kind,
    raise_failure,
)
from slipstream.hookspecs import OPERATIONS, PROJECT, Answered, Backend
from slipstream.plugins.loading import DISABLE_VARIABLE, PluginInfo, plain
from slipstream.session import Session
from slipstream.session.session import DryRunTransport
from slipstream.transport import call_context
from slipstream.values import Deployment, DeploymentRequest
from slipstream.values.fields import Record
from slipstream.values.pages import Pages, by_page

PREFIX = f"{PROJECT}_"
EVERY = f"{PREFIX}operation"
_LOOK = (
    "A change had been sent and may have been carried out: look with list_nodes() before you try"
    " again."
)

Failure = Callable[[str], DriverError]
"""Makes the exception that names who has failed, from what went wrong."""

_CONTEXT = ("session", "backend", "dry_run")
"""What every hook of an operation is given beside the operation's own arguments."""

WRAPPABLE = frozenset({EVERY, *(PREFIX + name for name in OPERATIONS)})
"""The hooks that plugins may wrap and not answer."""


class _Signature(NamedTuple):
    """The parameters and the result of an operation, from :class:`Backend`."""

    parameters: tuple[str, ...]
    result: Any
    many: bool


def _read_signature(name: str) -> _Signature:
    method = getattr(Backend, name)
    annotation = typing.get_type_hints(method)["return"]
    many = typing.get_origin(annotation) is Iterable
    result = typing.get_args(annotation)[0] if many else annotation
    return _Signature(tuple(inspect.signature(method).parameters)[1:], result, many)


_SIGNATURES = {name: _read_signature(name) for name in OPERATIONS}


@functools.cache
def specifications() -> Any:
    """The operations as pluggy's hook specifications: their arguments after the session."""
    namespace = types.SimpleNamespace()
    for name, signature in _SIGNATURES.items():
        names = ", ".join((*_CONTEXT, *signature.parameters))
        # pluggy reads the names of arguments from the code of a function.
        specification = eval(f"lambda {names}: None")  # noqa: S307 - of names in hookspecs
        setattr(namespace, PREFIX + name, hookspecs.hookspec(firstresult=True)(specification))
    return namespace


class Operations:
    """
    The operations of one session, to be called like the methods of its backend.

    :param session: The session.
    :param provider: The plugin that brings the backend.
    :param wrappers: The plugins in use that wrap operations.
    :param refusals: Where to collect what would be refused, if the session is a dry run; wrappers
        that do not take ``dry_run`` are left out then.
    """

    def __init__(
        self,
        session: Session,
        provider: PluginInfo,
        wrappers: Iterable[tuple[PluginInfo, pluggy.HookImpl, str]],
        refusals: list[DriverError] | None = None,
    ) -> None:
        self._session, self._provider, self._refusals = session, provider, refusals
        self._who = f"The backend of {session.kind.name} endpoints, by {provider.source},"
        self._context = {
            "session": session,
            "backend": session.backend,
            "dry_run": refusals is not None,
        }
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._manager.add_hookspecs(specifications())
        for name in OPERATIONS.keys() - vars(type(self)):
            setattr(self, name, functools.partial(self._call_by_position, name))
        answers = {PREFIX + name: self._answer(name) for name in OPERATIONS}
        self._manager.register(types.SimpleNamespace(**answers), name=provider.key)
        innermost = hookspecs.hookimpl(
            lambda operation, arguments: self._call(operation.name, arguments, wrapped=True)
        )
        self._manager.register(types.SimpleNamespace(slipstream_operation=innermost))
        self._wrapping_all: list[str] = []
        for info, implementation, hook in wrappers:
            if refusals is not None and "dry_run" not in implementation.argnames:
                continue
            if hook == EVERY:
                self._wrapping_all.append(info.name)
            backend_failure = self._backend_failure("what a wrapper calls")
            guard = _Guard(implementation, info, hook, session.backend, backend_failure)
            guarded = guard.implementation()
            self._manager.register(types.SimpleNamespace(**{hook: guarded}))

    def __getattr__(self, name: str) -> Any:
        """Another attribute of the backend."""
        attribute = getattr(self._session.backend, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any) -> Any:
            with _blaming(self._backend_failure(f"{name}()")):
                return attribute(*args)

        return call

    def _call_by_position(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        arguments = {**dict(zip(_SIGNATURES[name].parameters, args, strict=False)), **kwargs}
        return self._call(name, {key: _frozen(value) for key, value in arguments.items()})

    def get_deployments(self, deployment_ids: Sequence[str]) -> list[Deployment]:
        """See :meth:`Backend.get_deployments`; none may be left out, and none be another."""
        deployments = list(
            self._call("get_deployments", {"deployment_ids": tuple(deployment_ids)})
        )
        if len(deployments) != len(deployment_ids):
            count = f"it gave {len(deployments)} deployments for {len(deployment_ids)} ids"
            raise self._backend_failure(f"{PREFIX}get_deployments")(count)
        for deployment, deployment_id in zip(deployments, deployment_ids, strict=True):
            _check_id(deployment, deployment_id)
        return deployments

    def get_deployment(self, deployment_id: str) -> Deployment:
        """See :meth:`Backend.get_deployment`; it may be no other one."""
        deployment: Deployment = self._call("get_deployment", {"deployment_id": deployment_id})
        _check_id(deployment, deployment_id)
        return deployment

    def deploy(self, request: DeploymentRequest) -> Any:
        """
        See :meth:`Backend.deploy`.

        A key that the backend would not heed is refused here. Inputs that decide something else
        get their role before any wrapper sees them, so that none can be got round by a name.
        """
        backend = cast(Backend, self._session.backend)
        if request.ssh_key is not None and not backend.takes_ssh_keys:
            raise BadInput(
                f"{self._session.kind.name} endpoints put no SSH keys into what they deploy, and"
                " so take no auth.",
                hint="Leave it out, and log in with a key that the image itself lets in.",
            )
        self._session.hide(*request.secrets)
        with _blaming(self._backend_failure("location_name()")):
            request = request.with_roles(backend.parameter_roles, backend.location_name)
        if self._refusals is not None:
            self._collect_refusals(backend, request, self._refusals)
        return self._call("deploy", {"request": request})

    def _collect_refusals(
        self, backend: Backend, request: DeploymentRequest, refusals: list[DriverError]
    ) -> None:
        transport = cast(DryRunTransport, self._session.transport)
        # The call itself would not send these requests.
        with transport.not_collecting(), _blaming(self._backend_failure("preflight()")):
            try:
                for refusal in backend.preflight(request):
                    if not isinstance(refusal, DriverError):
                        raise TypeError
                    refusals.append(refusal)
            except DriverError as error:
                refusals.append(error)

    def _call(self, name: str, arguments: Mapping[str, Any], *, wrapped: bool = False) -> Any:
        """Call an operation, wrapped by ``slipstream_operation`` unless it is already."""
        to_wrap = self._wrapping_all and not wrapped
        hook = getattr(self._manager.hook, EVERY if to_wrap else PREFIX + name)
        if to_wrap:
            frozen = types.MappingProxyType(dict(arguments))
            arguments = {"operation": OPERATIONS[name], "arguments": frozen}
        try:
            result = hook(**self._context, **arguments)
        except Answered as answered:
            result = answered.result
        if to_wrap:
            who = f"A plugin that wraps every operation ({', '.join(self._wrapping_all)})"
            return _check(name, result, lambda what: _failure(who, EVERY, what))
        return result

    def _answer(self, name: str) -> Callable[..., Any]:
        """Make the hook implementation of a method of the backend, with a check of its result."""
        method = getattr(self._session.backend, name)
        failure = self._backend_failure(PREFIX + name)
        changes = OPERATIONS[name].changes

        @functools.wraps(method)
        def answer(*args: Any) -> Any:
            before = call_context.changes()
            try:
                result = method(*args)
            except BaseException as error:  # noqa: BLE001 - of a plugin
                if changes and isinstance(error, DriverError) and call_context.changes() > before:
                    _leave_open(error)
                _blame(error, failure)
            return _check(name, result, failure, foreign=not self._provider.built_in)

        return hookspecs.hookimpl(answer)

    def _backend_failure(self, where: str) -> Failure:
        return lambda what: _failure(self._who, where, what, self._provider)


def _check(name: str, result: Any, failure: Failure, *, foreign: bool = False) -> Any:
    """Check the type of a result, and of each item of a list when it is read."""
    signature = _SIGNATURES[name]
    is_list = isinstance(result, Iterable) and not isinstance(result, str | bytes | Mapping)
    if signature.many and is_list:
        return Pages(_check_each(signature.result, result, failure, foreign=foreign))
    if signature.many or not _fits(signature.result, result):
        hint = signature.result
        expected = str(hint) if typing.get_args(hint) else hint.__name__
        expected = f"an iterable of {expected}" if signature.many else expected
        raise failure(f"it returned {type(result).__name__}, not {expected}")
    if isinstance(result, Record):
        return _plain(signature.result, result, failure, foreign=foreign)
    return result


def _check_each(
    expected: type, results: Iterable[Any], failure: Failure, *, foreign: bool
) -> Iterator[Sequence[Any]]:
    with _blaming(failure):
        pages = by_page(results)
    while True:
        try:
            page = next(pages)
        except StopIteration:
            return
        except BaseException as error:  # noqa: BLE001 - of a plugin
            _blame(error, failure)
        if foreign or not {expected}.issuperset(map(type, page)):
            page = [_plain(expected, result, failure, foreign=foreign) for result in page]
        yield page


def _plain(expected: type, result: Any, failure: Failure, *, foreign: bool) -> Any:
    """
    Check a record of a backend.

    One of a class that is derived from ours may compute its fields: they are read here, once. What
    a plugin's backend has as ``raw`` becomes a part of ``extra``, which can be written as JSON.
    """
    if type(result) is not expected:
        if not isinstance(result, expected):
            raise failure(f"it gave {type(result).__name__}, not {expected.__name__}")
        with _blaming(failure):
            result = plain(expected, result)
    if foreign:
        try:
            json.dumps(dict(getattr(result, "raw", ())))
        except (TypeError, ValueError, RecursionError):
            what = f"it gave a {expected.__name__} whose raw cannot be written as JSON"
            raise failure(what) from None
    return result


def _frozen(argument: Any) -> Any:
    """A read-only copy of an argument."""
    if isinstance(argument, list):
        return tuple(argument)
    return types.MappingProxyType(dict(argument)) if isinstance(argument, dict) else argument


def _check_id(deployment: Deployment, deployment_id: str) -> None:
    # An id may be given without its collection, and a UUID in capitals.
    first, second = (text.rpartition("/")[2].lower() for text in (deployment.id, deployment_id))
    if first != second:
        raise MalformedAnswer(
            f"Cannot read deployment {deployment_id}: the response is about another one."
        )


def _fits(hint: Any, value: object) -> bool:
    """Whether a value has a type, with the items of dicts and lists."""
    if not isinstance(value, typing.get_origin(hint) or hint):
        return False
    items = [value.keys(), value.values()] if isinstance(value, dict) else [value]
    return all(
        _fits(item_hint, item)
        for item_hint, group in zip(typing.get_args(hint), items, strict=False)
        for item in cast(Iterable[Any], group)
    )


@contextmanager
def _blaming(failure: Failure) -> Iterator[None]:
    """Raise exceptions that are not ours as failures of a plugin."""
    try:
        yield
    except BaseException as error:  # noqa: BLE001 - of a plugin
        _blame(error, failure)


def _blame(error: BaseException, failure: Failure) -> NoReturn:
    """
    Raise an exception of ours again, and any other one as a failure of the plugin.

    The text of the exception is not quoted, since it could hold a secret; it is the cause.
    """
    if isinstance(error, KeyboardInterrupt) or (
        isinstance(error, DriverError) and can_be_shown(error)
    ):
        raise error
    raise_failure(failure(describe_kind(error)), error, cause=error)


def _leave_open(error: DriverError) -> None:
    """Set ``may_have_happened``, unless the backend has set it."""
    if "may_have_happened" not in vars(error) and not error.may_have_happened:
        error.may_have_happened = True
        error.hint = error.hint or _LOOK


def _failure(who: str, hook: str, what: str, info: PluginInfo | None = None) -> DriverError:
    changed = call_context.changes() > 0
    hint = None
    if changed:
        hint = _LOOK
    elif info is not None and not info.built_in:
        hint = f"Set {DISABLE_VARIABLE}={info.name} to switch it off."
    if info is not None and info.built_in:
        # Nothing but a response that nobody has foreseen can have led to it.
        error: DriverError = MalformedAnswer(
            f"A response is not understood: {hook} failed with {what}.", hint=hint
        )
    else:
        error = PluginFailed(f"{who} failed in {hook}: {what}.", hint=hint)
    error.may_have_happened = changed
    return error


def _is_used_up(result: Any) -> bool:
    """Whether entries of a lazy list have been read."""
    return isinstance(result, Pages) and result.begun


class _Guard:
    """Runs one wrapper of a hook, and reports its faults with the plugin's name."""

    def __init__(
        self,
        implementation: pluggy.HookImpl,
        info: PluginInfo,
        hook: str,
        backend: object,
        backend_failure: Failure,
    ) -> None:
        self._function, self._info, self._hook = implementation.function, info, hook
        self._backend, self._backend_failure = backend, backend_failure
        self._first, self._last = implementation.tryfirst, implementation.trylast

    def implementation(self) -> Callable[..., Any]:
        """Make the hook implementation to register instead of the wrapper."""

        @functools.wraps(self._function)
        def guarded(*args: Any) -> Generator[None, Any, Any]:
            before = call_context.changes()
            wrapper = self._begin(args)
            result, failure = None, None
            try:
                result = yield
            except Answered as answered:
                result = answered.result
            except BaseException as error:  # noqa: BLE001 - handed to the wrapper
                failure = error
            return self._finish(wrapper, result, failure, before)

        mark = hookspecs.hookimpl(wrapper=True, tryfirst=self._first, trylast=self._last)
        return mark(guarded)

    def _begin(self, args: tuple[Any, ...]) -> Generator[None, Any, Any]:
        try:
            wrapper = cast(Generator[None, Any, Any], self._function(*args))
            next(wrapper)
        except StopIteration:
            raise self._failed("it did not yield") from None
        except Answered as answered:
            raise Answered(self._check(answered.result)) from None
        except BaseException as error:  # noqa: BLE001 - of a plugin
            _blame(error, self._failure_of(error))
        return wrapper

    def _finish(
        self,
        wrapper: Generator[None, Any, Any],
        result: Any,
        failure: BaseException | None,
        changes_before: int,
    ) -> Any:
        try:
            if failure is None:
                wrapper.send(result)
            else:
                wrapper.throw(failure)
        except StopIteration as stop:
            if stop.value is result and _is_used_up(result):
                raise self._failed(
                    "it has read from the list that it returns; let it return list(...) of it"
                ) from None
            return self._check(stop.value)
        except BaseException as error:
            if error is failure or isinstance(error, KeyboardInterrupt):
                raise
            if not (isinstance(error, DriverError) and can_be_shown(error)):
                _blame(error, self._failure_of(error))
            if failure is None and call_context.changes() > changes_before:
                # A refusal says that nothing was done, which is not true any more.
                raise self._failed(f"it refused what was done already: {error.summary}") from error
            raise
        raise self._failed("it yielded twice")

    def _check(self, result: Any) -> Any:
        if result is None:
            raise self._failed("it returned nothing, not the result of its yield") from None
        if self._hook == EVERY:
            return result
        return _check(self._hook.removeprefix(PREFIX), result, self._failed)

    def _failure_of(self, error: BaseException) -> Failure:
        """The failure of the backend if the wrapper has called it, else of the plugin."""
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        called = any(frame.f_locals.get("self") is self._backend for frame in frames)
        return self._backend_failure if called else self._failed

    def _failed(self, what: str) -> DriverError:
        who = f"The plugin {self._info.name!r}, by {self._info.source},"
        return _failure(who, self._hook, what, self._info)
