"""The identity of a query: the hash of its canonical form, whatever its white space, comments,
order of clauses and constants. Constants are the literals in values and expressions, but not in
declarations, settings, limits, indexes, `jmespath`, and how a call is carried out.
"""

from __future__ import annotations

from hashlib import sha256

from apiql.frontends.text.format import statement_docs
from apiql.frontends.text.layout import in_one_line
from apiql.frontends.text.syntax import Program
from apiql.ir.values import Scalar


def identity(program: Program) -> str:
    """`sha256:` and the hash of the canonical form, each constant a placeholder."""
    return _hash(lifted(program)[0])


def persisted_id(program: Program) -> str:
    """`sha256:` and the hash of the canonical form, constants included."""
    return _hash(_canonical(program, None))


def lifted(program: Program) -> tuple[str, tuple[Scalar, ...]]:
    """The canonical form with a `?` for each constant, and the constants in its order."""
    constants: list[Scalar] = []
    return _canonical(program, constants), tuple(constants)


def _canonical(program: Program, constants: list[Scalar] | None) -> str:
    return "; ".join(in_one_line(doc, constants) for doc in statement_docs(program))


def _hash(canonical: str) -> str:
    return "sha256:" + sha256(canonical.encode()).hexdigest()
