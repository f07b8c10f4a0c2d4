"""Plans for people and tools: text (stable, golden-tested), JSON, Mermaid. No secret is in one:
headers of the configuration and values of parameters are not shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apiql.ir.embedding import Embed
from apiql.ir.explain_task import call_object, call_text, clause_lines, policy_text, work_lines
from apiql.ir.plan import Output, Plan, Task, with_otherwise
from apiql.ir.projection import Kept, Projection
from apiql.ir.values import Part, Ref, ResultRoot, json_text
from apiql.ir.works import Nested, inner_works


def as_text(plan: Plan) -> str:
    """The plan as lines: what it may cost, then each task behind those it needs."""
    lines = [_summary(plan)]
    lines += [_parameter_line(plan)] if plan.parameters else []
    for task in plan.tasks:
        lines += ["", *_task_lines(task, plan)]
    lines += ["", f"return {plan.returned}"] if plan.returned is not None else []
    for name, inner in _definitions(plan).items():
        lines += ["", f"inside {name}:"]
        lines += [f"  {line}".rstrip() for line in as_text(inner).rstrip().split("\n")]
    return "\n".join(lines) + "\n"


def as_tree(plan: Plan) -> str:
    """The plan as a tree: each task under the first of those it waits for last."""
    levels: dict[str, list[Task]] = {}
    placed: dict[str, int] = {}
    for task in plan.tasks:
        parent = max(sorted(task.needs), key=lambda name: placed[name], default="")
        placed[task.name] = placed.get(parent, 0) + 1
        levels.setdefault(parent, []).append(task)
    lines = [_summary(plan)]
    _branch(levels, "", "", lines)
    return "\n".join(lines) + "\n"


def as_json(plan: Plan) -> dict[str, Any]:
    """`{"tasks": […], "outputs": […], "parameters": […], "mostCalls", "depth"}`."""
    return {
        "mostCalls": plan.most_calls,
        "depth": plan.depth,
        "parameters": [
            {"name": p.name, "type": p.type, "required": p.required} for p in plan.parameters
        ],
        "tasks": [_task_object(task) for task in plan.tasks],
        "outputs": [
            {"name": o.name, "task": o.task, "fields": _fields(o.projection), "hidden": o.hidden}
            for o in plan.outputs
        ],
        **_inside(plan),
    }


def _definitions(plan: Plan) -> dict[str, Plan]:
    """The definitions that a plan selects from, and the parts of one that is explained itself."""
    works = (
        work
        for task in plan.tasks
        for one in with_otherwise(task)
        for work in inner_works(one.work)
    )
    nested = (work for work in works if isinstance(work, Nested))
    return {work.name: work.plan for work in nested if work.plan.outcome}


def _inside(plan: Plan) -> dict[str, Any]:
    found = _definitions(plan)
    return {"inside": {name: as_json(inner) for name, inner in found.items()}} if found else {}


def as_mermaid(plan: Plan) -> str:
    """A flowchart; arrows go from a task to those that wait for it."""
    number = {task.name: f"t{i}" for i, task in enumerate(plan.tasks)}
    lines = ["flowchart LR"]
    for task in plan.tasks:
        label = f"{task.name}\\n{call_text(task.work)}".replace('"', "#quot;")
        lines.append(f'    {number[task.name]}["{label}"]')
    for task in plan.tasks:
        for need in sorted(task.needs, key=lambda name: int(number[name][1:])):
            arrow = "-.->" if need in task.after else "-->"
            lines.append(f"    {number[need]} {arrow} {number[task.name]}")
    return "\n".join(lines) + "\n"


def _summary(plan: Plan) -> str:
    tasks, calls = len(plan.tasks), plan.most_calls
    return (
        f"plan: {tasks} task{_s(tasks)}, at most {calls} upstream call{_s(calls)}, "
        f"depth {plan.depth}"
    )


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _parameter_line(plan: Plan) -> str:
    shown = (f"${p.name} {p.type}{'' if p.required else ' (optional)'}" for p in plan.parameters)
    return "parameters: " + ", ".join(shown)


def _task_lines(task: Task, plan: Plan) -> list[str]:
    lines = [f"{task.name}: {call_text(task.work)}"]
    lines += [f"  {line}" for line in work_lines(task)]
    needs = sorted(task.needs - task.after)
    lines += [f"  needs {', '.join(needs)}"] if needs else []
    lines += [f"  after {', '.join(sorted(task.after))}"] if task.after else []
    lines += [f"  {policy_text(task.policy)}"] if policy_text(task.policy) else []
    read = _read_paths(task, plan)
    lines += [f"  read by others: {', '.join(read)}"] if read else []
    lines += [
        f"  {_output_name(o, task)}: {', '.join(_fields(o.projection)) or 'nothing'}"
        + (" (hidden)" if o.hidden else "")
        + (f" ({_embed(o.into)})" if o.into else "")
        for o in plan.outputs
        if o.task == task.name
    ]
    return lines


def _output_name(output: Output, task: Task) -> str:
    return "answer" if output.name == task.name else f"answer as {output.name}"


def _read_paths(task: Task, plan: Plan) -> list[str]:
    """The paths of this task's result that other tasks read: as far as it is decoded for them."""
    found: dict[str, None] = {}
    for other in plan.tasks:
        for ref in other.reads():
            if isinstance(ref.root, ResultRoot) and ref.root.task == task.name:
                found[_path_of(ref)] = None
    return list(found)


def _embed(embed: Embed) -> str:
    path = ".".join(map(_name, embed.path)) + ("[]" if embed.many else "")
    text = f"into {embed.into}.{path}"
    if embed.on is None:
        return text
    own, target = ".".join(map(_name, embed.on.own)), ".".join(map(_name, embed.on.target))
    return f"{'inner, ' if embed.inner else ''}{text} on {own} = {embed.into}.{target}"


def _path_of(ref: Ref) -> str:
    bare = Ref(ResultRoot(""), ref.path, False, ref.part)
    return str(bare).removeprefix(".") or ("*" if ref.part is Part.BODY else ref.part.value)


def _fields(projection: Projection) -> list[str]:
    shown = ["*"] if projection.everything else []
    if projection.excluded:
        paths = ", ".join(".".join(map(_name, path)) for path in projection.excluded)
        shown.append(f"({paths})")
    for field in projection.fields:
        if isinstance(field, Kept):
            shown.append(".".join(map(_name, field.path)))
        else:
            shown.append(f"{field.value} as {_name(field.name)}")
    return shown


def _name(text: str) -> str:
    return text if text.isidentifier() else json_text(text)


def _task_object(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        **call_object(task.work),
        "clauses": [*clause_lines(task)],
        "needs": sorted(task.needs - task.after),
        "after": sorted(task.after),
        "policy": policy_text(task.policy),
    }


def _branch(levels: dict[str, list[Task]], parent: str, indent: str, lines: list[str]) -> None:
    children: Iterable[Task] = levels.get(parent, ())
    children = tuple(children)
    for position, task in enumerate(children):
        last = position == len(children) - 1
        others = sorted(task.needs - {parent})
        also = f"  (also needs {', '.join(others)})" if others else ""
        lines.append(f"{indent}{'└─' if last else '├─'} {task.name}: {call_text(task.work)}{also}")
        _branch(levels, task.name, indent + ("   " if last else "│  "), lines)
