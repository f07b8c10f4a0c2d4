"""`into … on …` --lower--> embed: where a result goes, and by which keys."""

from __future__ import annotations

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.surroundings import Findings
from apiql.ir.embedding import Embed, KeyPair
from apiql.ir.works import Repeat, Work

WRITE = "write: into posts.items.author, or: into posts.items.comments[] on postId = posts.items.id"


def lower_into(
    select: s.Select, name: str, selects: frozenset[str], findings: Findings
) -> Embed | None:
    """Where the result of a select of this name goes, None where it is a member of the answer."""
    into = next((c for c in select.clauses if isinstance(c, cl.Into)), None)
    inner = select.side is not None and select.side.text.lower() == "inner"
    _check_company(select, into, inner, findings)
    if into is None:
        return None
    target = into.target
    many = bool(target.steps) and target.steps[-1] == _opening(target)
    path = _names(target.steps[:-1] if many else target.steps)
    root = target.root.text if isinstance(target.root, e.Word) else None
    if root is None or not path:
        findings.add(Code.VALIDATION, "`into` names a place in a result", target.span, WRITE)
        return None
    if root not in selects:
        span = e.Span(target.span.start, target.span.start + len(root))
        findings.unknown(Code.UNKNOWN_NAME, "the result", root, sorted(selects), span)
        return None
    if many and into.on is None:
        message = "`[]` takes all rows with a key, and there is none"
        findings.add(Code.VALIDATION, message, target.span, "add `on key = …`")
    on = None if into.on is None else _keys(into.on, name, root, findings)
    return Embed(root, path, many, on, inner)


def check_batch(select: s.Select, work: Work, findings: Findings) -> None:
    """Notes where rows that nothing matches to their elements go in by position."""
    if isinstance(work, Repeat) and work.batch is not None and work.batch.key is None:
        into = next(c for c in select.clauses if isinstance(c, cl.Into))
        message = "the rows of a `batch` go into another result by a key"
        findings.add(Code.VALIDATION, message, into.span, "add `on key = …`")


def _opening(target: e.Reference) -> e.Step | None:
    last = target.steps[-1]
    return last if isinstance(last, e.IndexStep) and last.index is None else None


def _check_company(select: s.Select, into: cl.Into | None, inner: bool, findings: Findings) -> None:
    if inner and (into is None or into.on is None):
        assert select.side is not None
        message = "`inner join` matters only with `into … on`"
        findings.add(Code.VALIDATION, message, select.side.span, "write `join`, or add `on`")
    hidden = next(
        (c for c in select.clauses if isinstance(c, cl.Flag) and c.word == "hidden"), None
    )
    if into is not None and hidden is not None:
        message = "`hidden` and `into` do not go together: what goes into another is no member"
        findings.add(Code.VALIDATION, message, hidden.span, "leave one of them out")


def _names(steps: tuple[e.Step, ...]) -> tuple[str, ...] | None:
    if not all(isinstance(step, e.NameStep) for step in steps):
        return None
    return tuple(step.name.text for step in steps if isinstance(step, e.NameStep))


def _keys(
    on: tuple[e.Reference, e.Reference], name: str, root: str, findings: Findings
) -> KeyPair | None:
    """Whichever side begins with the target's name is the target's; the other one is a field of
    the rows, and does not begin with the name of their own select.
    """
    own, target = on
    if not _begins_with(target, root) and _begins_with(own, root):
        own, target = target, own
    if not own.is_plain_path or not target.is_plain_path or not _begins_with(target, root):
        span = e.Span(on[0].span.start, on[1].span.end)
        message = f"`on` compares a field of the rows with one of {root}"
        findings.add(Code.VALIDATION, message, span, f"write: on id = {root}.key")
        return None
    if _begins_with(own, name):
        inner = ".".join(own.names[1:])
        message = f"`{'.'.join(own.names)}` would be a field in a field `{name}` of the rows"
        hint = f"names there are fields of {name}: write on {inner} = {'.'.join(target.names)}"
        findings.add(Code.VALIDATION, message, own.span, hint)
    return KeyPair(own.names, target.names[1:])


def _begins_with(reference: e.Reference, root: str) -> bool:
    return (
        isinstance(reference.root, e.Word) and reference.root.text == root and bool(reference.steps)
    )
