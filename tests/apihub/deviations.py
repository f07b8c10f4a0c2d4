"""What differs from the recordings and is meant to; one that no longer differs fails the tests.

Those that decisions foresee stand in the recordings themselves, as `ours`.
"""

from __future__ import annotations

from tests.apihub.replay import Deviation

V1: tuple[Deviation, ...] = ()
NOT_BEGUN = "what is broken is not begun: 503"
V1_STRICT = (
    *V1,
    Deviation(13, "/api/t_tmplsyntax", "upstream", NOT_BEGUN),
    Deviation(13, "/api/t_tmplsyntax", "in flight", NOT_BEGUN),
    Deviation(48, "/api/sub/x", "status", "a second segment is a version: an unknown name"),
)
"""With `legacy.compat = "strict"`, against the recordings as they are."""
TOKEN = "an earlier request had made the call for the token before the recording began"
V2: tuple[Deviation, ...] = (Deviation(1, "/httpapi/amap_district/v1?appID=003", "notify", TOKEN),)
V2_STRICT = (
    *V2,
    *(Deviation(66, "/schedule/s_badtype", part, NOT_BEGUN)
      for part in ("status", "body", "notify")),
)  # fmt: skip
