"""
Deploying: one form to ``POST /run``, after everything that can be checked has been.

Source: SlipStreamServer, run/RunListResource.java, util/RequestUtil.java, factory/*.java.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

from slipstream.backends import limits
from slipstream.backends.outcomes import unconfirmed
from slipstream.backends.slipstream import runs
from slipstream.backends.slipstream.form import check_lengths, fields
from slipstream.backends.slipstream.module_document import split_version
from slipstream.backends.slipstream.modules import read
from slipstream.backends.slipstream.paths import run_id
from slipstream.backends.slipstream.profile import XML
from slipstream.backends.slipstream.ssh_keys import Lock, ensure_key
from slipstream.errors import (
    AnswerLost,
    BadInput,
    DriverError,
    MalformedAnswer,
    RedirectRefused,
    shorten,
)
from slipstream.session import Session
from slipstream.session.dry_run import PLACEHOLDER, expect
from slipstream.transport.logs import get_logger
from slipstream.transport.messages import Request, Response
from slipstream.values import Deployment, Module, ModuleKind, ModuleParameter, Phase
from slipstream.values.deployment_request import DeploymentRequest

log = get_logger(__name__)

POST_TIMEOUT = 120.0
"""Seconds: the server checks quotas and placement before it answers."""

KEPT = 16
"""Components that are kept."""

_UNCLEAR = frozenset({408, 409, *range(500, 1000)})
_LOOK = (
    "It may have been deployed all the same and was not sent again. Look for it with list_nodes()"
    " before you try once more."
)


class ReadComponents:
    """
    The components that were read last, so that deploying one does not read it again.

    A version of a component never changes but for the clouds that it may run on. An application
    is not kept: what it holds of its components may be that of their latest versions.
    """

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}

    def keep(self, module: Module) -> Module:
        """Keep a module that was read, and return it."""
        if module.kind is ModuleKind.COMPONENT and module.version is not None:
            self._modules.pop(module.id, None)
            self._modules[module.id] = module
            for module_id in list(self._modules)[:-KEPT]:
                self._modules.pop(module_id, None)
        return module

    def get(self, module_id: str) -> Module | None:
        """Get the module of an id that names a version, if it is kept."""
        return self._modules.get(module_id)


def deploy(
    session: Session, lock: Lock, request: DeploymentRequest, components: ReadComponents
) -> Deployment:
    """
    Check the request against the module, send it once, and read the new run.

    A component that was read before can vouch for its own parameters; what it refuses is checked
    by what it says now.

    Once the server has accepted, the run exists: when it cannot be read, what is known of it is
    returned rather than an error that would lose it.
    """
    check_lengths(request)
    module = components.get(request.module_id)
    form = None
    if module is not None:
        with suppress(BadInput):
            form = fields(request, module, tuple)  # by its own parameters alone
    if module is None or form is None:
        module = components.keep(read(session, request.module_id))
        if module.kind is ModuleKind.PROJECT:
            raise BadInput(
                f"{module.path} is a project; only components and applications can be deployed.",
                hint=f"See list_images(ex_path={module.path!r}).",
            )
        form = fields(request, module, lambda: inherited_parameters(session, module))
    if request.ssh_key is not None:
        ensure_key(session, lock, request.ssh_key)
    run = _created(session, request, _post(session, request, form))
    try:
        return runs.read(session, run)
    except DriverError as error:
        log.warning("deployment %s was created but cannot be read yet: %s", run, error)
    except BaseException as error:
        error.add_note(f"Deployment {run} was created; destroy it if it is not needed.")
        raise
    return Deployment(
        id=run,
        name=request.name,
        tags=request.tags,
        module_id=module.id,
        module_name=module.name,
        phase=Phase.UNKNOWN,
        scalable=request.scalable,
    )


def _post(session: Session, request: DeploymentRequest, form: dict[str, str]) -> Response:
    post = Request(
        method="POST",
        path="/run",
        headers={**XML, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        read_timeout=max(POST_TIMEOUT, session.transport.settings.read_timeout),
        expects=expect(201, Location=f"/run/{PLACEHOLDER}"),
    )
    doing = _doing(request)
    try:
        response = session.send(post, doing=doing, allow=_UNCLEAR)
    except (AnswerLost, MalformedAnswer, RedirectRefused) as error:
        # A response that is too large, or names another address, tells no more than none.
        cls = type(error) if isinstance(error, AnswerLost) else AnswerLost
        raise cls(
            f"Cannot {doing}: {error.summary}", endpoint=session.endpoint.url, hint=_LOOK
        ) from error
    except DriverError:
        raise
    except BaseException as error:
        error.add_note(f"{request.module_id} may have been deployed: look with list_nodes().")
        raise
    if response.status == 409:
        raise session.refusal(response, doing=doing, hint=_hint(response))
    return response


def _doing(request: DeploymentRequest) -> str:
    return f"deploy {shorten(request.module_id)}"


def _hint(response: Response) -> str | None:
    if "public key" in response.text:
        return "Add a key with import_key_pair_from_file(), or leave ex_check_ssh_key out."
    if "uota" in response.text:
        return "Terminate deployments that are not needed any more, or ask for a larger quota."
    return None


def _created(session: Session, request: DeploymentRequest, response: Response) -> str:
    """Read the id of the new run; all but a 201 that names it leaves open what was done."""
    try:
        location = urlsplit(response.headers.get("Location", "")).path.rstrip("/").split("/")
        if response.status == 201 and location[-2:-1] == ["run"]:
            return run_id(location[-1])
    except ValueError:  # no URL, or no id
        pass
    raise unconfirmed(session, response, doing=_doing(request), hint=_LOOK)


def inherited_parameters(session: Session, module: Module) -> Iterator[ModuleParameter]:
    """
    Read the parameters that a component has from those it is built on.

    :param session: The logged-in session.
    :param module: The component.
    :raises MalformedAnswer: If there are more than any component is built on.
    """
    paths = {module.path}
    while module.parent_id is not None:
        path = split_version(module.parent_id.strip("/"))[0]
        if path in paths:
            return
        if len(paths) > limits.MAX_LEVELS:
            raise MalformedAnswer(
                f"The image is built on more than {limits.MAX_LEVELS} others, the last one"
                f" {shorten(path)}.",
                endpoint=session.endpoint.url,
            )
        paths.add(path)
        module = read(session, module.parent_id)
        yield from module.parameters
