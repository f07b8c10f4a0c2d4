"""Habits of other languages as data: the text before a mistake, the mistake, and what to write.

The first that fits is told. `before` ends where the mistake begins; both sides are short cuts of
the text, and patterns have no repetition in a repetition, so a hostile text costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SEEN = 80
"""Characters of the text that are looked at on either side of a mistake."""
NO_SUBSELECT = (
    "a select is no value: give it a name and read that: "
    "`select id from /y as b; select a from /x where id in b.id`"
)
LIST = "a list stands in brackets: in (1, 2)"
MEMBERS = 'names of members stand in "…", or without quotes'
NO_CASE = (
    "there is no choice between two values: `coalesce(a, b)` takes the first that is not null, "
    "`age > 20 as adult` is true or false"
)
QUOTES = "a path or a source stands without quotes"
COMPARISON = "a comparison stands in brackets here: (a = b); a range is `a between 1 and 9`"
TIMES = "times are written 500ms, 2s, 5m, 1h, 1d"
COUNTS = "it takes a whole number from 0 up, or a parameter: limit 10 offset 20, limit $size"
LEFT_OUT = "what is left out stands in brackets: select *, (password, user.ssn)"
JOINED = (
    "`join` is followed by a select: "
    "join select id from /orders as orders into users.orders[] on userId = users.id"
)


@dataclass(frozen=True)
class Clue:
    """A habit: what stands before and at the mistake, and what could stand there, or could not.
    Groups of the patterns stand in the hint by their names.
    """

    before: re.Pattern[str]
    here: re.Pattern[str]
    hint: str
    accepted: frozenset[str] = frozenset()
    not_accepted: frozenset[str] = field(default=frozenset())


def _clue(before: str, here: str, hint: str, accepted: str = "", not_accepted: str = "") -> Clue:
    flags = re.IGNORECASE
    return Clue(
        re.compile(before + r"\Z", flags), re.compile(here, flags), hint,
        frozenset(accepted.split()), frozenset(not_accepted.split()),
    )  # fmt: skip


CLUES = (
    # texts of other languages
    _clue(r"\A\s*", r'\{\s*"(query|params|id)"', "JSON is sent as application/json, a text alone "
          "as text/plain"),
    _clue(r"\A\s*", r"\{|(query|mutation|subscription|fragment)\b",
          "a text begins with a statement: select name from users where id = 1"),
    _clue(r"\A\s*", r"(?P<method>get|post|put|patch|delete|head)\b",
          "the method stands before `from`: select * {method} from /path"),
    _clue(r"\bfrom\s+(?P<method>get|post|put|patch|delete|head)\s+", r"/",
          "the method stands before `from`: select * {method} from /path"),
    # projections
    _clue(r"\bselect\s+distinct\s+", r"", "`distinct` stands behind `from`: "
          "`select a from /x distinct`"),
    _clue(r"\bselect\s+top\s+", r"", "`limit` stands behind `from`: `select a from /x limit 3`"),
    _clue(r"\bselect\s+all\s+", r"", "all rows are answered anyhow: leave out `all`"),
    _clue(r"\(\s*select\s+", r"", NO_SUBSELECT),
    _clue(r"", r"\(", NO_SUBSELECT, "PATH"),
    _clue(r"\bselect\s*\{[^{}]*", r"", "fields stand without braces: select name, age from users"),
    _clue(r"\b(?P<name>\w+)\s*", r"\{\s*(?P<inner>[^\W\d]\w*)",
          "fields in a field are named with dots: {name}.{inner}", "FROM"),
    _clue(r"\*\s*", r"\(|except\b|exclude\b|but\b|without\b", LEFT_OUT, "FROM"),
    _clue(r"\.", r"\*", "leave out `.*`: a name alone is everything in it"),
    _clue(r",\s*", r"\*", "`*` stands first: select *, name", "STRING"),
    _clue(r"\[", r"\*", "lists are entered by themselves: leave out `[*]`; `[]` opens the lists "
          "in a list"),
    _clue(r"\[[^\[\]]*", r":", "a part of a list is slice(list, 0, 2)"),
    _clue(r"\.", r"(?P<index>\d+)", "an element is picked with [{index}]; a text stands in quotes"),
    _clue(r"\bcase\s+", r"when\b", NO_CASE),
    _clue(r"", r"\?", NO_CASE, "PLUS"),
    _clue(r"\bcast\s*\([^()]*", r"as\b", "string(x) makes a text, number(x) a number"),
    _clue(r"", r"::", "string(x) makes a text, number(x) a number"),
    _clue(r"\(\s*distinct\s+", r"", "`distinct` stands behind `from`, and makes rows that are "
          "counted with length(…) in `return`"),
    _clue(r",\s*from\b[^;]*", r"", "take out the comma before `from`", "FROM"),
    _clue(r",\s*", r"[\])}]", "take out the comma before the bracket"),
    _clue(r"\bin\s*\(\s*", r"\)", "an empty list is written []"),
    # sources and joins
    _clue(r"\bfrom\s+", r"['\"]", QUOTES),
    _clue(r"\bfrom\s+(?P<source>[^\W\d][\w.]*)", r"(?P<rest>/[^\s;]*)",
          "a path begins with `/`: from /{source}{rest}"),
    _clue(r"\bfrom\s+(?P<source>[^\W\d][\w.]*)\s*", r"\(",
          "arguments stand in `where`: from {source} where id = 1"),
    _clue(r"\bjoin\s+", r"", JOINED),
    _clue(r"\b(left|inner)\s+", r"outer\b", "leave out `outer`: left join select …"),
    _clue(r"", r"(cross|right|full|natural|outer)\b",
          "there are `join`, `left join` and `inner join`"),
    _clue(r"", r"on\b", "`on` stands behind `into`: into users.orders[] on userId = users.id",
          "INTO"),
    _clue(r"\bfrom\s+\S+\s+as\s+(\w+)?", r"['\"-]", "the name of a select is a plain word: "
          "letters, digits and _", "", "DQ"),
    _clue(r"\bas\s+", r"'", "a name stands in \"…\", or without quotes", "DQ"),
    # rows
    _clue(r"\blimit\s+(?P<first>\d+)\s*", r",\s*(?P<second>\d+)",
          "write: limit {second} offset {first}"),
    _clue(r"\b(limit|offset)\s+", r"", COUNTS, "INT"),
    _clue(r"", r"offset\b", "`offset` stands behind `limit`: limit 10 offset 20"),
    _clue(r"", r"fetch\b", "write: limit 10"),
    _clue(r"", r"(sort|orderby|sortby)\b", "write: order by name", "SORT"),
    _clue(r"", r"groupby\b", "write: group by name", "GROUP"),
    _clue(r"<", r">", "`!=` is unequal"),
    _clue(r"", r"ilike\b", "capitals matter to `like`: lower(name) like 'a%'"),
    _clue(r"", r"(rlike|regexp|matches|contains|startswith)\b",
          "`like` knows % and _: name like 'a%'", "LIKE"),
    _clue(r"\blike\s+\S+\s+", r"escape\b", "% and _ cannot be escaped in `like`"),
    _clue(r"\bis(\s+not)?\s+", r"", "`is` takes null or not null; true and false are compared "
          "with `=`", "NULL"),
    # values
    _clue(r"\\'", r"", "a quote in a text is written twice: 'it''s'"),
    _clue(r"[{,]\s*", r"'", MEMBERS, "", "STRING"),
    _clue(r"\{\s*(?P<name>[^\W\d]\w*)\s*", r"\}",
          'a member has a value: {{"{name}": {name}}}; a parameter is written ${name}'),
    _clue(r"", r"(?P<word>\d+(ms|[smhd]))\b", "a text stands in quotes: '{word}'", "STRING"),
    _clue(r"(?P<whole>\d+)", r"\.(?!\d)", "digits stand behind a point: {whole}.0"),
    _clue(r"(?P<word>\b\d[\w.:/+-]*)", r"(?P<rest>[.:][\w.:/+-]*)",
          "a text stands in quotes: '{word}{rest}'"),
    _clue(r"(?P<whole>\b\d+)", r",(?P<fraction>\d+)",
          "a fraction has a point: {whole}.{fraction}; a large number no mark: {whole}{fraction}",
          "", "COMMA"),
    _clue(r"\d\s+", r"\d", "the digits of a number stand together"),
    _clue(r"", r"\.(?P<fraction>\d+)", "a digit stands before the point: 0.{fraction}", "STRING"),
    _clue(r"", r"\+\s*(?P<rest>[\w$]*)", "leave out the `+`: {rest}", "STRING"),
    # names and their values
    _clue(r"\bset\s+\$\w+\s*", r":", "the type stands by itself: set $id integer = 1"),
    _clue(r"\bset\s+\$\w+\s+(\w+\s+)?", r"default\b", "a default stands behind `=`: "
          "set $id integer = 1"),
    _clue(r"\bset\s+(?P<name>\w+)\s*", r"=", "a parameter is written ${name}; `set name as /path` "
          "names a source"),
    _clue(r"\bset\s+\$\w+\s*=[^;]*", r"(string|integer|number|boolean|object|array|any)\b",
          "the type stands before `=`: set $id integer = 1"),
    _clue(r"\buse\s+\S+\s*", r"=", "leave out the `=`"),
    _clue(r"\bwhere\s*\([^()=]*", r"=", "`where` has no brackets: where id = 1 and name = 'x'"),
    _clue(r"\bin\s+[^\s,()\[\]]+\s*", r",", LIST, "AND", "COMMA"),
    _clue(r"", r",", "`and` stands between them", "AND", "COMMA"),
    _clue(r"\bfrom\s+\S+(\s+as\s+\w+)?\s*", r",|and\b", "each source has a select of its own: "
          "separate them with `;`", "WHERE", "COMMA"),
    _clue(r",\s*", r"/", "each source has a select of its own: separate them with `;`", "WHERE"),
    _clue(r"\bbody\s+(?P<name>\w+)\s*", r"=", 'a body is one value: body {{"{name}": 1}}'),
    _clue(r"\b(headers|query|cookies|form)\s+", r"\{",
          "names and values stand without braces: headers X-A = 'a', X-B = 'b'"),
    _clue(r"\b(headers|query|cookies|form)\s[^;]*", r"and\b", "a comma stands between them",
          "COMMA"),
    _clue(r"", r":", "write `=`", "EQ", "STRING COLON"),
    _clue(r"", r"=", "write `:`", "COLON"),
    _clue(r"(?P<first>[^\W\d]\w*)", r"(?P<rest>-[\w-]+)",
          'a name with other letters than usual stands in "…": "{first}{rest}"', "", "PLUS"),
    _clue(r"\b(timeout|cache|max-age|within|backoff)\s+", r"['\"]", "a time has no quotes: "
          "500ms, 2s, 5m"),
    _clue(r"\d\s+", r"(?P<unit>ms|s|m|h|d)\b", "its unit stands right behind a number: 2{unit}"),
    _clue(r"", r"(=|!=|<|>)", COMPARISON, "PLUS", "IS EQ"),
)  # fmt: skip
