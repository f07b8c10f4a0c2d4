"""What a store of others raises to those who have something in its place. Knows no store."""

from __future__ import annotations

from apiql.errors import ApiqlError


class StoreFailed(ApiqlError):
    """The store did not answer as it should; the message never holds where it is."""


class WrongKind(StoreFailed):
    """Somebody else has put something of another kind under the key; the store itself is well."""
