"""
The one typed door to every hook.

Nothing outside this module calls a hook. Contributions are collected from one plugin after the
other, so that a broken one is left out, named in a warning, and stops no other. An operation
goes through every plugin that wraps it; an error of our own (:mod:`slipstream.errors`) raised
by a plugin is its answer, anything else is a fault of the plugin and is reported as such: the
operation is never carried out behind the back of a wrapper that failed.
"""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeVar

import attrs
import pluggy

from slipstream import hookspecs
from slipstream.errors import BadInput, DriverError, NotFound, NotSupported, PluginFailed
from slipstream.forking import PerProcess
from slipstream.hookspecs import PROJECT, SERVES
from slipstream.plugins.contributions import EndpointKind, LoginMethod
from slipstream.plugins.loading import DISABLE_VARIABLE, PluginInfo, Selection, load_all
from slipstream.plugins.named_contributions import Claim, Contributions
from slipstream.session import Session
from slipstream.values import (
    GONE,
    Connector,
    Deployment,
    DeploymentState,
    Module,
    Phase,
    RunParameter,
    ServiceOffer,
    VirtualMachine,
)
from slipstream.values.deployment_request import DeploymentRequest
from slipstream.values.ssh_key import SSHKey

C = TypeVar("C", LoginMethod, EndpointKind)


class Plugins:
    """
    The plugins in use and what they contribute; never changes once made.

    :param disabled: Names of third-party plugins or distributions to leave out; ``None``
        leaves it to the environment variable ``SLIPSTREAM_DISABLE_PLUGINS``.
    :param allowed: The only third-party plugins to load; ``None`` leaves it to
        ``SLIPSTREAM_LOAD_PLUGINS``.
    """

    def __init__(
        self, *, disabled: Iterable[str] | None = None, allowed: Iterable[str] | None = None
    ) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        infos = load_all(self._manager, Selection.choose(disabled, allowed))
        self._plugins = {info.key: info for info in infos}
        methods = list(self._collect("slipstream_login_methods", LoginMethod))
        kinds = list(self._collect("slipstream_endpoints", EndpointKind))
        broken = [info for info in self._plugins.values() if info.status == "broken"]
        for info in broken:
            info.warn()
        self.login_methods = Contributions("login method", self._alive(methods), broken)
        self.endpoint_kinds = Contributions("kind of endpoint", self._alive(kinds), broken)

    def list_plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was found, and what became of it."""
        return tuple(self._plugins.values())

    def answers(self, hook: str, kind: EndpointKind) -> bool:
        """
        Whether a plugin answers for a kind of endpoint; one that is not marked may answer for all.

        :param hook: The hook's name.
        :param kind: The kind of endpoint.
        """
        return any(
            getattr(implementation.function, SERVES, kind.backend.name) == kind.backend.name
            for implementation in getattr(self._manager.hook, hook).get_hookimpls()
            if not (implementation.wrapper or implementation.hookwrapper)
        )

    def _reason_against(self, hook: str, kind: EndpointKind) -> str | None:
        if self.answers(hook, kind):
            return None
        return kind.backend.cannot.get(hook.removeprefix(f"{PROJECT}_"))

    def _alive(self, claims: Iterable[Claim[C]]) -> list[Claim[C]]:
        return [claim for claim in claims if self._plugins[claim.plugin.key].status == "active"]

    def _collect(self, hook: str, record_type: type[C]) -> Iterator[Claim[C]]:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            info = self._plugins[implementation.plugin_name]
            try:
                for record in _checked(implementation.function(), record_type):
                    yield Claim(info, record)
            except Exception as error:
                if info.built_in:
                    raise
                self._plugins[info.key] = info.broken(f"calling its {hook}", error)
                self._manager.unregister(implementation.plugin)

    def _ask(self, hook: str, session: Session, **arguments: Any) -> Any:
        caller = getattr(self._manager.hook, hook)
        try:
            answer = caller(session=session, **arguments)
        except DriverError:
            raise
        except Exception as error:
            self._blame(caller, error)
            raise
        if answer is None:
            raise NotSupported(
                f"{session.kind.name} endpoints cannot {_words(hook)}.",
                endpoint=session.endpoint.url,
                hint=self._reason_against(hook, session.kind) or self._suspects(caller),
            )
        return answer

    def _ask_many(self, hook: str, session: Session, **arguments: Any) -> Iterator[Any]:
        answer = self._ask(hook, session, **arguments)
        try:
            yield from answer
        except DriverError:
            raise
        except Exception as error:
            self._blame(getattr(self._manager.hook, hook), error)
            raise

    def _suspects(self, caller: pluggy.HookCaller) -> str | None:
        """A wrapper that forgets to return what it was handed looks like no answer."""
        names = [
            self._plugins[implementation.plugin_name].name
            for implementation in caller.get_hookimpls()
            if implementation.wrapper or implementation.hookwrapper
        ]
        if not names:
            return None
        return f"Or an answer was not handed on by a plugin that wraps it: {', '.join(names)}."

    def _blame(self, caller: pluggy.HookCaller, error: Exception) -> None:
        """
        Raise an error that names the plugin, if it was a third-party one that failed.

        The innermost frame of any plugin tells which: a wrapper's own frame is on the way of
        every error that passes through it.
        """
        implementations = [
            (inspect.unwrap(implementation.function), self._plugins[implementation.plugin_name])
            for implementation in caller.get_hookimpls()
        ]
        culprit = None
        for frame, _ in traceback.walk_tb(error.__traceback__):
            culprit = _owner(frame, implementations) or culprit
        if culprit is not None and not culprit.built_in:
            raise PluginFailed(
                f"The plugin {culprit.name!r} of {culprit.source} failed in {caller.name}:"
                f" {type(error).__name__}: {error}.",
                hint=f"Set {DISABLE_VARIABLE}={culprit.name} to switch it off.",
            ) from error

    # The operations. What each does and raises is written at its hook in slipstream.hookspecs.

    def list_deployments(
        self, session: Session, *, active_only: bool, addresses: bool
    ) -> Iterator[Deployment]:
        """The hook ``slipstream_list_deployments``."""
        return self._ask_many(
            "slipstream_list_deployments", session, active_only=active_only, addresses=addresses
        )

    def get_deployment(self, session: Session, deployment_id: str) -> Deployment:
        """The hook ``slipstream_get_deployment``."""
        answer: Deployment = self._ask(
            "slipstream_get_deployment", session, deployment_id=deployment_id
        )
        return answer

    def get_deployments(
        self, session: Session, deployment_ids: Sequence[str]
    ) -> Iterator[Deployment]:
        """The hook ``slipstream_get_deployments``; one by one where nobody answers it."""
        hook = "slipstream_get_deployments"
        if not self.answers(hook, session.kind):
            return (self._maybe_gone(session, one) for one in deployment_ids)
        return self._ask_many(hook, session, deployment_ids=tuple(deployment_ids))

    def _maybe_gone(self, session: Session, deployment_id: str) -> Deployment:
        try:
            return self.get_deployment(session, deployment_id)
        except NotFound:
            return Deployment(id=deployment_id, state=GONE, phase=Phase.TERMINATED)

    def get_state(
        self, session: Session, deployment_id: str, wanted: frozenset[str]
    ) -> DeploymentState:
        """The hook ``slipstream_get_state``."""
        answer: DeploymentState = self._ask(
            "slipstream_get_state", session, deployment_id=deployment_id, wanted=wanted
        )
        return attrs.evolve(answer, deployment_id=deployment_id)

    def deploy(self, session: Session, request: DeploymentRequest) -> Deployment:
        """The hook ``slipstream_deploy``; a key that nobody would heed does not get that far."""
        if request.ssh_key is not None and not session.kind.backend.takes_ssh_keys:
            raise BadInput(
                f"{session.kind.name} endpoints put no SSH keys into what they deploy, and so"
                " cannot take auth.",
                hint="Leave it out, and log in with a key that the image itself lets in.",
            )
        session.hide(*request.secrets)
        told = request.with_roles(session.kind.backend.parameter_roles)
        answer: Deployment = self._ask("slipstream_deploy", session, request=told)
        return answer

    def terminate(self, session: Session, deployment_id: str) -> bool:
        """The hook ``slipstream_terminate``."""
        return bool(self._ask("slipstream_terminate", session, deployment_id=deployment_id))

    def start(self, session: Session, deployment_id: str) -> bool:
        """The hook ``slipstream_start_deployment``."""
        hook = "slipstream_start_deployment"
        return bool(self._ask(hook, session, deployment_id=deployment_id))

    def stop(self, session: Session, deployment_id: str) -> bool:
        """The hook ``slipstream_stop_deployment``."""
        hook = "slipstream_stop_deployment"
        return bool(self._ask(hook, session, deployment_id=deployment_id))

    def reboot(self, session: Session, deployment_id: str) -> bool:
        """The hook ``slipstream_reboot_deployment``."""
        hook = "slipstream_reboot_deployment"
        return bool(self._ask(hook, session, deployment_id=deployment_id))

    def update(self, session: Session, deployment_id: str) -> bool:
        """The hook ``slipstream_update_deployment``."""
        return bool(
            self._ask("slipstream_update_deployment", session, deployment_id=deployment_id)
        )

    def get_logs(
        self,
        session: Session,
        deployment_id: str,
        *,
        components: Iterable[str],
        lines: int,
        timeout: float,
    ) -> dict[str, list[str]]:
        """The hook ``slipstream_get_logs``."""
        answer: dict[str, list[str]] = self._ask(
            "slipstream_get_logs",
            session,
            deployment_id=deployment_id,
            components=components,
            lines=lines,
            timeout=timeout,
        )
        return answer

    def list_modules(
        self, session: Session, *, path: str | None, recurse: bool
    ) -> Iterator[Module]:
        """The hook ``slipstream_list_modules``."""
        return self._ask_many("slipstream_list_modules", session, path=path, recurse=recurse)

    def get_module(self, session: Session, module_id: str) -> Module:
        """The hook ``slipstream_get_module``."""
        answer: Module = self._ask("slipstream_get_module", session, module_id=module_id)
        return answer

    def delete_module(self, session: Session, module_id: str, *, all_versions: bool) -> bool:
        """The hook ``slipstream_delete_module``."""
        return bool(
            self._ask(
                "slipstream_delete_module",
                session,
                module_id=module_id,
                all_versions=all_versions,
            )
        )

    def list_service_offers(
        self, session: Session, *, connector: str | None
    ) -> Iterator[ServiceOffer]:
        """The hook ``slipstream_list_service_offers``."""
        return self._ask_many("slipstream_list_service_offers", session, connector=connector)

    def list_connectors(self, session: Session) -> Iterator[Connector]:
        """The hook ``slipstream_list_connectors``."""
        return self._ask_many("slipstream_list_connectors", session)

    def list_virtual_machines(
        self,
        session: Session,
        *,
        connector: str | None,
        deployment_id: str | None,
        known: Mapping[str, Any],
    ) -> Iterator[VirtualMachine]:
        """The hook ``slipstream_list_virtual_machines``."""
        return self._ask_many(
            "slipstream_list_virtual_machines",
            session,
            connector=connector,
            deployment_id=deployment_id,
            known=known,
        )

    def get_parameter(
        self, session: Session, deployment_id: str, name: str, *, ignore_abort: bool
    ) -> RunParameter:
        """The hook ``slipstream_get_parameter``."""
        answer: RunParameter = self._ask(
            "slipstream_get_parameter",
            session,
            deployment_id=deployment_id,
            name=name,
            ignore_abort=ignore_abort,
        )
        return answer

    def list_ssh_keys(self, session: Session) -> Iterator[SSHKey]:
        """The hook ``slipstream_list_ssh_keys``."""
        return self._ask_many("slipstream_list_ssh_keys", session)

    def add_ssh_key(self, session: Session, key: SSHKey) -> SSHKey:
        """The hook ``slipstream_add_ssh_key``."""
        answer: SSHKey = self._ask("slipstream_add_ssh_key", session, key=key)
        return answer

    def delete_ssh_key(self, session: Session, key: SSHKey) -> bool:
        """The hook ``slipstream_delete_ssh_key``."""
        return bool(self._ask("slipstream_delete_ssh_key", session, key=key))


_default: Plugins | None = None
_default_lock = PerProcess(threading.Lock)


def default_plugins() -> Plugins:
    """The plugins that the environment asks for, loaded on the first call and kept."""
    global _default  # noqa: PLW0603 - the one cache of the process
    with _default_lock.get():
        if _default is None:
            _default = Plugins()
        return _default


def _checked(records: Any, record_type: type[C]) -> Iterator[C]:
    for record in records:
        if not isinstance(record, record_type):
            raise PluginFailed(f"{record!r} is no {record_type.__name__}")
        yield record


def _owner(
    frame: FrameType, implementations: Iterable[tuple[Callable[..., Any], PluginInfo]]
) -> PluginInfo | None:
    """The plugin whose hook runs in a frame; else the one of whose module the frame's code is."""
    neighbour = None
    for function, info in implementations:
        if getattr(function, "__code__", None) is frame.f_code:
            return info
        if getattr(function, "__globals__", None) is frame.f_globals:
            neighbour = info
    return neighbour


def _words(hook: str) -> str:
    return hook.removeprefix(f"{PROJECT}_").replace("_", " ")
