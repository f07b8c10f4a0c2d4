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
NO_SLOT = "caches hold an answer for each request, not one for all (cache.scope says otherwise)"
NOT_BEGUN = "what is broken is not begun: 503"
V1_STRICT = (
    *V1,
    Deviation(44, "/api/t_cachekey", "upstream", NO_SLOT),
    Deviation(13, "/api/t_tmplsyntax", "upstream", NOT_BEGUN),
    Deviation(13, "/api/t_tmplsyntax", "in flight", NOT_BEGUN),
    Deviation(48, "/api/sub/x", "status", "a second segment is a version: an unknown name"),
)
"""With `compat: strict`, against the recordings as they are."""
V2: tuple[Deviation, ...] = ()
