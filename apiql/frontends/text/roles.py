"""What a text may say by where it comes from: sent by a client, stored, or the operator's own."""

from __future__ import annotations

from enum import Enum

from apiql.errors import Code
from apiql.frontends.text import syntax as s
from apiql.frontends.text.surroundings import Findings


class Role(Enum):
    """Where a text comes from."""

    POSTED = "posted"
    STORED = "stored"
    LOCAL = "local"


def check_role(program: s.Program, role: Role, findings: Findings) -> None:
    """Notes what a text of this role may not say."""
    for statement in program.statements:
        match statement:
            case s.Use("envelope", _, _, span) if role is Role.POSTED:
                message = "`use envelope none` is for stored queries"
                findings.add(Code.VALIDATION, message, span, "leave it out")
            case s.Query(selects, True) if role is Role.STORED:
                message = "a stored query is run, not explained"
                span = selects[0].span
                findings.add(Code.VALIDATION, message, span, "leave out the `explain` before it")
            case _:
                pass
