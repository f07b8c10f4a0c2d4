"""The runner of golden cases: what it must not let pass, and how it rewrites a file."""

from __future__ import annotations

import pytest

from tests.harness import exact_json
from tests.harness.case_file import Case, CaseFault, read_cases, rewritten
from tests.harness.run_case import actual_blocks, differences

FENCE = "```"


def file_of(**blocks: str) -> str:
    """A file with one case of these blocks."""
    parts = [f"{FENCE}{word}\n{text}\n{FENCE}\n" for word, text in blocks.items()]
    return "# Title\n\n## The case\n\nProse.\n\n" + "\n".join(parts)


def case_of(**blocks: str) -> Case:
    """One case of these blocks."""
    return read_cases(file_of(**blocks))[0]


def test_an_unscripted_call_fails() -> None:
    """Whatever the answer would be."""
    case = case_of(apiql="select * from /a as a; select * from /b as b", upstream="GET /a -> 200 1")
    with pytest.raises(CaseFault, match="an unscripted call: GET /b"):
        actual_blocks(case)


def test_an_unused_line_fails() -> None:
    """What is scripted must be called, as often as it is."""
    case = case_of(apiql="select * from /a as a", upstream="GET /a -> 200 1\nGET /a -> 200 1")
    with pytest.raises(CaseFault, match="nothing called"):
        actual_blocks(case)


def test_a_refused_query_calls_nothing() -> None:
    """So its script has no lines."""
    case = case_of(apiql="selec", upstream="GET /a -> 200 1")
    with pytest.raises(CaseFault, match="nothing was called"):
        actual_blocks(case)


def test_a_refusal_that_nobody_expects_is_a_difference() -> None:
    """A case without expectations expects at least an answer."""
    case = case_of(apiql="selec")
    assert "error" in differences(case, actual_blocks(case))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('POST /a {"x": 2} -> 200 1', "its body is"),
        ('POST /a {"x": 1.0} -> 200 1', "its body is"),
        ("POST /a -> 200 1", "its body is"),
        ('POST /a {"x": 1} -> 200 1\n  > X-A: 2', "header x-a is '1', not '2'"),
        ('POST /a {"x": 1} -> 200 1\n  > !X-A', "header x-a is '1', not None"),
        ('POST /a {"x": 1} -> 200 1\n  > Content-Type: text/plain', "content-type"),
    ],
)
def test_a_call_that_is_otherwise_fails(line: str, why: str) -> None:
    """Body, digits, headers and media type count, and the fault says what differs."""
    case = case_of(apiql="select * post from /a as a where x = 1 headers X-A = 1", upstream=line)
    with pytest.raises(CaseFault, match=f"POST /a; .*{why}"):
        actual_blocks(case)


def test_a_reply_held_for_a_call_that_never_comes_fails() -> None:
    """As it would under a scheduler that goes level by level."""
    script = "GET /a -> 200 1 once GET /b?x=1"
    case = case_of(apiql="select * from /a as a", upstream=script)
    with pytest.raises(CaseFault, match="never came: GET /a"):
        actual_blocks(case)


def test_time_passes_only_as_the_script_says() -> None:
    """Each wave ends at the next moment at which something ends."""
    script = "GET /a -> 200 1 in 2s\nGET /b -> 200 2 in 1s\nGET /c -> 200 3"
    text = "select * from /a as a; select * from /b as b; select * from /c as c"
    found = actual_blocks(case_of(apiql=text, upstream=script))
    assert found["waves"] == "GET /a, GET /b, GET /c\nGET /a, GET /b\nGET /a"


@pytest.mark.parametrize(
    ("written", "alike"),
    [
        ('{"data": {"a": {"x": 1.50, "y": 2}}}', True),
        ('{"data": {"a": {"y": 2, "x": 1.50}}}', False),
        ('{"data": {"a": {"x": 1.5, "y": 2}}}', False),
        ('{"data": {"a": {"x": 1.50}}}', False),
    ],
)
def test_digits_and_order_of_data_count(written: str, alike: bool) -> None:
    """An answer that is only equal as numbers or as a set of members is another answer."""
    script = 'GET /a -> 200 {"x": 1.50, "y": 2}'
    case = case_of(apiql="select * from /a as a", upstream=script, json=written)
    assert (differences(case, actual_blocks(case)) == {}) is alike


def test_update_rewrites_blocks_and_nothing_else() -> None:
    """Prose and requests stay; an expectation that is not there is added behind the last block."""
    text = file_of(apiql="select 1", json="{}", waves="GET /a\nGET /b")
    case = read_cases(text)[0]
    made = rewritten(text, [(case, "json", '{\n  "data": 1\n}'), (case, "status", "200")])
    again = read_cases(made)[0]
    assert again.text("json") == '{\n  "data": 1\n}'
    assert again.text("waves") == "GET /a\nGET /b"
    assert again.text("status") == "200"
    assert rewritten(made, [(again, "json", "{}")]).startswith(text.rstrip())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("## A\n\n```json\n{}\n```\n", "no request"),
        ("## A\n\n```apiql\n1\n```\n```apiql\n2\n```\n", "a second block"),
        ("## A\n\n```sql\n1\n```\n", "blocks are"),
        ("## A\n\n```apiql\n1\n", "never closed"),
        ("## A\n\n```apiql\n1\n```\n## A\n\n```apiql\n1\n```\n", "a second case"),
    ],
)
def test_a_file_that_is_no_suite(text: str, why: str) -> None:
    """A mistake in a file is a fault, not a case less."""
    with pytest.raises(CaseFault, match=why):
        read_cases(text)


def test_json_for_people_reads_back() -> None:
    """What `--update` writes is what was answered, in lines that fit."""
    text = '{"data": {"long": [' + ", ".join(["1.50", '"é"', "null", "{}"] * 12) + "]}}"
    shown = exact_json.render(exact_json.parse(text))
    assert exact_json.same(exact_json.parse(shown), exact_json.parse(text), ordered=True)
    assert max(map(len, shown.split("\n"))) <= 100
