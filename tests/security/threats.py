"""Which tests show each threat: its own file, and others that show more of it. No product."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
THREATS = [f"T{number}" for number in range(1, 38)]

CALLS, STATE = "security/test_notations_calls.py", "security/test_notations_state.py"
HOSTS = "security/test_notations_hosts.py"

BESIDE: dict[str, tuple[str, ...]] = {
    "T1": (
        "security/test_bad_queries.py::test_row",
        "security/test_forbidden_names.py::test_a_name_that_is_not_allowed_is_not_looked_up",
        f"{CALLS}::test_t01_t02_t04_t06_a_url_of_the_caller_leads_nowhere",
    ),
    "T2": ("sources/test_addresses.py", CALLS),
    "T3": (
        "security/test_forbidden_names.py::test_a_name_that_changes_its_address_gains_nothing",
        "security/test_forbidden_names.py::test_forbidden_addresses_are_not_connected_to",
        f"{CALLS}::test_t03_nor_does_a_name_that_is_allowed_and_means_an_inner_address",
    ),
    "T4": ("security/test_bad_queries.py::test_row", "sources/test_addresses.py", CALLS),
    "T5": (
        "faults/test_sweep.py::test_nobody_follows_to_where_it_is_forbidden",
        f"{CALLS}::test_t05_redirects_are_not_followed",
    ),
    "T6": ("security/test_bad_queries.py::test_row", CALLS),
    "T7": (f"{HOSTS}::test_t07_a_request_knows_how_deep_it_is",),
    "T8": ("security/test_bad_queries.py::test_row", CALLS),
    "T9": ("security/test_bad_queries.py::test_row", CALLS),
    "T10": ("sources/test_request.py", f"{CALLS}::test_t10_no_value_ends_a_header"),
    "T11": ("faults/test_wire.py::test_no_cookie_of_one_caller_reaches_another", HOSTS),
    "T12": ("faults/test_sharing.py::test_nobody_sees_the_answer_of_another", STATE),
    "T13": ("sources/test_cache.py",),
    "T16": ("security/test_bad_queries.py::test_row", STATE),
    "T17": (
        f"{STATE}::test_t17_loops_within_loops_end_soon_and_alone",
        "runtime/test_stated.py::test_others_have_their_turn_while_rounds_call_nobody",
    ),
    "T19": ("properties/test_texts.py::test_repetition_costs_little",),
    "T20": ("runtime/test_jmespath.py", f"{STATE}::test_t20_templates_end_soon_and_small"),
    "T21": (
        "security/test_json_suite.py::test_requests",
        "security/test_json_suite.py::test_bodies_of_upstreams",
        "properties/test_bodies.py::test_any_bytes",
        "properties/test_deep_bodies.py::test_every_query_answers",
    ),
    "T22": (
        "faults/test_sweep.py::test_each_ends_by_its_deadline",
        "faults/test_leaving.py::test_a_client_that_leaves_cancels_its_calls",
    ),
    "T23": ("server/test_slow_clients.py",),
    "T24": ("sources/test_codings.py", "faults/test_memory.py::test_fifty_at_once"),
    "T25": ("faults/test_wire.py::test_no_answer_is_foreign_after_a_desynchronised_one",),
    "T28": ("security/test_notations_names.py",),
    "T30": (
        "server/test_signatures.py::test_a_request_counts_once",
        "server/test_signatures.py::test_an_unknown_app_takes_the_same_time",
    ),
    "T31": (
        "server/test_forgery.py::test_cookies_of_a_page_elsewhere_count_as_not_sent",
        "server/test_cors.py::test_whoever_says_no_origin_is_answered_alike",
    ),
    "T33": (
        "faults/test_memory.py::test_fifty_that_stop_just_before_they_end",
        "server/test_slow_clients.py::test_too_many_connections_are_told_so",
        "server/test_admission.py",
    ),
    "T34": (
        "stores/test_away.py::test_nobody_waits_longer_than_the_budget",
        "stores/test_away.py::test_killed_and_started_again",
        "stores/test_away.py::test_never_there_is_told_once",
        "stores/test_redis.py::test_a_full_redis_is_left_alone_until_there_is_room",
        "server/test_shared_store.py::test_stopped_killed_and_back_under_load",
    ),
    "T36": ("server/test_reload.py",),
    "T37": ("server/test_routes.py::test_no_open_proxy",),
}
"""Below tests/: a file, or one test of it."""

ELSEWHERE = frozenset({"T34"})
"""Threats whose tests are all beside: one more would only repeat them."""


def own_file(threat: str) -> Path | None:
    """The file that is named after a threat."""
    number = int(threat.removeprefix("T"))
    return next(iter(sorted((TESTS / "security").glob(f"test_t{number:02}_*.py"))), None)
