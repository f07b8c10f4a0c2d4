"""What the lowering of one definition of the second generation knows: the folder, what the request
is known to be, the plans that were made already, and the course of tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from apiql.documents.shape import Shape
from apiql.errors import Location
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v2_state import Heap, Pure, data_of
from apiql.frontends.definitions.lower.v2_values import (
    Read,
    Sources,
    Templates,
    compiled_once,
    constant,
    refusing,
)
from apiql.frontends.definitions.private import Private
from apiql.frontends.definitions.v2.value import Value as Source
from apiql.gotemplate import Mode, v2_functions
from apiql.gotemplate.calls import Function
from apiql.ir.plan import Parameter, Plan, Task
from apiql.ir.values import Invoke, ParamRoot, Ref, ResultRoot, Value
from apiql.ir.works import Compute

Name: TypeAlias = tuple[Kind, str]
STATE = "state"
GIVEN_STATE = Ref(ParamRoot(STATE))
INNER = (Parameter(STATE, required=False),)
BASE_PATHS = frozenset({("base", "root"), ("base", "type")})
"""What is known of a request before it comes."""
_DEEP = 30
"""So many steps without a call stand in each other at most."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all definitions of a folder are lowered with, and the plans that several may call."""

    ground: Ground
    functions: Mapping[str, Function]
    plans: dict[Name, Plan] = field(default_factory=dict)
    templates: Templates = field(default_factory=dict)

    @classmethod
    def of(cls, ground: Ground) -> Shared:
        """For the definitions of a folder."""
        own = {name: Function(call) for name, call in ground.values.items()}
        return cls(ground, {**v2_functions(ground.now), **own, **ground.functions})


@dataclass(slots=True)
class Lowering:
    """The lowering of one definition. `way` are the flows and schedules that it is inside of,
    `choosing` whether it is inside of what only a run knows; `is_part`: of a plan that other
    definitions may call too, unless something `private` to this one goes into it.
    """

    shared: Shared
    root: Heap
    plans: dict[Name, Plan] = field(default_factory=dict)
    way: tuple[Name, ...] = ()
    choosing: bool = False
    is_part: bool = False
    private: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, shared: Shared, kind: str, name: str) -> Lowering:
        """For requests of this kind and name; without a name for those that have any."""
        root = {"base": {"root": name, "type": kind}} if name else {}
        return cls(shared, root, choosing=not name)

    @property
    def ground(self) -> Ground:
        """What it is lowered on."""
        return self.shared.ground

    def part(self, name: Name, make: Callable[[Lowering], Plan]) -> Plan:
        """A plan that is made once: for all definitions, or for this one alone."""
        if name in self.plans:
            self.private.append(name[1])
            return self.plans[name]
        if name in self.shared.plans:
            return self.shared.plans[name]
        inside = replace(self, way=(*self.way, name), is_part=True, private=[])
        made = make(inside)
        (self.plans if inside.private else self.shared.plans)[name] = made
        self.private += inside.private
        return made

    def document(self, kind: Kind, name: str) -> Document[Shape] | None:
        """A definition by its name."""
        return self.ground.definitions.documents[kind].get(name)

    def is_broken(self, kind: Kind, name: str) -> bool:
        """Whether there is a file of the name that is no definition."""
        return name in self.ground.definitions.names[kind]

    def privates(self, file: str) -> Mapping[str, str] | None:
        """The private values of a file."""
        found = self.document(Kind.PRIVATE, file)
        if found is None or not isinstance(found.model, Private):
            return None
        return {pair.name: pair.value for pair in found.model.privates}

    def sources(self, private: Callable[[str], Read]) -> Sources:
        """What values are compiled on."""
        known = _never if self.is_part else self.known_text
        shared, ground = self.shared, self.ground
        return Sources(
            shared.functions, ground.environ, private, ground.strict, known, shared.templates
        )

    def step_sources(self, file: str) -> Sources:
        """The same for a step, with the private values of a file."""
        values = self.privates(file)
        if values is None:
            wrong = f"there is no private {file}" if file else "no file of privates is named"
            return self.sources(lambda name: refusing(wrong, 403))
        return self.sources(lambda name: constant(values.get(name, "")))

    def known_text(self, value: Source | None) -> str | None:
        """The text of a value that is the same in all requests of the definition."""
        if value is None:
            return None
        if value.kind == "literal":
            return value.content
        text = {"template": value.content, "heap": f"{{{{.{value.content}}}}}"}.get(value.kind)
        if text is None:
            return None
        template = compiled_once(text, {}, Mode.TEXT, self.shared.templates)
        if isinstance(template, str):
            return None
        if not template.reads <= (BASE_PATHS if self.root else frozenset()):
            return None
        if template.reads:
            self.private.append(text)
        rendered, fault = template.render(data_of(self.root))
        return rendered if fault is None else None


def _never(value: Source) -> None:
    return None


@dataclass(slots=True)
class Course:
    """Tasks that follow each other, and the state behind them: steps that call nobody only make
    that value larger.
    """

    state: Value = GIVEN_STATE
    tasks: list[Task] = field(default_factory=list)
    pending: int = 0
    numbered: int = 0
    """So many tasks stand before its own."""

    def does(self, name: str, pure: Pure) -> None:
        """Adds a step that calls nobody: to the result of the task before it, if there is one."""
        self.pending += 1
        last = self.tasks[-1] if self.tasks else None
        made = None if last is None else last.made
        if last is None or made is None or made.result is None or not self._is_of(last):
            self.state = Invoke(name, pure, (self.state,))
        else:
            result = Invoke(name, pure, (made.result,))
            instead = None if made.instead is None else Invoke(name, pure, (made.instead,))
            made = replace(made, result=result, instead=instead)
            self.tasks[-1] = replace(last, made=made)
        if self.pending > _DEEP:
            self.add(Task(self.named("steps"), Compute(self.state)))

    def _is_of(self, task: Task) -> bool:
        """Whether the state is the result of a task."""
        return _task_of(self.state) == task.name

    def add(self, task: Task) -> None:
        """Adds a task, whose result is the state."""
        self.tasks.append(task)
        self.state, self.pending = Ref(ResultRoot(task.name)), 0

    def settled(self) -> Value:
        """The state as something that may be read several times."""
        if isinstance(self.state, Invoke):
            self.add(Task(self.named("steps"), Compute(self.state)))
        return self.state

    def named(self, name: str) -> str:
        """A name that no task has."""
        return f"{name}_{self.numbered + len(self.tasks) + 1}"

    def plan(self, parameters: tuple[Parameter, ...] = INNER) -> Plan:
        """The tasks as a plan, whose outcome is the state."""
        ended = _task_of(self.state)
        if ended is None:
            ended = self.named("end")
            self.add(Task(ended, Compute(self.state)))
        return replace(Plan.of(self.tasks, (), parameters), outcome=ended)


def _task_of(state: Value) -> str | None:
    """The task whose result a state is."""
    root = state.root if isinstance(state, Ref) else None
    return root.task if isinstance(root, ResultRoot) else None


def place(document: Document[Shape], *keys: str | int) -> Location:
    """Where a part of a definition stands."""
    return document.place(keys)[0]
