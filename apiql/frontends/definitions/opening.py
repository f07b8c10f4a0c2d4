"""A file of private values as read -> the same with the values that are sealed in it opened. Knows
no key and no cipher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from apiql.documents.problems import DefinitionProblem, Severity
from apiql.documents.shape import Shape
from apiql.errors import ValueRefused
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.private import Private

Opening: TypeAlias = Callable[[str, str], str]
"""The value of a full name (`map.key`) and as it is written -> the value; raises ValueRefused."""


def as_it_is(name: str, value: str) -> str:
    """Opens nothing."""
    return value


def opened(
    document: Document[Shape], stem: str, opening: Opening
) -> tuple[Document[Shape] | None, tuple[DefinitionProblem, ...]]:
    """The document, None where one of its values cannot be opened. `stem` is what full names begin
    with.
    """
    model, problems = document.model, list[DefinitionProblem]()
    assert isinstance(model, Private)
    pairs = []
    for number, pair in enumerate(model.privates):
        try:
            value = opening(f"{stem}.{pair.name}", pair.value)
        except ValueRefused as refused:
            keys, wrong = ("privates", number, "value"), refused.message
            problems.append(document.problem(keys, wrong, Severity.ERROR, refused.hint))
            continue
        pairs.append(pair if value == pair.value else pair.model_copy(update={"value": value}))
    if problems:
        return None, tuple(problems)
    return replace(document, model=model.model_copy(update={"privates": tuple(pairs)})), ()
