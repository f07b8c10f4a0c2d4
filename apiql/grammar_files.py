"""Finds the grammars: inside the installed package, or in the checkout beside it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def grammar_text(name: str) -> str:
    """The text of one grammar (`apiql.lark`); FileNotFoundError names it if there is none."""
    packaged = files("apiql").joinpath("grammar", name)
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    beside = Path(__file__).resolve().parent.parent / "grammar" / name
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    raise FileNotFoundError(f"APIQL has no grammar {name!r}")
