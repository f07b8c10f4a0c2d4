"""The path language: what is a path, what is none, and where that is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.frontends.call_templates.path import NoPath, Path, paths, pieces, whole

NODES = st.text(st.characters(exclude_characters=".<>[]", codec="utf-8"), min_size=1, max_size=8)
STEPS = st.lists(NODES | st.integers(0, 999_999_999), max_size=5)
TEXT = st.text(max_size=6).filter(lambda text: "<" not in text and ">" not in text)


@st.composite
def written_paths(draw: st.DrawFn) -> tuple[str, str, tuple[str | int, ...]]:
    """A path as it is written, its base and its steps."""
    base, steps = draw(NODES), draw(STEPS)
    written, found = base, []
    for step in steps:
        in_brackets = isinstance(step, int) and draw(st.booleans())
        written += f"[{step}]" if in_brackets else f".{step}"
        text = str(step)
        is_index = text.isascii() and text.isdigit() and len(text) <= 9
        found.append(int(text) if is_index else text)
    return f"<<{written}>>", base, tuple(found)


@given(written_paths())
def test_a_path_is_what_was_written(one: tuple[str, str, tuple[str | int, ...]]) -> None:
    written, base, steps = one
    found = whole(written)
    assert found == Path(base, steps, written, 0)
    assert found.text == written[2:-2]


@given(st.lists(TEXT | written_paths().map(lambda one: one[0]), max_size=5))
def test_the_pieces_of_a_text_make_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    found = pieces(text)
    assert "".join(p if isinstance(p, str) else p.written for p in found) == text
    at = 0
    for piece in found:
        if isinstance(piece, Path):
            assert text[piece.at : piece.at + len(piece.written)] == piece.written
            assert piece.at == at
        at += len(piece if isinstance(piece, str) else piece.written)
    assert len(paths(text)) == sum(part.startswith("<<") for part in parts)


@given(st.text(st.sampled_from("ab0.[]<> ü"), max_size=16))
def test_any_text_has_pieces_or_a_place_where_it_is_wrong(text: str) -> None:
    wrong = None
    try:
        found = pieces(text)
    except NoPath as refused:
        wrong, found = refused, ()
    if wrong is None:
        assert "".join(p if isinstance(p, str) else p.written for p in found) == text
    else:
        assert 0 <= wrong.at <= len(text)
        assert "\n" not in f"{wrong} {wrong.expected}"


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("<<>>", 2, "a name"),
        ("<<a.>>", 4, "a name"),
        ("<<.a>>", 2, "a name"),
        ("<<a..b>>", 4, "a name"),
        ("x <<a[]>>", 6, "an index"),
        ("<<a[b]>>", 4, "an index"),
        ("<<a[-1]>>", 4, "an index"),
        ("<<a[1>>", 5, "an index"),
        ("<<a[1234567890]>>", 13, "an index"),
        ("<<a[0]b>>", 6, "a dot"),
        ("<<a]>>", 3, "a dot"),
        ("ok <<a>> <<b.>>", 13, "a name"),
        ("<<" + "a" * 513 + ">>", 0, "at most 512"),
    ],
)
def test_what_is_no_path(text: str, at: int, expected: str) -> None:
    with pytest.raises(NoPath) as caught:
        pieces(text)
    assert (caught.value.at, caught.value.expected[: len(expected)]) == (at, expected)


@pytest.mark.parametrize("text", ["", "a", "<a>", "<<a", "a>>", "<< a < b >>", "<<a>b>>"])
def test_what_has_no_path_is_text(text: str) -> None:
    assert pieces(text) == (text,)
    assert whole(text) is None
    assert paths(text) == ()


def test_nine_digits_are_an_index_and_more_of_them_a_name() -> None:
    ((short,), (long,)) = (paths(f"<<a.{digits}>>") for digits in ("123456789", "1234567890"))
    assert (short.steps, long.steps) == ((123456789,), ("1234567890",))


def test_three_brackets() -> None:
    assert pieces("<<<a>>>") == ("<", Path("a", (), "<<a>>", 1), ">")
