"""What is wrong with a configuration of endpoints: problems as all documents have them."""

from __future__ import annotations

from collections.abc import Iterable

from apiql import json_nodes
from apiql.documents.problems import DefinitionProblem as EndpointProblem
from apiql.documents.problems import Severity, in_order
from apiql.json_nodes import quoted

__all__ = ["EndpointProblem", "Severity", "are_broken", "in_order", "meant", "quoted"]


def are_broken(problems: Iterable[EndpointProblem]) -> bool:
    """Whether there is an error among them."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a mistaken one, in whatever case it is written; quoted."""
    found = json_nodes.meant(word, known)
    return None if found is None else quoted(found)
