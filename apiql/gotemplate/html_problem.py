"""The error of a page that no value can be inserted into safely."""

from __future__ import annotations

from apiql.errors import ApiqlError


class BadPage(ApiqlError):
    """Says what is wrong with the text of a page; becomes the refusal of its template."""
