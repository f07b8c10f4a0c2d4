"""The percentile of the last times, and what may be made twice."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from apiql.sources.latencies import EVERY, FEWEST, KEPT, Allowance, Latencies


@given(
    times=st.lists(st.floats(0, 10), max_size=700),
    percentile=st.sampled_from([50.0, 90.0, 95.0, 99.0]),
)
def test_the_percentile_is_that_of_the_last_times(times: list[float], percentile: float):
    latencies = Latencies(percentile)
    for count, seconds in enumerate(times, 1):
        latencies.add(seconds)
        if count < FEWEST:
            assert latencies.found is None
        elif (count - FEWEST) % EVERY == 0:
            last = sorted(times[max(0, count - KEPT) : count])
            assert latencies.found == last[ceil(percentile / 100 * len(last)) - 1]
            below = sum(each <= latencies.found for each in last)
            assert below >= percentile / 100 * len(last)


def test_it_follows_when_an_upstream_becomes_faster():
    latencies = Latencies(95)
    for seconds in [1.0] * 500 + [0.1] * (KEPT + EVERY):
        latencies.add(seconds)
    assert latencies.found == 0.1


@given(part=st.floats(0.001, 1.0), calls=st.lists(st.booleans(), max_size=2000))
def test_no_more_than_the_part_is_ever_allowed(part: float, calls: list[bool]):
    allowance, taken = Allowance(part), 0
    for count, wants in enumerate(calls, 1):
        allowance.earn()
        taken += wants and allowance.take()
        assert taken <= part * count + 1e-6


def test_what_is_not_used_is_kept_up_to_a_few():
    allowance = Allowance(0.05)
    for _ in range(100_000):
        allowance.earn()
    assert sum(allowance.take() for _ in range(1000)) == Allowance.MOST
