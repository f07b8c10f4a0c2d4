"""What an operator can set: `apiql.toml` of the conf folder, then `APIQL_SECTION__KEY` variables.

Sections and defaults: sections.py, store.py, upstreams.py. Knows nothing of queries, plans or
transports.
"""

from apiql.settings.buckets import Buckets
from apiql.settings.caching import Cache
from apiql.settings.clients import Clients
from apiql.settings.conductor import in_our_words
from apiql.settings.guards import Breaker, OnTimeout, Retry
from apiql.settings.hosts import Health, Hedge, Host
from apiql.settings.load import load_settings
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.sections import Admin, Answer, Limits, Queries, Security, Server, Settings
from apiql.settings.store import Store
from apiql.settings.upstreams import Bulk, Push, Source, Upstream
from apiql.settings.within import load_within

__all__ = [
    "Admin",
    "Answer",
    "Breaker",
    "Buckets",
    "Bulk",
    "Cache",
    "Clients",
    "Health",
    "Hedge",
    "Host",
    "Limits",
    "OnTimeout",
    "Push",
    "Queries",
    "Retry",
    "Security",
    "Server",
    "SettingProblem",
    "Settings",
    "SettingsError",
    "Source",
    "Store",
    "Upstream",
    "in_our_words",
    "load_settings",
    "load_within",
]
