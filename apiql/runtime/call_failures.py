"""The failures of calls that yielded no answer, and the warnings of what stands in for one."""

from __future__ import annotations

from dataclasses import replace

from apiql.errors import CallFailed, Code, Failure
from apiql.ir.policy import Within, time_text
from apiql.runtime.inputs import duration_of
from apiql.runtime.outcome import Failed
from apiql.runtime.reading import request_text
from apiql.runtime.run import Run
from apiql.runtime.step import Step
from apiql.sources.call import Call, Reply
from apiql.sources.limits import Unreached

TIMED_OUT = frozenset({Code.UPSTREAM_TIMEOUT, Code.QUERY_TIMEOUT})
REFUSED = frozenset({Code.CIRCUIT_OPEN, Code.UPSTREAM_BUSY})
NOT_IN_TIME = REFUSED | {Code.UPSTREAM_TIMEOUT}
_EARLY = 0.001


def failed_call(step: Step, call: Call, failed: CallFailed, run: Run) -> Failed:
    """The outcome of a call that yielded no answer."""
    return Failed(call_failure(step, call, failed, run), unsent=isinstance(failed, Unreached))


def call_failure(step: Step, call: Call, failed: CallFailed, run: Run) -> Failure:
    """The failure of a call that yielded no answer."""
    code, message = failed.code, f"failed: {failed.message}"
    if code is Code.BUDGET_EXCEEDED:
        return Failure(code, f"not called: {failed.message}", hint=failed.hint)
    if code in REFUSED:
        message = failed.message
    if code is Code.UPSTREAM_TIMEOUT:
        if run.clock() >= run.deadline - _EARLY:
            code, message = Code.QUERY_TIMEOUT, "had not answered when the query's time was over"
        else:
            message = f"did not answer in {time_text(allowed(step, run))} ({failed.message})"
    timed_out = code in TIMED_OUT
    return Failure(
        code, message, hint=failed.hint, wait=failed.wait,
        retryable=failed.retryable or (timed_out and step.is_read),
        upstream={"service": step.service}, request=request_text(call),
        warning=timed_out and step.on_timeout == "warning",
        fatal=timed_out and step.on_timeout == "required",
    )  # fmt: skip


def allowed(step: Step, run: Run) -> float:
    """The seconds that a task's call may take."""
    usual, within = run.time_of(step), step.policy.within
    if step.retry is not None and step.retry.each is not None:
        usual = min(usual, step.retry.each)
    return usual if within is None else min(usual, duration_of(within.time, run.scope.params))


def is_late(failure: Failure) -> bool:
    """Whether a latency budget can be what ended the call, or cannot be kept at all."""
    return failure.code in NOT_IN_TIME


def kept_waiting(step: Step, within: Within, run: Run) -> Failure:
    """The failure of a call whose turn never came in its time."""
    time = time_text(duration_of(within.time, run.scope.params))
    message = f"was not called within {time}: the query's other calls took all that time"
    return Failure(Code.UPSTREAM_TIMEOUT, message, retryable=step.is_read)


def late(step: Step, failure: Failure, run: Run) -> Failure:
    """The warning that a substitute stands in."""
    if failure.code in REFUSED:
        return replace(
            failure, message=f"{failure.message}: the substitute stands in", warning=True
        )
    message = f"had not answered within {time_text(allowed(step, run))}: the substitute stands in"
    return Failure(Code.UPSTREAM_TIMEOUT, message, retryable=step.is_read, warning=True,
                   upstream={"service": step.service})  # fmt: skip


def stale(step: Step, reply: Reply, run: Run) -> Failure:
    """The warning that an earlier answer stands in."""
    assert step.policy.within is not None
    time = time_text(duration_of(step.policy.within.time, run.scope.params))
    message = f"had not answered within {time}: its answer of {reply.age or 0:.0f}s ago stands in"
    return Failure(Code.UPSTREAM_TIMEOUT, message, retryable=step.is_read, warning=True,
                   upstream={"service": step.service})  # fmt: skip
