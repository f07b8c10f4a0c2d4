"""What carrying out a template may cost, and the state of one execution. Knows no syntax."""

from __future__ import annotations

from dataclasses import dataclass

from apiql.gotemplate.faults import Category, Stopped
from apiql.gotemplate.values import Value


@dataclass(frozen=True, slots=True)
class Budget:
    """The most characters written (or made by one function), rounds of loops and calls of
    templates, steps (nodes carried out, and lengths worked through), and templates inside each
    other.
    """

    output: int = 1024 * 1024
    rounds: int = 100_000
    steps: int = 1_000_000
    depth: int = 50


class Run:
    """One execution: the dot, the variables, what was written and what may still be spent."""

    __slots__ = ("budget", "depth", "dot", "out", "room", "rounds", "steps", "variables")

    def __init__(self, root: Value, slots: int, budget: Budget) -> None:
        self.dot = root
        self.variables = [root] * slots
        self.out: list[str] = []
        self.room = budget.output
        self.rounds = budget.rounds
        self.steps = budget.steps
        self.depth = 0
        self.budget = budget

    def write(self, text: str) -> None:
        """Adds to the output; Stopped where it grows too long."""
        self.room -= len(text)
        if self.room < 0:
            self.out.append(text[: self.room + len(text)])
            raise over("output", self.budget.output, "characters")
        self.out.append(text)

    def charge(self, steps: int) -> None:
        """Counts work; Stopped where it is too much."""
        self.steps -= steps
        if self.steps < 0:
            raise over("steps", self.budget.steps, "steps")

    def next_round(self) -> None:
        """Counts one round of a loop or one call of a template."""
        self.rounds -= 1
        if self.rounds < 0:
            raise over("rounds", self.budget.rounds, "rounds of loops")
        if self.steps < 0:
            raise over("steps", self.budget.steps, "steps")

    def made(self, text: str) -> str:
        """A text that a function made, if it is not too long; its length counts as work."""
        if len(text) > self.budget.output:
            raise over("output", self.budget.output, "characters made by one function")
        self.charge(len(text) >> 6)
        return text


def over(name: str, allowed: int, what: str) -> Stopped:
    """The designed end of an execution that costs too much."""
    message = f"the template goes over its budget of {allowed} {what}"
    return Stopped(message, Category.LIMIT, f"budget: {name}; give it less data, or a loop less")
