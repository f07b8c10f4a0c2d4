"""The properties of this folder try as many examples as tests/examples.py says."""

from __future__ import annotations

from tests.examples import CI

__all__ = ["CI"]
