"""Dates as HTTP writes them (RFC 9110, section 5.6.7): three forms, read strictly. Pure.

Letters may be of either case. Whatever else is off, another zone or a second space, makes it no
date: what is doubtful has expired.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "|".join(_MONTHS)
_TIME = r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)"
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_FORMS = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"{_DAY}, (?P<d>\d\d) (?P<mon>{_MONTH}) (?P<y>\d{{4}}) {_TIME} GMT",
        rf"{_LONG_DAY}, (?P<d>\d\d)-(?P<mon>{_MONTH})-(?P<y>\d\d) {_TIME} GMT",
        rf"{_DAY} (?P<mon>{_MONTH}) (?P<d>[ \d]\d) {_TIME} (?P<y>\d{{4}})",
    )
)
_PIVOT = 69
"""Years of two digits from here on are of the last century, as POSIX has it."""


def moment_of(text: str) -> float | None:
    """Seconds since 1970 of a date, None if it is none."""
    found = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    year = int(found["y"])
    if len(found["y"]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    month = _MONTHS.index(found["mon"].lower()) + 1
    seconds = min(int(found["s"]), 59)  # a leap second is no second of this calendar
    try:
        return datetime(
            year, month, int(found["d"]), int(found["h"]), int(found["m"]), seconds, tzinfo=UTC
        ).timestamp()
    except ValueError:
        return None
