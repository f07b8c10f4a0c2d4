"""Which host a call goes to, and which are passed by: in virtual time, without calls."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import CallFailed, Code
from apiql.events import HostMoved
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.hosts import IN_A_ROW, LONGEST, SHORTEST, Host, Hosts


class Scene:
    """Hosts a, b, c… with a clock that is set, and what was told of them."""

    def __init__(self, *weights: int, random: float = 0.0) -> None:
        self.now = 1000.0
        self.told: list[HostMoved] = []
        self.of = [
            Host(Origin("http", name, 80, True), never, weight)
            for name, weight in zip("abcdefghij", weights, strict=False)
        ]
        self.hosts = Hosts(
            "shop",
            self.of,
            clock=lambda: self.now,
            random=lambda: random,
            told=lambda notice: self.told.append(notice),  # type: ignore[arg-type]
        )

    def choose(self, *tried: Host) -> str:
        return self.hosts.choose(tried).origin.host

    def in_turn(self, count: int) -> Counter[str]:
        return Counter(self.choose() for _ in range(count))

    def fail(self, host: Host, times: int = 1) -> None:
        for _ in range(times):
            self.hosts.failed(host, "refused")

    def figure(self, name: str) -> float:
        return next(each.value for each in self.hosts.figures() if each.name == name)


async def never(call: Call) -> Reply:
    raise CallFailed(Code.UPSTREAM_CONNECT, "no such host")


# -- weights and load ---------------------------------------------------------------------------


def test_an_idle_upstream_goes_round():
    scene = Scene(1, 1, 1)
    assert "".join(scene.choose() for _ in range(9)) == "abcabcabc"


def test_turns_by_weight_are_not_in_a_row():
    scene = Scene(1, 3)
    taken = "".join(scene.choose() for _ in range(40))
    assert taken.count("a") == 10
    assert "aa" not in taken
    assert "bbbbb" not in taken


@given(weights=st.lists(st.integers(1, 50), min_size=1, max_size=8), rounds=st.integers(1, 5))
def test_calls_one_after_the_other_are_spread_by_weight(weights: list[int], rounds: int):
    scene = Scene(*weights)
    count = scene.in_turn(sum(weights) * rounds)
    for host in scene.of:
        assert abs(count[host.origin.host] - host.weight * rounds) <= 1 + len(weights) / 2


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=8), calls=st.integers(0, 400))
def test_calls_at_a_time_are_spread_by_weight(weights: list[int], calls: int):
    scene = Scene(*weights)
    for _ in range(calls):
        scene.hosts.choose().busy += 1
    for host in scene.of:
        fair = calls * host.weight / sum(weights)
        assert abs(host.busy - fair) <= 1 + host.room


@given(st.data())
def test_whatever_comes_and_goes_the_least_loaded_is_chosen(data: st.DataObject):
    weights = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    scene = Scene(*weights)
    for _ in range(data.draw(st.integers(1, 60))):
        if data.draw(st.booleans()):
            chosen = scene.hosts.choose()
            assert chosen.busy // chosen.room == min(h.busy // h.room for h in scene.of)
            chosen.busy += 1
        else:
            host = data.draw(st.sampled_from(scene.of))
            host.busy = max(0, host.busy - 1)


def test_a_host_that_hangs_takes_no_more_than_the_others():
    scene = Scene(1, 1, 1)
    hanging = scene.of[0]
    for _ in range(300):
        chosen = scene.hosts.choose()
        chosen.busy += chosen is hanging
    assert hanging.busy == 1


def test_another_host_than_those_tried():
    scene = Scene(1, 1, 1)
    a, b, c = scene.of
    a.busy = b.busy = 9
    c.busy = 20
    assert scene.choose(a, b) == "c"
    assert scene.choose(a) == "b"
    assert scene.choose(a, b, c) in "ab"


def test_an_open_breaker_is_passed_by_if_any_other_is_closed():
    scene = Scene(1, 1)
    opened = {"a"}
    for host in scene.of:
        host.is_open = lambda name=host.origin.host: name in opened
    hosts = Hosts("shop", scene.of, clock=lambda: 0.0, random=lambda: 0.0)
    assert {hosts.choose().origin.host for _ in range(8)} == {"b"}
    assert [each.value for each in hosts.figures()][:2] == [2, 1]
    for _ in range(50):
        hosts.failed(scene.of[1], "refused")  # that is for its breaker to judge
    assert hosts.ejections == 0
    opened.add("b")
    assert {hosts.choose().origin.host for _ in range(8)} == {"a", "b"}


# -- passing by ---------------------------------------------------------------------------------


def test_a_host_that_fails_in_a_row_is_passed_by_for_a_while():
    scene = Scene(1, 1, 1)
    a = scene.of[0]
    scene.fail(a, IN_A_ROW - 1)
    scene.hosts.succeeded(a)
    scene.fail(a, IN_A_ROW - 1)
    assert not scene.told
    assert "a" in scene.in_turn(3)
    scene.fail(a)
    assert scene.told == [
        HostMoved(
            "shop", "http://a", False, "5 failures in a row, the last: refused; passed by for 10 s"
        )
    ]
    assert scene.in_turn(60) == {"b": 30, "c": 30}
    assert (scene.figure("apiql_hosts_healthy"), scene.figure("apiql_hosts")) == (2, 3)
    scene.now += SHORTEST - 0.01
    assert "a" not in scene.in_turn(9)


def test_it_comes_back_with_one_call():
    scene = Scene(1, 1, 1)
    a = scene.of[0]
    scene.fail(a, IN_A_ROW)
    scene.now += SHORTEST
    assert scene.choose() == "a"
    a.busy += 1
    assert "a" not in scene.in_turn(30)
    a.busy -= 1
    scene.hosts.succeeded(a)
    assert scene.told[-1] == HostMoved("shop", "http://a", True, "it answered again")
    assert scene.in_turn(30)["a"] <= 12
    assert scene.in_turn(30)["a"] == 10


def test_it_stays_away_longer_each_time():
    scene = Scene(1, 1, random=0.0)
    a = scene.of[0]
    scene.fail(a, IN_A_ROW)
    lengths = []
    for _ in range(40):
        assert a.until is not None
        lengths.append(a.until - scene.now)
        scene.now = a.until
        scene.fail(a)
    assert lengths == [min(SHORTEST * n, LONGEST) for n in range(1, 41)]


def test_the_time_is_forgotten_by_who_was_well_for_long():
    scene = Scene(1, 1)
    a = scene.of[0]
    for wait, expected in ((1.0, 2), (LONGEST + 1, 1)):
        scene.fail(a, IN_A_ROW)
        scene.now += LONGEST
        scene.hosts.succeeded(a)
        scene.now += wait
        scene.fail(a, IN_A_ROW)
        assert a.ejections == expected
        scene.hosts.succeeded(a)
        scene.now += LONGEST + 1


@pytest.mark.parametrize(("random", "length"), [(0.0, 10.0), (0.5, 9.0), (1.0, 8.0)])
def test_jitter_makes_the_time_shorter(random: float, length: float):
    scene = Scene(1, 1, random=random)
    scene.fail(scene.of[0], IN_A_ROW)
    assert scene.of[0].until == pytest.approx(scene.now + length)


def test_calls_that_began_before_do_not_prolong_it():
    scene = Scene(1, 1)
    a = scene.of[0]
    scene.fail(a, IN_A_ROW)
    until = a.until
    scene.fail(a, 20)
    assert (a.until, a.ejections, len(scene.told)) == (until, 1, 1)


@given(
    count=st.integers(1, 9),
    steps=st.lists(st.tuples(st.integers(0, 8), st.sampled_from("fffffsw")), max_size=200),
)
def test_never_are_more_than_half_passed_by(count: int, steps: list[tuple[int, str]]):
    scene = Scene(*[1] * count)
    for index, step in steps:
        host = scene.of[index % count]
        match step:
            case "f":
                scene.hosts.failed(host, "refused")
            case "s":
                scene.hosts.succeeded(host)
            case "w":
                scene.now += 7
        out = [host for host in scene.of if host.until is not None]
        assert len(out) <= count // 2
        assert scene.figure("apiql_hosts_healthy") == count - len(out)
        assert scene.hosts.choose() in scene.of


def test_a_single_host_is_never_passed_by():
    scene = Scene(1)
    scene.fail(scene.of[0], 50)
    assert scene.choose() == "a"
    assert not scene.told


def test_where_all_are_bad_all_are_used():
    scene = Scene(1, 1)
    a, b = scene.of
    scene.fail(a, IN_A_ROW)
    assert scene.in_turn(4) == {"b": 4}
    scene.fail(b, IN_A_ROW)
    assert set(scene.in_turn(4)) == {"a", "b"}
    scene.hosts.succeeded(a)
    assert scene.told[-1].healthy
    scene.fail(b)
    assert scene.in_turn(4) == {"a": 4}


# -- checks -------------------------------------------------------------------------------------


def test_unwell_hosts_are_passed_by_unless_all_are():
    scene = Scene(1, 1, 1)
    a, b, c = scene.of
    scene.hosts.checked(a, False, "status 503")
    scene.hosts.checked(a, False, "status 503")
    assert scene.told == [HostMoved("shop", "http://a", False, "status 503")]
    assert scene.in_turn(4) == {"b": 2, "c": 2}
    scene.hosts.checked(b, False, "late")
    assert scene.in_turn(4) == {"c": 4}
    scene.hosts.checked(c, False, "late")
    scene.in_turn(6)
    assert scene.in_turn(6) == {"a": 2, "b": 2, "c": 2}
    scene.hosts.checked(b, True, "well")
    assert scene.in_turn(4) == {"b": 4}
    assert scene.figure("apiql_hosts_healthy") == 1


def test_of_those_that_are_well_the_failing_are_passed_by():
    scene = Scene(1, 1, 1)
    a, b, _ = scene.of
    scene.hosts.checked(a, False, "late")
    scene.fail(b, IN_A_ROW)
    assert scene.in_turn(4) == {"c": 4}
