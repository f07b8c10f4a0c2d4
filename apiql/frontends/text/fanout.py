"""`in` --lower--> axes: the lists that a select is carried out for, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text.values import Lowering
from apiql.ir.request import Binding, Place
from apiql.ir.source import Source
from apiql.ir.values import ElementRoot, Items, Ref, Value
from apiql.ir.works import Axis, Batch, Fetch, Nested, Repeat

ELEMENT = Ref(ElementRoot(0))


@dataclass(frozen=True, slots=True)
class Lists:
    """The `in` of a select. `style` is how a batch is written, None as the source does."""

    axes: tuple[Axis, ...] = ()
    batch: Batch | None = None
    style: str | None = None


def lists_in(binds: Sequence[cl.Bind | cl.Each]) -> list[cl.Each]:
    """The `in` among the conditions of a `where`, in the order of the text."""
    return [bind for bind in binds if isinstance(bind, cl.Each)]


def lower_lists(binds: Sequence[cl.Bind | cl.Each], lowering: Lowering) -> Lists:
    """The axes of all `in` of a select, and their batch."""
    each = lists_in(binds)
    axes = tuple(_axis(one, lowering) for one in each)
    batches = [one.batch for one in each if one.batch is not None]
    if not batches:
        return Lists(axes)
    batch = batches[0]
    if len(each) > 1:
        message = "`batch` goes with one `in`"
        lowering.findings.add(Code.VALIDATION, message, batch.span, "leave it out")
    if batch.size == 0:
        message, hint = "a batch of nothing calls for nothing", "write `batch all` for one call"
        lowering.findings.add(Code.VALIDATION, message, batch.span, hint)
    return Lists(axes, Batch(batch.size), batch.style)


def _axis(each: cl.Each, lowering: Lowering) -> Axis:
    value = each.value
    if len(each.places) > 1:
        return Axis(_zipped(each, lowering))
    if isinstance(value, e.Round):
        return Axis((Items(tuple(lowering.value(item) for item in value.items)),))
    return Axis((lowering.value(value),))


def _zipped(each: cl.Each, lowering: Lowering) -> tuple[Value, ...]:
    """The lists of `(a, b) in zip(x, y)`."""
    value, count = each.value, len(each.places)
    call = value.root if isinstance(value, e.Reference) and not value.steps else None
    if not isinstance(call, e.Invocation) or call.name.text.lower() != "zip":
        message = "several places advance together through zip(…)"
        hint = "write: (a, b) in zip(x.as, x.bs)"
        lowering.findings.add(Code.VALIDATION, message, value.span, hint)
        return ()
    if len(call.args) != count:
        message = f"{count} places want a zip of {count} lists, got {len(call.args)}"
        lowering.findings.add(Code.VALIDATION, message, call.span)
    return tuple(lowering.value(arg) for arg in call.args)


def repeated(work: Fetch | Nested, lists: Lists, source: Source | None) -> Fetch | Nested | Repeat:
    """The work for every element; in bulk where the source answers so and nothing is in the way."""
    if not lists.axes:
        return work
    if isinstance(work, Fetch) and source is not None and source.bulk is not None:
        bulk = _in_bulk(work, lists, source)
        if bulk is not None:
            return bulk
    return Repeat(work, lists.axes, lists.batch)


def _in_bulk(work: Fetch, lists: Lists, source: Source) -> Repeat | None:
    bulk = source.bulk
    assert bulk is not None
    own = next((b for b in work.bindings if b.value == ELEMENT), None)
    if own is None or len(lists.axes) > 1 or len(lists.axes[0].values) > 1 or not work.is_read:
        return None
    if own.name not in ((bulk.param,), bulk.key[-1:]):
        return None
    others = [binding for binding in work.bindings if binding is not own]
    if any(binding.place is Place.PATH for binding in others) or lists.style is not None:
        return None
    taken = Binding(Place.QUERY, (bulk.param,), ELEMENT, bulk.style)
    asked = lists.batch.size if lists.batch else None
    size = min(bulk.most, asked) if asked else bulk.most
    batch = Batch(size, bulk.key, bulk.rows, declared=True)
    return Repeat(Fetch(work.method, bulk.endpoint, (*others, taken)), lists.axes, batch)
