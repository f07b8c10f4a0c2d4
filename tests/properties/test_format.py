"""Any program has one form, which reads as the program itself and keeps its comments; its identity
is that of the form without constants.
"""

from __future__ import annotations

from hashlib import sha256

from hypothesis import assume, given, settings

from apiql.errors import QueryRefused
from apiql.frontends.text.format import format_text, statement_docs
from apiql.frontends.text.identity import identity, lifted, persisted_id
from apiql.frontends.text.layout import in_one_line
from apiql.frontends.text.syntax import Program
from tests.properties.format_texts import (
    PARSER,
    Sample,
    comments_of,
    constants_of,
    noisy,
    samples,
    shuffled,
    with_other_constants,
)
from tests.properties.same_tree import tree

any_sample = given(samples())
few = settings(max_examples=20)


def read(text: str) -> Program | None:
    """The program of a text, if it is one."""
    try:
        return PARSER.parse(text)
    except QueryRefused:
        return None


@any_sample
def test_the_form_of_a_program(sample: Sample) -> None:
    found = format_text(sample.text, PARSER)
    assert tree(PARSER.parse(found)) == tree(sample.program)
    assert format_text(found, PARSER) == found
    assert found == found.lstrip("\n").rstrip("\n") + "\n"
    ends = [line for line in found.split("\n") if line.endswith(" ")]
    assert len(ends) <= sample.text.count("a\nb")  # lines of texts stay as they are


@any_sample
def test_comments_and_white_space(sample: Sample) -> None:
    text = noisy(sample)
    noise = read(text)
    assume(noise is not None and tree(noise) == tree(sample.program))  # no comment: `/*` a path
    found = format_text(text, PARSER)
    assert comments_of(found) == comments_of(text)
    assert format_text(found, PARSER) == found
    assert tree(PARSER.parse(found)) == tree(sample.program)
    assert persisted_id(PARSER.parse(text)) == persisted_id(sample.program)


@few
@any_sample
def test_the_order_of_clauses_is_one(sample: Sample) -> None:
    other = shuffled(sample.program, sample.random)
    assert identity(other) == identity(sample.program)
    assert persisted_id(other) == persisted_id(sample.program)


@few
@any_sample
def test_constants_are_not_the_identity(sample: Sample) -> None:
    other = with_other_constants(sample.program)
    assert identity(other) == identity(sample.program)
    if lifted(other)[1] != lifted(sample.program)[1]:
        assert persisted_id(other) != persisted_id(sample.program)


@few
@any_sample
def test_all_constants_are_lifted(sample: Sample) -> None:
    _, constants = lifted(sample.program)
    known = [constant.value for constant in constants_of(sample.program)]
    left = list(constants)
    for value in known:
        left.remove(value)
    assert all(isinstance(value, str) for value in left)  # texts in the quotes of names


@few
@any_sample
def test_what_is_hashed_tells_programs_apart(sample: Sample) -> None:
    line = "; ".join(in_one_line(doc) for doc in statement_docs(sample.program))
    assert tree(PARSER.parse(line)) == tree(sample.program)
    assert persisted_id(sample.program) == f"sha256:{sha256(line.encode()).hexdigest()}"


@few
@given(samples(), samples())
def test_programs_that_differ_have_other_ids(one: Sample, other: Sample) -> None:
    same = tree(one.program) == tree(other.program)
    assert (persisted_id(one.program) == persisted_id(other.program)) == same


@few
@any_sample
def test_one_token_less_changes_the_id(sample: Sample) -> None:
    tokens = list(map(str, PARSER.tokens(sample.text)))
    for at in sample.random.sample(range(len(tokens)), min(8, len(tokens))):
        other = read(" ".join(tokens[:at] + tokens[at + 1 :]))
        if other is not None:
            same = tree(other) == tree(sample.program)
            assert (persisted_id(other) == persisted_id(sample.program)) == same
