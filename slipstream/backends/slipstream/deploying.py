"""
Deploying: one form to ``POST /run``, after everything that can be checked has been.

Source: SlipStreamServer, run/RunListResource.java, util/RequestUtil.java, factory/*.java.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from slipstream.backends.slipstream import runs
from slipstream.backends.slipstream.form import fields
from slipstream.backends.slipstream.modules import read
from slipstream.backends.slipstream.paths import run_id, segments
from slipstream.backends.slipstream.profile import XML
from slipstream.backends.slipstream.ssh_keys import Lock, ensure_key
from slipstream.errors import (
    AnswerLost,
    BadInput,
    DriverError,
    MalformedAnswer,
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


def deploy(session: Session, lock: Lock, request: DeploymentRequest) -> Deployment:
    """
    Check the request against the module, send it once, and read the new run.

    Once the server has accepted, the run exists: when it cannot be read, what is known of it is
    returned rather than an error that would lose it.
    """
    module = read(session, request.module_id)
    if module.kind is ModuleKind.PROJECT:
        raise BadInput(
            f"{module.path} is a project; only components and applications can be deployed.",
            hint=f"See list_images(ex_path={module.path!r}).",
        )
    form = fields(request, module, lambda: inherited_parameters(session, module))
    if request.ssh_key is not None:
        ensure_key(session, lock, request.ssh_key)
    answer = _post(session, request, form)
    run = _created(session, answer)
    try:
        return runs.read(session, run)
    except DriverError as error:
        log.warning("deployment %s was created but cannot be read yet: %s", run, error)
        return Deployment(
            id=run,
            name=request.name,
            tags=request.tags,
            module_id=module.id,
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
    doing = f"deploy {shorten(request.module_id)}"
    try:
        answer = session.send(post, doing=doing, allow={409})
    except AnswerLost as error:
        raise type(error)(
            f"Cannot {doing}: {error.summary}",
            endpoint=session.endpoint.url,
            hint="It may have been deployed all the same and was not sent again. Look for it"
            " with list_nodes() before you try once more.",
        ) from error
    if answer.status == 409:
        raise session.refusal(answer, doing=doing, hint=_hint(answer))
    return answer


def _hint(answer: Response) -> str | None:
    if "public key" in answer.text:
        return "Add a key with import_key_pair_from_file(), or leave ex_check_ssh_key out."
    if "uota" in answer.text:
        return "Terminate deployments that are not needed any more, or ask for a larger quota."
    return None


def _created(session: Session, answer: Response) -> str:
    location = urlsplit(answer.headers.get("Location", "")).path
    try:
        return run_id(location.rstrip("/").rpartition("/")[2])
    except BadInput:
        raise MalformedAnswer(
            f"The server answered {answer.status} to a deployment but does not name it.",
            endpoint=session.endpoint.url,
            hint="Look for it with list_nodes() before you try again.",
        ) from None


def inherited_parameters(session: Session, module: Module) -> Iterator[ModuleParameter]:
    """
    Read the parameters that a component has from those it is built on.

    :param session: The logged-in session.
    :param module: The component.
    """
    seen = {module.path}
    parent = module.parent_id
    while parent and "/".join(segments(parent, "the parent of a module")) not in seen:
        seen.add(parent)
        ancestor = read(session, parent)
        yield from ancestor.parameters
        parent = ancestor.parent_id
