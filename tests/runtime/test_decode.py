"""How bodies are decoded: what plans share."""

from __future__ import annotations

from msgspec import Raw

from apiql.runtime.decode import Tree, struct_of

TREE: Tree = {"id": None, "owner": {"name": None}}


def test_plans_that_read_alike_share_one_type() -> None:
    again: Tree = {"id": None, "owner": {"name": None}}
    assert struct_of(TREE, Raw) is struct_of(again, Raw)


def test_others_do_not() -> None:
    other: Tree = {"id": None, "owner": {"title": None}}
    assert struct_of(TREE, Raw) is not struct_of(other, Raw)
    assert struct_of(TREE, Raw) is not struct_of(TREE, int)
