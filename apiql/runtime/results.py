"""References to results: how a path finds its value in the outcome of a task."""

from __future__ import annotations

from typing import Any

from apiql.errors import Code
from apiql.ir.values import (
    FailureRoot,
    LocalRoot,
    OutputRoot,
    ParamRoot,
    Part,
    Ref,
    ReplyRoot,
    RowRoot,
)
from apiql.runtime import walk
from apiql.runtime.cells import filled
from apiql.runtime.outcome import (
    MISSING,
    Done,
    Failed,
    LeftOut,
    NotAsked,
    Outcome,
    Several,
    Skipped,
    unmet,
)
from apiql.runtime.scope import Evaluate, Scope
from apiql.sources.call import Headers

LENIENT = RowRoot | OutputRoot | LocalRoot | ReplyRoot | FailureRoot
"""Where there is null for what is missing."""


def body_reader(ref: Ref, task: str, number: int) -> Evaluate:
    """What a path finds in the body; `number` is the path's in the task's reads."""

    def evaluate(scope: Scope) -> Any:
        outcome = scope.outcomes[task]
        if isinstance(outcome, Done):
            return outcome.reads[number]
        if ref.optional:
            return MISSING
        raise _failed_dependency(ref, task, outcome)

    return evaluate


def reply_reader(ref: Ref, task: str, names: tuple[str, ...]) -> Evaluate:
    """`$status` and `$headers`: there whenever the upstream answered, with whatever status."""

    def evaluate(scope: Scope) -> Any:
        outcome = scope.outcomes[task]
        several = outcome if isinstance(outcome, Several) else getattr(outcome, "several", None)
        if several is not None:
            leaves = [_part(ref, names, status, headers) for status, headers in several.replies]
            found = filled(several.nest, leaves, lambda gap: MISSING)
            return walk.without_missing(found)
        status = None if isinstance(outcome, Skipped | LeftOut) else outcome.status
        if not isinstance(outcome, Done | Failed) or status is None:
            if ref.optional or scope.members is not None:
                return MISSING
            raise _failed_dependency(ref, task, outcome)
        return _part(ref, names, status, outcome.headers)

    return evaluate


def own_reader(
    root: LocalRoot | FailureRoot | ReplyRoot, part: Part, names: tuple[str, ...]
) -> Evaluate:
    """What a task of a definition sees of its own: local values, what its work came to."""
    match root:
        case LocalRoot(name):
            if not names:
                return lambda scope: scope.locals[name]
            return lambda scope: walk.by_names(scope.locals[name], names)
        case FailureRoot():
            return lambda scope: walk.by_names(scope.failure, names)
        case ReplyRoot():
            return _own_reply_reader(part, names)


def _own_reply_reader(part: Part, names: tuple[str, ...]) -> Evaluate:
    if part is Part.WHOLE:
        return lambda scope: scope.reply

    def evaluate(scope: Scope) -> Any:
        found = scope.reply
        assert found is not None
        if part is Part.BODY:
            return walk.by_names(found.value, names)
        if part is Part.STATUS:
            return found.status
        return walk.by_names(_header_object(found.headers), names)

    return evaluate


def _part(ref: Ref, names: tuple[str, ...], status: int | None, headers: Headers) -> Any:
    if status is None:
        return MISSING
    return status if ref.part is Part.STATUS else walk.by_names(_header_object(headers), names)


def _header_object(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _failed_dependency(ref: Ref, task: str, outcome: Outcome) -> Exception:
    if isinstance(outcome, LeftOut):
        return NotAsked()
    if isinstance(outcome, Done):
        return unmet(Code.MISSING_DEPENDENCY, f"not called: {ref} is missing: nothing answered")
    cause = outcome.failure
    root = cause.cause or task
    message = f"not called: it reads {ref}, and {root} failed ({cause.root or cause.code})"
    return unmet(Code.DEPENDENCY_FAILED, message, cause, task)


def complaint(ref: Ref) -> Evaluate:
    """What happens where a reference finds nothing; in `return` there is null."""
    if ref.optional or isinstance(ref.root, LENIENT):
        return (lambda scope: MISSING) if ref.optional else (lambda scope: None)
    from_caller = isinstance(ref.root, ParamRoot)
    code = Code.MISSING_VARIABLE if from_caller else Code.MISSING_DEPENDENCY
    message = f"{ref} is missing" if from_caller else f"not called: {ref} is missing"

    def complain(scope: Scope) -> Any:
        if scope.members is not None and not from_caller:
            return None
        raise unmet(code, message)

    return complain
