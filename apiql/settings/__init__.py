"""What an operator can set: `apiql.toml` of the conf folder, then `APIQL_SECTION__KEY` variables.

Sections and defaults: sections.py, admin.py, log.py, store.py, upstreams.py. Knows nothing of
queries, plans or transports.
"""

from apiql.settings.admin import Admin
from apiql.settings.caching import Cache
from apiql.settings.clients import Clients
from apiql.settings.conductor import in_our_words
from apiql.settings.guards import Breaker, OnTimeout, Retry
from apiql.settings.hosts import Health, Hedge, Host
from apiql.settings.load import load_settings
from apiql.settings.log import Log
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.sections import Answer, Limits, Queries, Security, Server, Settings
from apiql.settings.store import Store
from apiql.settings.upstreams import Bulk, Push, Source, Upstream
from apiql.settings.values import Duration

__all__ = [
    "Admin",
    "Answer",
    "Breaker",
    "Bulk",
    "Cache",
    "Clients",
    "Duration",
    "Health",
    "Hedge",
    "Host",
    "Limits",
    "Log",
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
]
