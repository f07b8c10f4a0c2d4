"""The circuit of one host: closed, open for a while, or trying one probe. Pure; time is passed in.

closed --failures--> open --its time is over--> probing --a success--> closed
                      ^------------------ a failure, for longer ---------'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from apiql.sources.window import Window

MOST_DOUBLED = 16
PROBING_WAIT = 1.0
"""The seconds after which to come again while a probe is under way."""
_JITTER = 0.1
"""An open circuit is tried again up to this part of its time sooner, so that not all that have
opened together probe together.
"""

_SAME = 0.1
"""Two clocks that are read one after the other are not the same to the last digit."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """`failures` in a row open it, or the `rate` of at least so many `calls` in a `window`; then
    it is open for `open` seconds, doubling up to `longest`.
    """

    failures: int = 5
    rate: float = 0.5
    calls: int = 20
    window: float = 10.0
    open: float = 10.0
    longest: float = 300.0


class Phase(Enum):
    """What a circuit lets through: everything, nothing, one call."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Verdict(Enum):
    """What a call that was let through says of the host."""

    WELL = "it answered"
    FAILED = "it did not, or with a 5xx"
    UNKNOWN = "the call had too little time"
    NOTHING = "the call never got as far, or its caller left"


class Circuit:
    """`streak` failures in a row, `window` all calls; answers while it is closed may be counted by
    their layer. `epoch` goes up with every change: calls let through before it are not counted.
    """

    __slots__ = ("closed", "epoch", "jitter", "opened", "phase", "refused", "rules", "streak",
                 "times", "until", "why", "window")  # fmt: skip

    def __init__(self, rules: BreakerRules, jitter: Callable[[], float]) -> None:
        self.rules = rules
        self.jitter = jitter
        self.phase = Phase.CLOSED
        self.closed = True
        self.until = 0.0
        self.times = 0
        """How often in a row it has been opened."""
        self.epoch = self.opened = self.refused = 0
        self.why = ""
        self.streak = 0
        self.window = Window(rules.window)

    def follow(self, rules: BreakerRules) -> None:
        """Goes on by other rules, in the state it has."""
        if rules.window != self.rules.window:
            self.window = Window(rules.window)
        self.rules = rules

    def wait(self, now: float) -> float:
        """0 lets a call through, as the probe if it is not closed; else the seconds to wait."""
        if self.phase is Phase.CLOSED:
            return 0.0
        if self.phase is Phase.OPEN and now >= self.until:
            self._turn(Phase.PROBING)
            return 0.0
        self.refused += 1
        return PROBING_WAIT if self.phase is Phase.PROBING else self.until - now

    def is_shut(self, now: float) -> bool:
        """Whether a call would not be let through."""
        if self.phase is Phase.CLOSED:
            return False
        return self.phase is Phase.PROBING or now < self.until

    def settle(self, epoch: int, verdict: Verdict, now: float) -> bool:
        """A call let through in an epoch has ended; whether somebody wants to know what it did to
        the circuit.
        """
        if epoch != self.epoch:
            return False
        if self.phase is Phase.CLOSED:
            return self._counted(verdict, now)
        match verdict:
            case Verdict.WELL:
                self.times = self.streak = 0
                self.window.clear()
                self.why = "the probe was answered"
                self._turn(Phase.CLOSED)
            case Verdict.FAILED:
                self._open(now, self.times + 1, "the probe failed")
            case Verdict.UNKNOWN:
                self._open(now, self.times, "the probe had too little time")
            case Verdict.NOTHING:
                self.until = now
                self._turn(Phase.OPEN)
                return False
        return True

    def hear(self, until: float, times: int) -> bool:
        """Others have found that the host fails; whether that is news."""
        known = self.phase is Phase.OPEN and until <= self.until + _SAME
        if known or self.phase is Phase.PROBING:
            return False
        self.until, self.times = until, times
        self.why = "another worker has opened it"
        self._turn(Phase.OPEN)
        return True

    def close(self) -> None:
        """Lets everything through from now on: an operator says so."""
        self.times = self.streak = 0
        self.window.clear()
        self.why = "an operator has closed it"
        self._turn(Phase.CLOSED)

    def _counted(self, verdict: Verdict, now: float) -> bool:
        if verdict is Verdict.WELL:
            self.streak = 0
            self.window.unseen += 1
            return False
        if verdict is not Verdict.FAILED:
            return False
        window, rules = self.window, self.rules
        self.streak += 1
        window.look(now)
        window.count()
        window.mark()
        if self.streak >= rules.failures:
            self._open(now, 1, f"{self.streak} calls in a row failed")
            return True
        if window.calls >= rules.calls and window.marked >= rules.rate * window.calls:
            self._open(now, 1, f"{window.marked} of the last {window.calls} calls failed")
            return True
        return False

    def _open(self, now: float, times: int, why: str) -> None:
        self.times = max(1, min(times, MOST_DOUBLED))
        whole = min(self.rules.open * 2 ** (self.times - 1), self.rules.longest)
        self.until = now + whole * (1 - _JITTER * self.jitter())
        self.why = why
        self.opened += 1
        self._turn(Phase.OPEN)

    def _turn(self, phase: Phase) -> None:
        self.phase = phase
        self.closed = phase is Phase.CLOSED
        self.epoch += 1
