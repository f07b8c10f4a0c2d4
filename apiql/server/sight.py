"""What is there for the caller of one request, by the rights in force: what it may not use is, for
it, exactly as if it did not exist.

Nothing is decided by what a run does: a text is looked at as a whole before anything is called.
"""

from __future__ import annotations

from msgspec import Struct

from apiql.access.principal import Principal
from apiql.access.rights import Rights, may_text, methods_of
from apiql.engine import Engine
from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.ir.reach import Kind, Seen
from apiql.runtime.step import Executable
from apiql.stored import StoredQuery

RIGHTS = "rights"
"""What has refused a caller here."""
UNSEEN = frozenset({Code.UNKNOWN_SOURCE, Code.FORBIDDEN_UPSTREAM, Code.QUERY_NOT_ALLOWED})
"""How a text is refused that names what is not there."""


class Sight(Struct):
    """One caller's; `challenge` is how it may prove who it is, empty where there is no way.
    `private`: what was asked for is not everybody's, so no cache may give the answer to others.
    """

    _rights: Rights
    _who: Principal
    _challenge: str = ""
    private: bool = False

    def stored(self, query: StoredQuery) -> bool:
        """Whether a stored query is there."""
        return self.sees(Kind.QUERY, query.name)

    def defined(self, kind: Kind, name: str) -> bool:
        """Whether a definition is there."""
        return self._rights.may(kind, name, self._who)

    def use_defined(self, kind: Kind, name: str) -> None:
        """Notes which definition is asked for, which is there."""
        self.private = not self._rights.is_open(frozenset({(kind, name)}))

    def texts(self, engine: Engine) -> bool:
        """Whether texts are run that are not stored."""
        if may_text(self._rights.granted(self._who)):
            return True
        return engine.settings.queries.mode == "stored-only"  # then none is anyway

    def sees(self, kind: Kind, name: str) -> bool:
        """Whether a name is there."""
        return self._rights.may(kind, name, self._who)

    def use(self, kind: Kind, name: str) -> None:
        """Notes what is asked for by its name, which is there."""
        self.private = not self._rights.is_open(frozenset({(kind, name)}))

    def executable(self, engine: Engine, text: str) -> Executable:
        """The plan of a text that names nothing but what is there.

        Raises:
            QueryRefused: everything that is wrong with it.
            RequestRefused: UNAUTHENTICATED where that may come of not knowing the caller.
        """
        found = engine.kept(text)
        if found is not None:
            decided = self._rights.decided(found.reach, self._who)
            if decided.allowed:
                self.private = not decided.is_open
                return found
        if not self.texts(engine):
            message = "only stored queries are run for this caller"
            raise RequestRefused(Code.QUERY_NOT_ALLOWED, message, guard=RIGHTS)
        return self._looked_at(engine, text)

    def _looked_at(self, engine: Engine, text: str) -> Executable:
        """The plan of a text that is not kept, or that this caller may not send as it is: both are
        refused in the same way and at the same pace.
        """
        granted = self._rights.granted(self._who)
        seen = Seen(self.sees, methods_of(granted))
        try:
            engine.refuse_unseen(text, seen)
            found = engine.executable(text)
        except QueryRefused as refused:
            self._ask_for_proof(refused)
            raise
        if not self._rights.allows(found.reach, self._who, granted):
            message = "this caller may not send this query"
            raise RequestRefused(Code.FORBIDDEN, message, guard=RIGHTS)
        self.private = not self._rights.is_open(found.reach.names)
        return found

    def miss(self) -> None:
        """A name is not there: asks who the caller is, where that could change it.

        Raises:
            RequestRefused: UNAUTHENTICATED.
        """
        if self._rights.proof_helps:
            self._ask()

    def _ask_for_proof(self, refused: QueryRefused) -> None:
        codes = {problem.code for problem in refused.problems}
        if Code.FORBIDDEN in codes and self._rights.would_help(Kind.UPSTREAM, "default"):
            self._ask()
        if codes & UNSEEN:
            self.miss()

    def _ask(self) -> None:
        if not self._who.is_known and self._challenge:
            message = "who asks is not known here"
            told = {"WWW-Authenticate": self._challenge}
            raise RequestRefused(Code.UNAUTHENTICATED, message, told, RIGHTS)
