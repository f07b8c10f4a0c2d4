"""Who may use what by name: the rights of single names, what scopes list, and the default.

Pure decisions. Knows no files, no requests and no query text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from apiql.access.principal import Principal
from apiql.errors import Location
from apiql.ir.reach import Kind, Name, Reach

REMEMBERED = 1000
"""Sets of scopes of which it is remembered what they allow."""
DECISIONS = 5000
"""Of what it is remembered whether a caller may use it."""


class Word(StrEnum):
    """Whom a right is for: everybody; whose claim was proved; nobody directly, only other
    definitions; who is listed; who is not listed.
    """

    PUBLIC = "public"
    KNOWN = "known"
    INTERNAL = "internal"
    WHITELIST = "whitelist"
    BLACKLIST = "blacklist"


@dataclass(frozen=True, slots=True)
class Right:
    """The right of one name; its list are the names of users, and scopes. `at` is where it was
    read, for who is told of it.
    """

    word: Word
    users: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    at: Location | None = field(default=None, compare=False)

    def admits(self, who: Principal) -> bool:
        """Whether a caller may use the name directly."""
        match self.word:
            case Word.PUBLIC:
                return True
            case Word.KNOWN:
                return who.is_known
            case Word.INTERNAL:
                return False
            case Word.WHITELIST:
                return self._lists(who)
            case Word.BLACKLIST:
                return not self._lists(who)

    def _lists(self, who: Principal) -> bool:
        """Whether a caller is in the list: only what was proved counts."""
        named = who.name in self.users or not self.scopes.isdisjoint(who.scopes)
        return who.is_known and named


@dataclass(frozen=True, slots=True)
class Granted:
    """What a scope allows. Of a kind that `names` has not, the default counts; a pattern is a
    whole name, or the beginning of names with * behind it. `methods` None: any.
    """

    names: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    methods: frozenset[str] | None = None
    texts: bool = True

    def lists(self, kind: Kind, name: str) -> bool:
        """Whether one of its patterns is for this name."""
        for pattern in self.names[kind]:  # a loop: twice as quick as any() of a generator
            if matches(pattern, name):
                return True
        return False


class Decision(Struct, frozen=True):
    """Whether a caller may send a text, for all that it reaches, and whether everybody may use
    that.
    """

    reach: Reach
    allowed: bool
    is_open: bool


def matches(pattern: str, name: str) -> bool:
    """`shop/*` is for all names that begin with `shop/`, `users` for this one."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


class Rights:
    """Who may use which names. First the right of the name itself; where it has none, the scopes
    of the caller; whoever has none of these, by the default.
    """

    def __init__(
        self,
        default: Word = Word.PUBLIC,
        named: Mapping[Name, Right] | None = None,
        scopes: Mapping[str, Granted] | None = None,
    ) -> None:
        self._default = Right(default)
        self._named = dict(named or {})
        self._scopes = dict(scopes or {})
        self._granted: dict[frozenset[str], tuple[Granted, ...]] = {}
        self._decided: dict[tuple[int, str, str, frozenset[str]], Decision] = {}
        public = {name for name, right in self._named.items() if right.word is Word.PUBLIC}
        self._public = frozenset(public)
        self._closed = frozenset(self._named.keys() - public)
        self.is_public = default is Word.PUBLIC
        """Whether what nothing is said of is for everybody."""
        self.restricts = not self.is_public or bool(self._closed or self._scopes)
        """Whether there is anything to decide at all."""

    def may(self, kind: Kind, name: str, who: Principal, *, inside: bool = False) -> bool:
        """Whether a caller may use a name; `inside` another definition everything may be used."""
        return inside or self._may(kind, name, who, self.granted(who))

    def decided(self, reach: Reach, who: Principal) -> Decision:
        """What is to be said of a caller and a text. The same callers send the same texts: it is
        remembered by all that counts of a caller, and for this very reach, which is kept along, so
        that no other one gets its place.
        """
        place = id(reach), who.name, who.scheme, who.scopes
        found = self._decided.get(place)
        if found is None:
            granted = self.granted(who)
            allowed = may_text(granted) and self.allows(reach, who, granted)
            found = Decision(reach, allowed, self.is_open(reach.names))
            if len(self._decided) >= DECISIONS:
                self._decided.clear()
            self._decided[place] = found
        return found

    def allows(self, reach: Reach, who: Principal, granted: tuple[Granted, ...]) -> bool:
        """Whether a caller, who was `granted` this, may use all that a text reaches."""
        if granted:
            methods = methods_of(granted)
            if methods is not None and not reach.methods <= methods:
                return False
        elif self.is_open(reach.names):
            return True
        for kind, name in reach.names:
            if not self._may(kind, name, who, granted):
                return False
        return True

    def is_open(self, names: frozenset[Name]) -> bool:
        """Whether all of these are for everybody: then nothing about them is anybody's own."""
        return names.isdisjoint(self._closed) if self.is_public else names <= self._public

    def granted(self, who: Principal) -> tuple[Granted, ...]:
        """What the scopes of a caller allow, as far as anything is said of them."""
        scopes = self._scopes
        if not scopes or not who.scopes:
            return ()
        found = self._granted.get(who.scopes)
        if found is None:
            found = tuple([scopes[each] for each in who.scopes if each in scopes])
            if len(self._granted) < REMEMBERED:
                self._granted[who.scopes] = found
        return found

    def _may(
        self, kind: Kind, name: str, who: Principal, granted: tuple[Granted, ...]
    ) -> bool:  # fmt: skip
        right = self._named.get((kind, name))
        if right is not None:
            return right.admits(who)
        if not granted:
            return self._default.admits(who)
        for scope in granted:
            listed = kind in scope.names
            if scope.lists(kind, name) if listed else self._default.admits(who):
                return True
        return False

    @property
    def proof_helps(self) -> bool:
        """Whether a name that is not there may be there for who proves who he is. It depends on no
        name: what does not exist must not answer otherwise than what is not shown.
        """
        if self.is_public:
            return False
        words = {right.word for right in (self._default, *self._named.values())}
        return bool(self._scopes) or not words.isdisjoint((Word.KNOWN, Word.WHITELIST))

    def would_help(self, kind: Kind, name: str) -> bool:
        """Whether somebody who proves who he is may be able to use the name."""
        right = self._named.get((kind, name))
        if right is None:
            return self._default.word is not Word.INTERNAL or bool(self._scopes)
        return right.word is not Word.INTERNAL


def may_text(granted: tuple[Granted, ...]) -> bool:
    """Whether a caller who was granted this may send texts that are not stored."""
    return not granted or any(scope.texts for scope in granted)


def methods_of(granted: tuple[Granted, ...]) -> frozenset[str] | None:
    """The methods that a caller may choose who was granted this; None: any."""
    found: frozenset[str] = frozenset()
    for scope in granted:
        if scope.methods is None:
            return None
        found |= scope.methods
    return found if granted else None


OPEN = Rights()
"""Where everybody may use everything."""
