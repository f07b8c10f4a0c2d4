"""What comes into a result counts as listed in its projection."""

from __future__ import annotations

import pytest

from apiql.ir.embedding import with_embedded
from apiql.ir.projection import EVERYTHING, Kept, Named, Projection
from apiql.ir.values import Literal

PATH = ("items", "author")


def kept(*paths: str) -> Projection:
    """Only these."""
    return Projection(False, (), tuple(Kept(tuple(path.split("."))) for path in paths))


def without(*paths: str, fields: tuple[Kept | Named, ...] = ()) -> Projection:
    """Everything but these, and `fields`."""
    return Projection(True, tuple(tuple(path.split(".")) for path in paths), fields)


@pytest.mark.parametrize(
    "projection",
    [
        EVERYTHING,
        kept("items"),
        kept("id", "items.author"),
        kept("items.author.name"),
        without("cost"),
        without("items.cost", "author"),
        without("items.author.ssn"),
        without("items", fields=(Kept(PATH),)),
        Projection(False, (), (Named("items", Literal(1)),)),
        without("items", fields=(Named("items", Literal(1)),)),
    ],
)
def test_nothing_is_added_where_the_way_is_there(projection: Projection) -> None:
    assert with_embedded(projection, PATH) is projection


@pytest.mark.parametrize(
    "projection",
    [
        kept("id"),
        kept("items.id"),
        kept("author"),
        without("items"),
        without("cost", "items"),
        Projection(False, (), (Named("author", Literal(1)),)),
    ],
)
def test_the_path_is_listed_last(projection: Projection) -> None:
    found = with_embedded(projection, PATH)
    assert found.fields == (*projection.fields, Kept(PATH))
    assert (found.everything, found.excluded) == (projection.everything, projection.excluded)
