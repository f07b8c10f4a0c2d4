"""How many examples, and which: the same ones each time in CI, new ones elsewhere."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

CI = bool(os.environ.get("CI"))

settings.register_profile(
    "apiql",
    deadline=None,
    max_examples=int(os.environ.get("APIQL_TEST_EXAMPLES", "60")),
    derandomize=CI,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("apiql")
