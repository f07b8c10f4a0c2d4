"""Order without data: what a task comes after must have been done, or left out."""

from __future__ import annotations

from apiql.errors import Code
from apiql.runtime.outcome import Failed, Skipped, unmet
from apiql.runtime.scope import Scope
from apiql.runtime.step import Step


def mind_order(step: Step, scope: Scope) -> None:
    """Looks at what the task comes after.

    Raises:
        Unmet: something of it failed.
    """
    for name in step.after:
        outcome = scope.outcomes[name]
        if isinstance(outcome, Failed | Skipped):
            cause = outcome.failure
            root = cause.cause or name
            message = f"not called: it comes after {name}, and {root} failed"
            message += f" ({cause.root or cause.code})"
            raise unmet(Code.DEPENDENCY_FAILED, message, cause, name)
