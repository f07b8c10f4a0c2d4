"""The words of Netflix Conductor's task definitions, said in ours. Knows no file and no section."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from apiql.settings.values import refusal, shown

WORDS = ("retryLogic", "retryCount", "retryDelaySeconds", "timeoutPolicy", "responseTimeoutSeconds")
LOGICS = {"FIXED": False, "EXPONENTIAL_BACKOFF": True}
"""Whether the pauses double."""
POLICIES = {"TIME_OUT_WF": "required", "ALERT_ONLY": "warning", "RETRY": "error"}
OURS = {
    "retryLogic": "retry",
    "retryCount": "retry",
    "retryDelaySeconds": "retry",
    "timeoutPolicy": "on_timeout",
    "responseTimeoutSeconds": "timeout",
}
"""What each of the words is said by here."""
USUAL_TRIES = 3
LONGEST = 86_400.0


def in_our_words(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with `retry`, `timeout` and `on_timeout` in the place of Conductor's words.

    A task that failed is tried again after any failure that another try may help; one that was
    late only under `RETRY`.

    Raises:
        PydanticCustomError: a word or number that is none, or both spellings.
    """
    found = {word: table[word] for word in WORDS if word in table}
    if not found:
        return dict(table)
    for word in found:
        if OURS[word] in table:
            wrong = f"{word} and {OURS[word]} say the same"
            raise refusal(wrong, f"one of both: {OURS[word]}, or Conductor's words", word)
    ours = {key: value for key, value in table.items() if key not in found}
    policy = found.get("timeoutPolicy")
    if policy is not None:
        ours["on_timeout"] = POLICIES[_word("timeoutPolicy", policy, POLICIES)]
    if "responseTimeoutSeconds" in found:
        ours["timeout"] = _seconds("responseTimeoutSeconds", found, least=0.001)
    if policy == "RETRY" or any(OURS[word] == "retry" for word in found):
        ours["retry"] = retry = _retry(found, policy == "RETRY")
        if policy == "RETRY" and "timeout" in ours:
            retry["each"] = ours["timeout"]
            ours["timeout"] = ours["timeout"] * (retry["times"] + 1) + _pauses(retry)
    return ours


def _pauses(retry: Mapping[str, Any]) -> float:
    """The longest that all pauses take."""
    most = [retry["backoff"] * (2**n if retry["doubles"] else 1) for n in range(retry["times"])]
    return float(sum(min(pause, retry["longest"]) for pause in most))


def _retry(found: Mapping[str, Any], late_too: bool) -> dict[str, Any]:
    logic = found.get("retryLogic", "FIXED")
    doubles = LOGICS[_word("retryLogic", logic, LOGICS)]
    times = found.get("retryCount", USUAL_TRIES)
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= 100:
        raise refusal(f"{shown(times)} is no number of tries", "0 to 100", "retryCount")
    pause = max(0.001, _seconds("retryDelaySeconds", found, usual=1.0))
    on = ["connect", "broken", "429", "5xx", *(["timeout"] if late_too else [])]
    longest = pause * 2**times if doubles else pause
    return {
        "times": times, "on": on, "backoff": pause, "doubles": doubles,
        "longest": min(longest, max(LONGEST, pause)),
    }  # fmt: skip


def _word(name: str, value: object, known: Mapping[str, object]) -> str:
    if not isinstance(value, str) or value not in known:
        raise refusal(f"{shown(value)} is unknown", ", ".join(f'"{w}"' for w in known), name)
    return value


def _seconds(
    name: str, found: Mapping[str, Any], least: float = 0.0, usual: float = 0.0
) -> float:  # fmt: skip
    value = found.get(name, usual)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or not least <= value <= LONGEST:
        below = "above 0" if least else "0 or more"
        raise refusal(f"{shown(value)} is no time", f"a number of seconds, {below}", name)
    return float(value)
