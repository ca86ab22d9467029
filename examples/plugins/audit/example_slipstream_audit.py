"""Log what is changed, where, and whether it worked."""

from collections.abc import Generator
from logging import getLogger
from typing import Any

from slipstream import Operation, Session, hookimpl

log = getLogger(__name__)


@hookimpl(wrapper=True)
def slipstream_operation(session: Session, operation: Operation) -> Generator[None, Any, Any]:
    outcome = "failed"
    try:
        result = yield
        outcome = "done"
        return result
    finally:
        if operation.changes:
            log.info("%s on %s: %s", operation.name, session.endpoint, outcome)
