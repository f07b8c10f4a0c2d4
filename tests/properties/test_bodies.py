"""Whatever bytes an upstream sends: the result is there, or a designed error is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apiql.sources.call import Reply
from tests.properties.engines import JSON, UPSTREAM, answer, check
from tests.properties.json_texts import BODIES

PROJECTIONS = ["*", "a", "a.b, c", "*, (a, b.c)", "a as x", "count(a) as n", "*, (c), a[0] as x",
               "jmespath('a[?b].c') as j", "a[].b as f"]  # fmt: skip
TYPES = ["application/json", "text/plain", "text/plain; charset=gbk", "text/plain; charset=hex",
         "text/html", "application/octet-stream", "", "application/problem+json;;;"]  # fmt: skip
JUNK = [b"", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"\x00", b"\xc3", b"]", b"9" * 500,
        b"1e999999999999999999999"]  # fmt: skip
DEEP = st.builds(lambda unit, n: unit * n, st.sampled_from([b"[", b'{"a":']), st.integers(1, 5000))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """JSON with bytes changed, cut or put in."""
    body = bytearray(draw(BODIES))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 4))] = draw(st.sampled_from(JUNK))
    return bytes(body)


@given(
    st.one_of(st.binary(max_size=60), damaged(), BODIES, DEEP),
    st.sampled_from(PROJECTIONS),
    st.sampled_from(TYPES),
    st.sampled_from([200, 201, 204, 205, 206, 299, 301, 404, 500]),
)
def test_any_bytes(body: bytes, projection: str, media: str, status: int) -> None:
    headers = (("content-type", media),) if media else ()
    reply = Reply(status, headers, body)
    good = Reply(200, JSON, b'{"ok":1}')
    query = f"""select {projection} from /x as x; select * from /ok as ok;
                select * from /y/{{id}} as y where id = x.a.b and q = x"""
    found = answer(query, None, lambda call: reply if call.target == "/x" else good)
    data = check(found, ["x", "ok", "y"])
    assert data["ok"] is not None
    assert len(UPSTREAM.calls) <= 3
    failed = {error["task"] for error in found.errors}
    assert "ok" not in failed
    if "x" in failed:
        assert data["x"] is None
