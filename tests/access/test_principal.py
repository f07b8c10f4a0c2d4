"""What tells a caller from others."""

from __future__ import annotations

from apiql.access.principal import ANYONE, Principal


def test_a_name_that_was_proved_in_another_way_is_another() -> None:
    callers = [
        Principal("a", "key"),
        Principal("a", "jwt"),
        Principal("a", "key", bucket="b"),
        Principal("ab", "key"),
        Principal("\ud800", "key"),
        ANYONE,
    ]
    assert len({each.mark for each in callers}) == len(callers)
    assert all(len(each.mark) == 16 for each in callers)


def test_what_it_was_granted_makes_nobody_another() -> None:
    one = Principal("a", "jwt", frozenset({"read"}), claims={"iat": 1})
    other = Principal("a", "jwt", frozenset({"write"}), claims={"iat": 2})
    assert one.mark == other.mark
