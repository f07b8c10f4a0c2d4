"""The one form of a text, by example, and what the identity of a query minds."""

from __future__ import annotations

import re
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from apiql.errors import QueryRefused
from apiql.frontends.text.format import format_text
from apiql.frontends.text.grammar import TextLimits
from apiql.frontends.text.identity import identity, lifted, persisted_id
from apiql.frontends.text.parse import TextParser
from tests.doc_blocks import Block, blocks_of

TESTS = Path(__file__).parent
PARSER = TextParser(TextLimits())
EXAMPLES = blocks_of(TESTS / "data" / "format.md")
PAIRS = list(zip(EXAMPLES[::2], EXAMPLES[1::2], strict=True))
CASES = [
    block
    for page in sorted((TESTS / "cases").rglob("*.md"))
    for block in blocks_of(page)
    if block.kind == "apiql"
]


def formatted(text: str) -> str:
    return format_text(text, PARSER)


def id_of(text: str) -> str:
    return identity(PARSER.parse(text))


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=str)
def test_an_example(before: Block, after: Block) -> None:
    assert formatted(before.body) == after.body


@pytest.mark.parametrize("after", EXAMPLES[1::2], ids=str)
def test_the_form_of_an_example_is_itself(after: Block) -> None:
    assert formatted(after.body) == after.body


@pytest.mark.parametrize("before", EXAMPLES[::2], ids=str)
def test_every_comment_of_an_example_is_there(before: Block) -> None:
    words = r"--.*|/\*|\*/|\bc\d+\b"
    assert len(re.findall(words, formatted(before.body))) == len(re.findall(words, before.body))


def test_the_queries_of_all_cases() -> None:
    read = 0
    for case in CASES:
        try:
            found = formatted(case.body)
        except QueryRefused:
            continue
        read += 1
        assert formatted(found) == found, str(case)
    assert read > 0.8 * len(CASES)


@pytest.mark.parametrize(
    "deep",
    ["[" * 64 + "]" * 64, '{"a": ' * 64 + "1" + "}" * 64, "md5(" * 64 + "1" + ")" * 64,
     "(1 + " * 64 + "1" + ")" * 64, "a[" * 64 + "1" + "]" * 64, "- " * 64 + "a",
     "(not a and b or " * 63 + "c" + ")" * 63],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_as_deep_as_a_text_may_be(deep: str) -> None:
    text = f"select * from /a where x = {deep}"
    assert id_of(formatted(text)) == id_of(text)


@pytest.mark.parametrize("word", ["join", "else"])
def test_as_many_selects_as_a_text_may_hold(word: str) -> None:
    found = formatted("select * from /a " + f"{word} select * from /a " * 900)
    assert found.count("\n") == 901


def test_a_byte_order_mark_and_line_ends_of_windows() -> None:
    text = "\ufeffselect * from /a -- c\r\n  where id = 1\r\n"
    assert formatted(text) == "select * from /a -- c\n  where id = 1\n"


BASE = """
set $n integer = 1; use timeout 1s;
select a, b + 1 as c, jmespath('x[0]', d) as d, e[0] as e from /p/{id} as t
where id = 1 and q in (1, 2) batch 5 query r = 'r' headers H = 'h' body {"k": [1, true]}
having a > 1 group by f order by g limit 1 offset 2 timeout 1s within 1s or 1 retry 1
cache 1s when $w = 1 fallback 1
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("id = 1", "id = 'one'"), ("id = 1", "id = -1.5"), ("id = 1", "id = null"),
     ("(1, 2)", "(3, 'x')"), ("b + 1", "b + 2"), ("'r'", '"r\\n"'), ("'h'", '"H"'),
     ("[1, true]", "[false, null]"), ("a > 1", "a > 'x'"), ("\n", "\t\n-- c\n"),
     ("id = 1", "id = (1)"), ("select", "SELECT"), ("1s", "1000"), ("/p/{id} as", "/p/{id} AS"),
     ("having a > 1 group by f", "group by f having a > 1"), ("select a", 'select "a"'),
     ("a, b + 1", "a, (b) + 1"), ("from /p", "get from /p")],
)  # fmt: skip
def test_what_the_identity_does_not_mind(old: str, new: str) -> None:
    assert old in BASE
    assert id_of(BASE.replace(old, new)) == id_of(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("select a", "select z"), ("/p/{id}", "/q/{id}"), ("/p/{id}", "/p/{id?}"),
     ("from", "post from"), ("as t", "as u"), ("x[0]", "x[1]"), ("e[0]", "e[1]"),
     ("b + 1", "b - 1"), ("(1, 2)", "(1, 2, 3)"), ("batch 5", "batch 6"), ("query r", "query s"),
     ("H =", "I ="), ('"k"', '"l"'), ("a > 1", "a < 1"), ("by f", "by h"), ("by g", "by g desc"),
     ("limit 1", "limit 2"), ("offset 2", "offset 3"), ("/p/{id} as t", "/p/{id} as t hidden"),
     ("timeout 1s;", "timeout 2s;"), ("limit 1 offset 2 timeout 1s", "limit 1 offset 2 timeout 2s"),
     ("within 1s or 1", "within 1s or 2"), ("retry 1", "retry 2"), ("cache 1s", "cache 2s"),
     ("$w = 1", "$w = 2"), ("fallback 1", "fallback 2"), ("= 1; use", "= 2; use"),
     ("integer", "number"), ("'x[0]', d", "'x[0]', 1"), ("select a,", "explain select a,")],
)  # fmt: skip
def test_what_the_identity_minds(old: str, new: str) -> None:
    assert old in BASE
    assert id_of(BASE.replace(old, new, 1)) != id_of(BASE)


def test_constants_are_part_of_a_persisted_id() -> None:
    one, same, other = map(
        PARSER.parse,
        ("select * from /a where id = 1", "SELECT * FROM /a -- c\n WHERE id=1",
         "select * from /a where id = 2"),
    )  # fmt: skip
    assert persisted_id(one) == persisted_id(same)
    assert persisted_id(one) != persisted_id(other)
    assert identity(one) == identity(other)
    assert re.fullmatch("sha256:[0-9a-f]{64}", persisted_id(one))


def test_constants_stand_in_the_order_of_the_form() -> None:
    text = "select a * 2 as b from /a fallback 3 query y = 'it''s' where x in (null, -1.50, true)"
    assert lifted(PARSER.parse(text)) == (
        "select a * ? as b from /a where x in (?, ?, ?) query y = ? fallback 3",
        (2, None, Decimal("-1.50"), True, "it's"),
    )


def test_a_text_of_a_placeholder_is_none() -> None:
    assert id_of("select * from /a where x = y?") != id_of("select * from /a where x = '?'")


def test_an_id_is_the_hash_of_one_line() -> None:
    program = PARSER.parse("SELECT name FROM /users/{id}\n AS user WHERE id=15; use timeout 500")
    line = "select name from /users/{id} as user where id = 15; use timeout 500ms"
    assert persisted_id(program) == f"sha256:{sha256(line.encode()).hexdigest()}"
    line = line.replace("15", "?")
    assert identity(program) == f"sha256:{sha256(line.encode()).hexdigest()}"
