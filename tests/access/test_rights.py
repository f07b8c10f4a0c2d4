"""Who may use what: every right, for every kind of caller; scopes; the default."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from apiql.access.principal import ANYONE, Principal
from apiql.access.rights import DECISIONS, OPEN, Granted, Right, Rights, Word, methods_of
from apiql.ir.reach import Kind, Reach

WEB = Principal("web", "key")
SHOP = Principal("shop", "jwt", frozenset({"orders", "read"}))
CLAIMED = Principal("web", "", frozenset({"orders"}))  # a name that nobody has proved
CALLERS = {"anyone": ANYONE, "claimed": CLAIMED, "web": WEB, "shop": SHOP}

BY_USER = Right(Word.WHITELIST, frozenset({"web"}))
BY_SCOPE = Right(Word.WHITELIST, scopes=frozenset({"orders"}))
NOT_WEB = Right(Word.BLACKLIST, frozenset({"web"}))
NOT_ORDERS = Right(Word.BLACKLIST, scopes=frozenset({"orders"}))
NOBODY = Right(Word.WHITELIST)

GOLDEN: tuple[tuple[Right, str], ...] = (
    #                          anyone claimed web shop
    (Right(Word.PUBLIC),       "yes yes yes yes"),
    (Right(Word.KNOWN),        "no  no  yes yes"),
    (Right(Word.INTERNAL),     "no  no  no  no"),
    (BY_USER,                  "no  no  yes no"),
    (BY_SCOPE,                 "no  no  no  yes"),
    (NOBODY,                   "no  no  no  no"),
    (NOT_WEB,                  "yes yes no  yes"),
    (NOT_ORDERS,               "yes yes yes no"),
)  # fmt: skip


def words(found: Mapping[str, bool]) -> str:
    return " ".join("yes" if found[name] else "no" for name in CALLERS)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("right", "expected"), GOLDEN)
def test_a_right_for_each_caller(kind: Kind, right: Right, expected: str) -> None:
    rights = Rights(named={(kind, "a"): right})
    found = {name: rights.may(kind, "a", who) for name, who in CALLERS.items()}
    assert words(found) == " ".join(expected.split())
    assert all(rights.may(kind, "a", who, inside=True) for who in CALLERS.values())
    assert rights.restricts is (right.word is not Word.PUBLIC)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_right_is_that_of_its_kind_and_name_alone(kind: Kind) -> None:
    rights = Rights(named={(kind, "a"): NOBODY})
    assert rights.may(kind, "b", ANYONE)
    assert all(rights.may(other, "a", ANYONE) for other in Kind if other is not kind)


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        (Word.PUBLIC, "yes yes yes yes"),
        (Word.KNOWN, "no no yes yes"),
        (Word.INTERNAL, "no no no no"),
    ],
)
def test_the_default_is_for_what_has_no_right(default: Word, expected: str) -> None:
    rights = Rights(default, {(Kind.SOURCE, "open"): Right(Word.PUBLIC)})
    found = {name: rights.may(Kind.SOURCE, "a", who) for name, who in CALLERS.items()}
    assert words(found) == expected
    assert all(rights.may(Kind.SOURCE, "open", who) for who in CALLERS.values())
    assert rights.restricts is (default is not Word.PUBLIC)


def test_open_rights_decide_nothing() -> None:
    assert not OPEN.restricts
    assert OPEN.allows(Reach(frozenset({(Kind.HOST, "a")}), frozenset({"post"})), ANYONE, ())


# -- scopes -----------------------------------------------------------------------------------


def test_the_right_of_the_name_goes_before_scopes_and_scopes_before_the_default() -> None:
    named = {
        (Kind.SOURCE, "closed"): Right(Word.INTERNAL),
        (Kind.SOURCE, "open"): Right(Word.PUBLIC),
    }
    scopes = {"orders": Granted({Kind.SOURCE: ("orders", "closed", "log_*")})}
    rights = Rights(Word.INTERNAL, named, scopes)
    found = {name: rights.may(Kind.SOURCE, name, SHOP)
             for name in ("closed", "open", "orders", "log_a", "lo", "users")}  # fmt: skip
    assert found == {"closed": False, "open": True, "orders": True, "log_a": True, "lo": False,
                     "users": False}  # fmt: skip
    assert not rights.may(Kind.SOURCE, "orders", WEB)
    assert not rights.may(Kind.SOURCE, "orders", ANYONE)


def test_a_kind_that_a_scope_does_not_list_is_left_to_the_default() -> None:
    scopes = {"orders": Granted({Kind.SOURCE: ("orders",)})}
    assert Rights(Word.KNOWN, {}, scopes).may(Kind.QUERY, "a", SHOP)
    assert not Rights(Word.INTERNAL, {}, scopes).may(Kind.QUERY, "a", SHOP)


def test_several_scopes_allow_what_any_of_them_does() -> None:
    scopes = {
        "orders": Granted({Kind.SOURCE: ("orders",)}, frozenset({"get"}), texts=False),
        "read": Granted({Kind.SOURCE: ("users",)}, frozenset({"head"}), texts=True),
        "other": Granted({Kind.SOURCE: ("*",)}),
    }
    rights = Rights(Word.INTERNAL, {}, scopes)
    assert [n for n in ("orders", "users", "posts") if rights.may(Kind.SOURCE, n, SHOP)] == [
        "orders", "users",
    ]  # fmt: skip
    assert methods_of(rights.granted(SHOP)) == frozenset({"get", "head"})
    assert methods_of(rights.granted(WEB)) is None
    assert methods_of((*rights.granted(SHOP), scopes["other"])) is None


def test_what_was_decided_is_remembered_for_one_caller_and_one_text() -> None:
    rights = Rights(named={(Kind.SOURCE, "b"): BY_USER})
    open_, closed = (Reach(frozenset({(Kind.SOURCE, name)})) for name in "ab")
    for _ in range(2):
        found = [rights.decided(reach, who) for who in (WEB, SHOP, ANYONE)
                 for reach in (open_, closed)]  # fmt: skip
        assert [each.allowed for each in found] == [True, True, True, False, True, False]
        assert [each.is_open for each in found] == [True, False] * 3
    again = Principal("web", "key", claims={"iat": 2})
    assert rights.decided(closed, WEB) is rights.decided(closed, again)


def test_all_that_counts_of_a_caller_decides() -> None:
    by_either = Right(Word.WHITELIST, frozenset({"web"}), frozenset({"orders"}))
    rights = Rights(named={(Kind.SOURCE, "b"): by_either})
    reach = Reach(frozenset({(Kind.SOURCE, "b")}))
    callers = [
        (WEB, True),
        (Principal("web", ""), False),
        (Principal("shop", "key"), False),
        (SHOP, True),
        (Principal("shop", "jwt"), False),
        (Principal("", "", SHOP.scopes), False),
    ]
    for who, allowed in callers:
        assert rights.decided(reach, who).allowed is allowed, who


def test_what_was_decided_never_counts_for_another_object_in_the_same_place() -> None:
    """Objects that are gone leave their addresses to others: those decided for are kept."""
    rights = Rights(named={(Kind.SOURCE, "b"): BY_USER})
    for number in range(2 * DECISIONS):
        reach = Reach(frozenset({(Kind.SOURCE, "ab"[number % 2])}))
        who = Principal("web" if number % 3 else "shop", "key")
        found = rights.decided(reach, who)
        assert found.allowed is rights.allows(reach, who, ())
        assert found.is_open is (number % 2 == 0)
        del reach, who, found


def test_who_may_send_no_texts_may_send_none_that_others_may() -> None:
    rights = Rights(scopes={"orders": Granted(texts=False), "read": Granted()})
    reach = Reach(frozenset({(Kind.SOURCE, "a")}))
    stored_only = Principal("till", "key", frozenset({"orders"}))
    assert not rights.decided(reach, stored_only).allowed
    assert rights.decided(reach, SHOP).allowed
    assert rights.decided(reach, ANYONE).allowed


@pytest.mark.parametrize(("methods", "allowed"), [({"get"}, True), ({"get", "post"}, False)])
def test_methods_of_a_scope(methods: set[str], allowed: bool) -> None:
    rights = Rights(scopes={"orders": Granted(methods=frozenset({"get"}))})
    reach = Reach(frozenset({(Kind.UPSTREAM, "default")}), frozenset(methods))
    assert rights.allows(reach, SHOP, rights.granted(SHOP)) is allowed
    assert rights.allows(reach, ANYONE, ())


def test_all_that_is_reached_must_be_allowed() -> None:
    rights = Rights(named={(Kind.SOURCE, "b"): BY_USER})
    both = Reach(frozenset({(Kind.SOURCE, "a"), (Kind.SOURCE, "b")}))
    assert rights.allows(both, WEB, ())
    assert not rights.allows(both, SHOP, ())
    assert not rights.is_open(both.names)
    assert rights.is_open(frozenset({(Kind.SOURCE, "a")}))


@pytest.mark.parametrize(
    ("rights", "helps"),
    [
        (OPEN, False),
        (Rights(named={(Kind.QUERY, "a"): BY_USER}), False),
        (Rights(Word.KNOWN), True),
        (Rights(Word.INTERNAL), False),
        (Rights(Word.INTERNAL, {(Kind.QUERY, "a"): Right(Word.PUBLIC)}), False),
        (Rights(Word.INTERNAL, {(Kind.QUERY, "a"): BY_USER}), True),
        (Rights(Word.INTERNAL, {}, {"a": Granted()}), True),
    ],
)
def test_whether_a_proof_could_help_depends_on_no_name(rights: Rights, helps: bool) -> None:
    assert rights.proof_helps is helps
