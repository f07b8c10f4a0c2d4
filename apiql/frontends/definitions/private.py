"""A file of private values, the same in both generations."""

from __future__ import annotations

from pydantic import Field

from apiql.documents.shape import Listed, Shape


class PrivatePair(Shape):
    """A private value and the name that definitions find it by."""

    name: str
    """The name."""
    value: str = Field(default="", repr=False)
    """The value; it is never shown."""


class Private(Shape):
    """A file of private values (keys, secrets, addresses), named by its file."""

    privates: Listed[PrivatePair] = ()
    """The values."""

    def names(self) -> frozenset[str]:
        """The names of all values."""
        return frozenset(pair.name for pair in self.privates)
