"""What differs from the recordings and is meant to; one that no longer differs fails the tests.

Those that decisions foresee stand in the recordings themselves, as `ours`.
"""

from __future__ import annotations

from tests.apihub.replay import Deviation

NO_TOKENS = "token caches are not there yet"

V1 = (
    Deviation(33, "/api/t_cache2", "upstream", NO_TOKENS),
    Deviation(36, "/api/t_cachedate", "upstream", NO_TOKENS),
    Deviation(39, "/api/t_cachehdr", "upstream", NO_TOKENS),
)
V2: tuple[Deviation, ...] = ()
