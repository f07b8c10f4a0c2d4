"""Tasks of definitions --compile--> steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import inf

from apiql.ir.explain_task import call_text
from apiql.ir.plan import Making, Plan, Task
from apiql.ir.projection import Path
from apiql.ir.values import Value
from apiql.ir.works import Accepts, Act, Choose, Compute, Nested, Send
from apiql.runtime.decode import Picker, as_value, compile_picker, compile_reader
from apiql.runtime.doing import CompileNested, compile_doing
from apiql.runtime.scope import Evaluate
from apiql.runtime.sending import compile_send, without_secrets
from apiql.runtime.step import Stated, Step

FEW = 2
"""So many cases of a choice are looked into."""
Compile = Callable[[Value], Evaluate]


def stated_step(
    task: Task, compiled: Compile, nested: CompileNested, paths: Mapping[tuple[Path, bool], int],
    after: tuple[str, ...], call_timeout: float,
) -> Step:  # fmt: skip
    """The step of a task that a definition states."""
    work, wanted = task.work, tuple(paths)
    send = work if isinstance(work, Send) else None
    return Step(
        name=task.name, task=task, build=None, early=False, checks=(),
        needs=tuple(sorted(task.begins_after)), after=after,
        read=compile_reader(wanted), exact=tuple(exact for _, exact in wanted),
        rows=None, shapes=(), policy=task.policy, retry=task.policy.retry, on_timeout="error",
        timeout=inf if send is None else send.timeout or call_timeout,
        service=call_text(work) if send is None else send.service,
        method="QUERY" if send is None else send.method.upper(), is_read=work.is_read, twin=None,
        plain=False, when=None if task.when is None else compiled(task.when), fan=None,
        nested=None, otherwise=None,
        accepts=Accepts.SUCCESS if send is None else send.accepts,
        stated=_stated(task, compiled, nested, compile_picker(wanted)),
    )  # fmt: skip


def is_narrow(task: Task) -> bool:
    """Whether a task that a definition states makes one call at a time, or none."""
    match task.work:
        case Send() | Compute() | Act():
            return True
        case Nested(_, plan):
            return task.made is not None and _is_row(plan)
        case Choose(_, cases, default):
            few = task.made is not None and len(cases) <= FEW and default is None
            return few and all(_is_row(case.plan) for _, case in cases)
        case _:
            return False


def _is_row(plan: Plan) -> bool:
    """Whether a plan makes one call at a time: each of its tasks waits for the one before it."""
    in_a_row = all(before.name in task.begins_after for before, task in pairwise(plan.tasks))
    return in_a_row and all(map(is_narrow, plan.tasks))


def _stated(task: Task, compiled: Compile, nested: CompileNested, pick: Picker) -> Stated:
    work, made = task.work, task.made or Making()
    if isinstance(work, Send):
        does, home = compile_send(work, task.policy, compiled), work.home
        let = tuple((name, without_secrets(value, home)) for name, value in made.let)
    else:
        does, let = compile_doing(work, compiled, nested), made.let
    return Stated(
        tuple((name, compiled(value)) for name, value in let), does,
        None if made.result is None else compiled(made.result),
        None if made.instead is None else compiled(made.instead),
        made.lane, pick, as_value,
    )  # fmt: skip
