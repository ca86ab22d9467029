"""Log what is changed, by whom, and whether it worked."""

from collections.abc import Generator
from logging import getLogger
from typing import Any

from slipstream import Operation, Session, hookimpl


@hookimpl(wrapper=True)
def slipstream_operation(session: Session, operation: Operation) -> Generator[None, Any, Any]:
    user, outcome = session.user_name, "failed"
    try:
        result = yield
        outcome = "done"
        return result
    finally:
        if operation.changes:
            getLogger(__name__).info("%s by %s: %s", operation.name, user, outcome)
