"""Dotenv files: what is read, what is refused and where; and `--env` of the command line."""

from __future__ import annotations

import tracemalloc
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.dotenv_text import DotenvRefused, read_dotenv

READ = [
    ("", {}),
    ("\n  \n# all of it\n   # is a comment", {}),
    ("A=1\nB=2", {"A": "1", "B": "2"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("  A  =  1 2  \t", {"A": "1 2"}),
    ("export A=1\nexport\tB=2", {"A": "1", "B": "2"}),
    ("export=1", {"export": "1"}),
    ("A=\nB=''\nC=\"\"\nD= # nothing", {"A": "", "B": "", "C": "", "D": ""}),
    ("A=#none\nB=a#b\nC=a #b\nD=#", {"A": "", "B": "a#b", "C": "a", "D": ""}),
    ("A='a # b' # c\nB='a'#b", {"A": "a # b", "B": "a"}),
    ("A=$HOME/${B}/~\nB='$X'\nC=\"$X ${Y} $(date)\"",
     {"A": "$HOME/${B}/~", "B": "$X", "C": "$X ${Y} $(date)"}),
    (r"""A="a\tb\n\"c\" \\ \$ \d" """, {"A": 'a\tb\n"c" \\ $ \\d'}),
    (r"A='a\tb'", {"A": r"a\tb"}),
    ("A='one\ntwo'\nB=\"three\nfour\"", {"A": "one\ntwo", "B": "three\nfour"}),
    ("A=1\nA=2", {"A": "2"}),
    ("A=it's\nB=a=b=c\nX.y-z=ü", {"A": "it's", "B": "a=b=c", "X.y-z": "ü"}),
    ("TGAH_REMOTE_CONF_URL=\n", {"TGAH_REMOTE_CONF_URL": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "variables"), READ)
def test_variables_are_read(text: str, variables: dict[str, str]) -> None:
    assert read_dotenv(text, ".env") == variables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\n  1B=2", ".env:2:3: no name of a variable begins here"),
        ("=1", ".env:1:1: no name of a variable begins here"),
        ("Ä=1", ".env:1:1: no name of a variable begins here"),
        ("A\nB=1", ".env:1:2: there is no `=` behind the name A\n    expected: A=value"),
        ("export A", ".env:1:9: there is no `=` behind the name A"),
        ("A: 1", ".env:1:2: there is no `=` behind the name A"),
        ("A=1\nB='abc", ".env:2:3: the quote that begins here is never closed\n    expected: '"),
        ('B="abc\\"', ".env:1:3: the quote that begins here is never closed"),
        ("B='S3CRET'x", ".env:1:11: something stands behind the quote that ends the value"),
        ("A=1\nB=S3\0CRET", ".env:2:5: no variable holds a NUL"),
        ("A='S3\0CRET'", ".env:1:6: no variable holds a NUL"),
    ],
)
def test_what_is_none_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DotenvRefused) as refused:
        read_dotenv(text, ".env")
    assert message in str(refused.value)
    assert "expected: " in str(refused.value)
    assert "S3" not in str(refused.value)


VALUES = st.text(st.characters(exclude_characters="\0\r'", exclude_categories=["Cs"]))


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), VALUES))
def test_what_is_quoted_is_read_as_it_is(variables: dict[str, str]) -> None:
    text = "".join(f"{name}='{value}'\n" for name, value in variables.items())
    assert read_dotenv(text, "") == variables


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_dotenv(text, "f")
    except DotenvRefused:
        return
    assert all("\0" not in value and "=" not in name for name, value in found.items())


@pytest.mark.parametrize("text", ['A="' + "x" * 300_000 + '"', 'A="' + "\\\\" * 150_000 + '"'])
def test_a_long_value_takes_no_more_memory_than_a_few_of_it(text: str) -> None:
    tracemalloc.start()
    try:
        read_dotenv(text, "f")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(text)


@pytest.mark.parametrize(
    "text", ["A=" + " " * 200_000 + "x", "A=" + "#" * 200_000, "A='" + " " * 200_000 + "'",
             'A="' + "\\" * 200_000 + '"', " " * 200_000, "A=1\n" * 50_000, "A='\n'\n" * 50_000],
    ids=range(7),
)  # fmt: skip
def test_long_texts_take_no_longer_than_they_are_long(text: str) -> None:
    """Each takes milliseconds; what grows with the square of the length would take minutes."""
    before = process_time()
    read_dotenv(text, "f")
    assert process_time() - before < 5.0
