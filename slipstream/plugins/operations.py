"""
The plugins in use, and the calls of a backend through those that wrap its operations.

What goes through is checked here: the type of a result, how often a wrapper yields, and which
plugin has failed. Nothing but exceptions of :mod:`slipstream.errors` comes out.
"""

from __future__ import annotations

import functools
import json
import traceback
import types
import typing
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import attrs
import pluggy

from slipstream import hookspecs
from slipstream.errors import (
    BadInput,
    DriverError,
    MalformedAnswer,
    PluginFailed,
    blame,
    can_be_shown,
)
from slipstream.hookspecs import OPERATIONS, PROJECT, Answered, Backend, EndpointKind, LoginMethod
from slipstream.plugins.loading import (
    ARGUMENTS,
    CONTEXT,
    DISABLE_VARIABLE,
    EVERY,
    PREFIX,
    Contribution,
    Contributions,
    PluginInfo,
    PluginWarning,
    Selection,
    find_plugins,
    load,
    plain,
    unmet_requirements,
)
from slipstream.session import Session
from slipstream.session.session import DryRunTransport
from slipstream.transport import calls
from slipstream.values import Deployment, DeploymentRequest
from slipstream.values.fields import Pages, Record, by_page

_LOOK = (
    "A change had been sent and may have been carried out: look with list_nodes() before you try"
    " again."
)

Failure = Callable[[str], DriverError]
"""Makes the exception that names who has failed, from what went wrong."""

_FROZEN: Mapping[type, Callable[[Any], Any]] = {list: tuple, dict: types.MappingProxyType}
"""What arguments become that a wrapper could change for those after it."""


def _read_result(name: str) -> tuple[Any, bool]:
    annotation = typing.get_type_hints(getattr(Backend, name))["return"]
    many = typing.get_origin(annotation) is Iterable
    return (typing.get_args(annotation)[0] if many else annotation), many


_PARAMETERS = {name: ARGUMENTS[PREFIX + name][len(CONTEXT) :] for name in OPERATIONS}
_RESULTS = {name: _read_result(name) for name in OPERATIONS}
"""The type that an operation returns, and whether it returns any number of them."""


class Plugins:
    """
    The plugins in use and their contributions; immutable.

    ``problems`` are sentences on what is wrong although no plugin is broken: a name to leave out
    that no plugin has, a requirement that is not met, a host that two kinds claim. Each is given
    as a :class:`~slipstream.plugins.PluginWarning` too.

    :param disabled: Names of third-party plugins or distributions to leave out; ``None``
        leaves it to the environment variable ``SLIPSTREAM_DISABLE_PLUGINS``.
    :param allowed: The only third-party plugins to load; ``None`` leaves it to
        ``SLIPSTREAM_LOAD_PLUGINS``.
    """

    def __init__(
        self, *, disabled: Iterable[str] | None = None, allowed: Iterable[str] | None = None
    ) -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(hookspecs)
        _specify(manager)
        selection = Selection(disabled, allowed)
        self._plugins: dict[str, PluginInfo] = {}
        contributions: list[Contribution[Any]] = []
        for info, find in find_plugins():
            reason = selection.refuses(info)
            if reason:
                self._plugins[info.key] = attrs.evolve(info, status="disabled", reason=reason)
            else:
                self._plugins[info.key], contributed = load(manager, info, find)
                contributions += contributed
        left_out = [info for info in self._plugins.values() if info.status != "active"]
        for info in left_out:
            if info.status == "broken":
                info.warn()
        methods = [c for c in contributions if isinstance(c.record, LoginMethod)]
        kinds = [c for c in contributions if isinstance(c.record, EndpointKind)]
        self.login_methods = Contributions[LoginMethod]("login method", methods, left_out)
        self.endpoint_kinds = Contributions[EndpointKind]("kind of endpoint", kinds, left_out)
        self.problems = (
            *selection.unmatched(self._plugins.values()),
            *unmet_requirements(self._plugins.values()),
            *_disputed_hosts(self.endpoint_kinds),
        )
        for problem in self.problems:
            warnings.warn(problem, PluginWarning, stacklevel=calls.stacklevel())
        self._manager = manager
        self._hooks, self._hooks_of_dry_runs = (
            _operation_hooks(manager, self._plugins, dry_run=dry_run) for dry_run in (False, True)
        )

    def list_plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was found, in use or not."""
        return tuple(self._plugins.values())

    def wrappers(self, hook: str) -> list[PluginInfo]:
        """
        The plugins that wrap a hook, the outermost first.

        :param hook: The hook's name.
        """
        # pluggy calls the last one first.
        implementations = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return [self._plugins[implementation.plugin_name] for implementation in implementations]

    def address_of(self, kind: str) -> str | None:
        """
        The default address of a kind of endpoint.

        :param kind: The name of the kind.
        :returns: The URL, ``None`` if it brings none.
        :raises UnknownName: If there is no such kind.
        """
        endpoint = self.endpoint_kinds.get(kind).endpoint
        return None if endpoint is None else endpoint.url

    def operations(self, session: Session, refusals: list[DriverError] | None = None) -> Backend:
        """Make the operations of a session: its backend, wrapped by plugins."""
        backend = session.kind.backend
        providers = [c.plugin for c in self.endpoint_kinds if c.record.backend is backend]
        # The kind of a plugin may have the backend of another one.
        provider = next((plugin for plugin in providers if plugin.built_in), providers[0])
        hooks = self._hooks if refusals is None else self._hooks_of_dry_runs
        return cast(Backend, Operations(session, provider, hooks, refusals))


@functools.cache
def default_plugins() -> Plugins:
    """The plugins of the environment, loaded on the first call and cached."""
    return Plugins()


def _disputed_hosts(kinds: Contributions[EndpointKind]) -> Iterator[str]:
    for host in sorted({host for contribution in kinds for host in contribution.record.hosts}):
        try:
            kinds.choose(lambda c: host in c.record.hosts, f"the host {host}")  # noqa: B023
        except PluginFailed as error:
            yield error.summary


def _specify(manager: pluggy.PluginManager, *more: str) -> None:
    """Add the operations as hook specifications, with more arguments than a plugin may take."""
    specifications: Any = types.SimpleNamespace()
    for hook in (PREFIX + name for name in OPERATIONS):
        names = ", ".join((*ARGUMENTS[hook], *more))
        # pluggy reads the names of arguments from the code of a function.
        specification = eval(f"lambda {names}: None")  # noqa: S307 - of names in hookspecs
        setattr(specifications, hook, hookspecs.hookspec(firstresult=True)(specification))
    manager.add_hookspecs(specifications)


def _operation_hooks(
    loaded: pluggy.PluginManager, plugins: Mapping[str, PluginInfo], *, dry_run: bool
) -> pluggy.HookRelay:
    """
    Make the hooks of the operations, which take what every wrapper takes.

    :param loaded: Has the wrappers of the plugins, in their order.
    :param plugins: The plugins, by the names that they are registered by.
    :param dry_run: Whether to leave out the wrappers that do not take ``dry_run``.
    """
    manager = pluggy.PluginManager(PROJECT)
    _specify(manager, "operation", "arguments")
    for name in OPERATIONS:
        for hook in (PREFIX + name, EVERY):
            for wrapper in getattr(loaded.hook, hook).get_hookimpls():
                if "dry_run" in wrapper.argnames or not dry_run:
                    guard = _guard(name, hook, wrapper.function, plugins[wrapper.plugin_name])
                    manager.register(types.SimpleNamespace(**{PREFIX + name: guard}))
    return manager.hook


def _guard(
    name: str, hook: str, function: Callable[..., Generator[None, Any, Any]], plugin: PluginInfo
) -> Callable[..., Generator[None, Any, Any]]:
    """Make a wrapper of an operation that runs the one of a plugin, and reports its faults."""
    failure = functools.partial(_failure, f"The plugin {plugin.name!r}", plugin, hook)

    @hookspecs.hookimpl(wrapper=True)
    @functools.wraps(function)
    def guarded(*args: Any) -> Generator[None, Any, Any]:
        changes_before = calls.current().changes
        result, error = None, None
        try:
            generator = function(*args)
            next(generator)
        except StopIteration:
            raise failure("it did not yield") from None
        except Answered as answered:
            raise Answered(_check(name, answered.result, failure)) from None
        except BaseException as raised:  # noqa: BLE001 - of a plugin
            _blame_wrapper(raised, failure)
        try:
            result = yield
        except Answered as answered:
            result = answered.result
        except BaseException as raised:  # noqa: BLE001 - handed to the wrapper
            error = raised
        returned = _resume(generator, result, error, failure, changes_before)
        if returned is None or returned is not result:
            return _check(name, returned, failure)
        if isinstance(result, Pages) and result.begun:
            # What it has read is not there any more.
            raise failure(
                "it has read from the list that it returns; let it return list(...) of it"
            )
        return result

    return guarded


def _resume(
    generator: Generator[None, Any, Any],
    result: Any,
    error: BaseException | None,
    failure: Failure,
    changes_before: int,
) -> Any:
    """Resume a plugin's wrapper with the result or the error of its yield."""
    try:
        if error is None:
            generator.send(result)
        else:
            generator.throw(error)
    except StopIteration as stop:
        return stop.value
    except BaseException as raised:
        if raised is error:
            raise
        is_late = error is None and calls.current().changes > changes_before
        if is_late and isinstance(raised, DriverError) and can_be_shown(raised):
            # A refusal says that nothing was done, which is not true any more.
            what = f"it refused an operation that was done already: {raised.summary}"
            raise failure(what) from raised
        _blame_wrapper(raised, failure)
    raise failure("it yielded twice")


def _blame_wrapper(error: BaseException, failure: Failure) -> NoReturn:
    """Raise an exception again if it is of the backend, which a wrapper may call."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if any(isinstance(frame.f_locals.get("self"), Backend) for frame in frames):
        raise error
    blame(error, failure)


class Operations:
    """
    The operations of one session, to be called like the methods of its backend.

    :param provider: The plugin that brings the backend.
    :param refusals: Where to collect what would be refused, if the session is a dry run.
    """

    def __init__(
        self,
        session: Session,
        provider: PluginInfo,
        hooks: pluggy.HookRelay,
        refusals: list[DriverError] | None = None,
    ) -> None:
        self._session, self._backend = session, cast(Backend, session.backend)
        self._provider, self._hooks, self._refusals = provider, hooks, refusals
        is_dry_run = refusals is not None
        self._context = {"session": session, "backend": self._backend, "dry_run": is_dry_run}
        for name in OPERATIONS.keys() - vars(type(self)):
            setattr(self, name, functools.partial(self._call, name))

    def __getattr__(self, name: str) -> Any:
        """Another attribute of the backend."""
        attribute = getattr(self._backend, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any) -> Any:
            with self._blaming(f"{name}()"):
                return attribute(*args)

        return call

    def get_deployments(self, deployment_ids: Sequence[str]) -> list[Deployment]:
        """See :meth:`Backend.get_deployments`; none may be left out, and none be another."""
        deployments = list(self._call("get_deployments", tuple(deployment_ids)))
        if len(deployments) != len(deployment_ids):
            count = f"it returned {len(deployments)} deployments for {len(deployment_ids)} ids"
            raise self._failed(f"{PREFIX}get_deployments", count)
        for deployment, deployment_id in zip(deployments, deployment_ids, strict=True):
            _check_id(deployment, deployment_id)
        return deployments

    def deploy(self, request: DeploymentRequest) -> Any:
        """
        See :meth:`Backend.deploy`.

        A key that the backend would ignore is refused here. Inputs that decide something else
        get their role before any wrapper sees them, so that none can be got round by a name.
        """
        backend = self._backend
        if request.ssh_key is not None and not backend.takes_ssh_keys:
            raise BadInput(
                f"{self._session.kind.name} endpoints do not put SSH keys into deployments, and"
                " accept no auth.",
                hint="Leave it out, and log in with a key of the image itself.",
            )
        self._session.hide(*request.secrets)
        with self._blaming("location_name()"):
            request = request.with_roles(backend.parameter_roles, backend.location_name)
        if self._refusals is not None:
            self._collect_refusals(request, self._refusals)
        return self._call("deploy", request)

    def _collect_refusals(self, request: DeploymentRequest, refusals: list[DriverError]) -> None:
        transport = cast(DryRunTransport, self._session.transport)
        # The call itself would not send these requests.
        with transport.not_collecting(), self._blaming("preflight()"):
            try:
                for refusal in self._backend.preflight(request):
                    if not isinstance(refusal, DriverError):
                        raise TypeError
                    refusals.append(refusal)
            except DriverError as error:
                refusals.append(error)

    def _call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call the hook of an operation, which nothing but the backend's method answers."""
        arguments = dict(zip(_PARAMETERS[name], args, strict=False)) | kwargs
        for argument, value in arguments.items():
            if type(value) in _FROZEN:
                arguments[argument] = _FROZEN[type(value)](value)
        context = {**self._context, "operation": OPERATIONS[name]}
        context["arguments"] = types.MappingProxyType(arguments)
        method = getattr(self._backend, name)
        failure = functools.partial(self._failed, PREFIX + name)

        @functools.wraps(method)  # pluggy passes the arguments that it has
        def answer(*args: Any, **kwargs: Any) -> Any:
            before = calls.current().changes
            try:
                result = method(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - of a plugin
                if OPERATIONS[name].changes and calls.current().changes > before:
                    _leave_open(error)
                blame(error, failure)
            result = _check(name, result, failure, foreign=not self._provider.built_in)
            if name == "get_deployment":
                _check_id(result, args[0])
            return result

        hook: pluggy.HookCaller = getattr(self._hooks, PREFIX + name)
        try:
            return hook.call_extra([answer], context | arguments)
        except Answered as answered:
            return answered.result
        except BaseException as error:  # noqa: BLE001 - of a plugin
            blame(error, functools.partial(self._failed, "what a wrapper calls"))

    def _failed(self, where: str, what: str) -> DriverError:
        """Make the exception for a fault of the backend."""
        subject = f"The backend of {self._session.kind.name} endpoints"
        return _failure(subject, self._provider, where, what)

    @contextmanager
    def _blaming(self, where: str) -> Iterator[None]:
        """Raise exceptions that are not ours as failures of the backend."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - of a plugin
            blame(error, functools.partial(self._failed, where))


def _check(name: str, result: Any, failure: Failure, *, foreign: bool = False) -> Any:
    """Check the type of a result, and of each item of a list when it is read."""
    expected, many = _RESULTS[name]
    if type(result) is expected and not (many or foreign):
        return result  # it has checked its fields
    if many:
        if isinstance(result, Iterable) and not isinstance(result, str | bytes | Mapping):
            return Pages(_check_each(expected, result, failure, foreign=foreign))
    elif _fits(expected, result):
        is_record = isinstance(result, Record)
        return _plain(expected, result, failure, foreign=foreign) if is_record else result
    what = str(expected) if typing.get_args(expected) else expected.__name__
    returned = "nothing" if result is None else type(result).__name__
    raise failure(f"it returned {returned}, not {'an iterable of ' if many else ''}{what}")


def _check_each(
    expected: type, results: Iterable[Any], failure: Failure, *, foreign: bool
) -> Iterator[Sequence[Any]]:
    pages = by_page(results)
    while True:
        try:
            page = next(pages)
        except StopIteration:
            return
        except BaseException as error:  # noqa: BLE001 - of a plugin
            blame(error, failure)
        if foreign or not {expected}.issuperset(map(type, page)):
            page = [_plain(expected, result, failure, foreign=foreign) for result in page]
        yield page


def _plain(expected: type, result: Any, failure: Failure, *, foreign: bool) -> Any:
    """
    Check a record of a backend.

    The class of one that is derived from ours may compute its fields: they are read here, once.
    ``raw`` of a plugin's record becomes a part of ``extra``, which can be written as JSON.
    """
    if not isinstance(result, expected):
        raise failure(f"it returned {type(result).__name__}, not {expected.__name__}")
    try:
        result = plain(expected, result)
    except BaseException as error:  # noqa: BLE001 - of a plugin
        blame(error, failure)
    if foreign:
        try:
            json.dumps(dict(getattr(result, "raw", ())))
        except (TypeError, ValueError, RecursionError):
            what = f"it returned a {expected.__name__} whose raw cannot be written as JSON"
            raise failure(what) from None
    return result


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


def _check_id(deployment: Deployment, deployment_id: str) -> None:
    # An id may be given without its collection, and a UUID in capitals.
    first, second = (text.rpartition("/")[2].lower() for text in (deployment.id, deployment_id))
    if first != second:
        raise MalformedAnswer(
            f"Cannot read deployment {deployment_id}: the response is about another one."
        )


def _leave_open(error: BaseException) -> None:
    """Set ``may_have_happened``, unless the backend has set it."""
    if not isinstance(error, DriverError) or "may_have_happened" in vars(error):
        return
    if not error.may_have_happened:
        error.may_have_happened = True
        error.hint = error.hint or _LOOK


def _failure(subject: str, info: PluginInfo, hook: str, what: str) -> DriverError:
    hint = f"Set {DISABLE_VARIABLE}={info.name} to switch it off."
    error: DriverError = PluginFailed(
        f"{subject}, by {info.source}, failed in {hook}: {what}.", hint=hint
    )
    if info.built_in:
        # Only an unforeseen response can have led to it.
        error = MalformedAnswer(f"A response is not understood: {hook} failed with {what}.")
    if calls.current().changes:
        error.may_have_happened, error.hint = True, _LOOK
    return error
