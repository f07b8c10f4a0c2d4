"""The layer in front of one host that makes no call while the host's circuit is open.

5xx answers count as failures, connections that fail or cannot be made, timeouts, and answers that
are no HTTP; a 4xx is an answer. A timeout counts only where the call had half of the upstream's
usual time: a query cannot close the way for others by giving its own calls too little.
"""

from __future__ import annotations

from collections.abc import Callable

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.circuit import Circuit, Verdict
from apiql.sources.refusals import Refused

EARLY = 0.005
FAILURES = frozenset({Code.UPSTREAM_CONNECT, Code.UPSTREAM_TIMEOUT, Code.BAD_PAYLOAD})
_WELL, _FAILED, _NOTHING = Verdict.WELL, Verdict.FAILED, Verdict.NOTHING

Moved = Callable[[Circuit], None]
"""Is told of every change of a circuit."""


def guarded(
    inner: Layer, circuit: Circuit, usual: float, moved: Moved, clock: Callable[[], float]
) -> Layer:
    """Wraps a layer so that a circuit decides which calls are made; `usual` is the time in seconds
    that one has where nobody says otherwise. The clock is that of the deadlines.
    """
    least = usual / 2

    async def layer(call: Call) -> Reply:
        began = clock()
        if not circuit.closed:
            _mind(circuit, began)
        epoch, verdict = circuit.epoch, _NOTHING
        try:
            reply = await inner(call)
            verdict = _WELL if reply.status < 500 else _FAILED
            return reply
        except CallFailed as failed:
            verdict = verdict_of(failed, call.deadline, began, clock(), least)
            raise
        finally:
            if verdict is _WELL and circuit.closed and epoch == circuit.epoch:
                circuit.streak = 0
                circuit.window.unseen += 1
            elif circuit.settle(epoch, verdict, clock()):
                moved(circuit)

    return layer


def _mind(circuit: Circuit, now: float) -> None:
    """Lets a call through, or raises `Refused`."""
    wait = circuit.wait(now)
    if wait > 0:
        raise refusal(wait)


def verdict_of(
    failed: CallFailed, deadline: float, began: float, ended: float, least: float
) -> Verdict:
    """What a failure says of the host."""
    if isinstance(failed, Refused) or failed.code not in FAILURES:
        return Verdict.NOTHING
    if failed.code is not Code.UPSTREAM_TIMEOUT:
        return Verdict.FAILED
    own = ended < deadline - EARLY  # not the call's time was over, but that of a connection
    return Verdict.FAILED if own or deadline - began >= least - EARLY else Verdict.UNKNOWN


def refusal(wait: float) -> Refused:
    """The failure of a call that an open circuit did not let through."""
    hint = f"it has failed too often; it is tried again in {wait:.1f} s"
    message = "was not called: its circuit is open"
    return Refused(Code.CIRCUIT_OPEN, message, hint, retryable=True, wait=wait)
