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
NO_JSON = "a body that is no JSON is the mistake of who sends it: 400 instead of 500"
_ANEW = (
    (1, "/httpapi/amap_district/v1?appID=003"), (6, "/flow/amap_city_weather"),
    (7, "/flow/amap_city_weather_html"), (10, "/httpapi/qywx_gettoken"),
    (16, "/httpapi/map_gettoken"), (18, "/httpapi/t_text"), (20, "/httpapi/t_500"),
    (21, "/httpapi/t_201"), (22, "/httpapi/t_down"), (23, "/httpapi/t_noprivate"),
    (24, "/httpapi/nosuch"), (30, "/httpapi/t_tmplerr"), (35, "/flow/f_code"),
    (36, "/flow/f_ct"), (37, "/flow/f_badkey"), (38, "/flow/f_fail"), (39, "/flow/f_fail404"),
    (41, "/flow/f_eq_bad"), (42, "/flow/f_ne_bad"), (50, "/flow/f_clear"),
    (54, "/schedule/s_ok?appID=003"), (60, "/schedule/s_switch"), (61, "/schedule/s_switch"),
    (65, "/schedule/s_fail_last"), (69, "/httpapi/t_down"),
)  # fmt: skip
"""The recordings in which a token is asked for anew before a failure is told."""
V2: tuple[Deviation, ...] = (
    *(Deviation(number, path, "notify", NO_TOKENS) for number, path in _ANEW),
    Deviation(10, "/httpapi/qywx_gettoken", "upstream", NO_TOKENS),
    Deviation(32, "/httpapi/t_cachedate", "upstream", NO_TOKENS),
    Deviation(32, "/httpapi/t_cachedate", "body", NO_TOKENS),
    Deviation(34, "/httpapi/t_raw", "status", NO_JSON),
)
