"""What an operator can set: `apiql.toml` of the conf folder, then `APIQL_SECTION__KEY` variables.

Sections and defaults: sections.py, store.py, upstreams.py. Knows nothing of queries, plans or
transports.
"""

from apiql.settings.caching import Cache
from apiql.settings.clients import Clients
from apiql.settings.conductor import in_our_words
from apiql.settings.guards import Breaker, OnTimeout, Retry
from apiql.settings.hosts import Health, Hedge, Host
from apiql.settings.load import load_settings
from apiql.settings.private_file import SEALED, SealBroken
from apiql.settings.private_keys import private_key, private_key_files
from apiql.settings.private_text import PrivateText, Secrets
from apiql.settings.privates import (
    Privates,
    check_cipher,
    private_entries,
    read_privates,
    sealed,
    unsealed,
)
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.secrecy import secret_texts
from apiql.settings.sections import Admin, Answer, Limits, Queries, Security, Server, Settings
from apiql.settings.store import Store
from apiql.settings.upstreams import Bulk, Push, Source, Upstream

__all__ = [
    "SEALED",
    "Admin",
    "Answer",
    "Breaker",
    "Bulk",
    "Cache",
    "Clients",
    "Health",
    "Hedge",
    "Host",
    "Limits",
    "OnTimeout",
    "PrivateText",
    "Privates",
    "Push",
    "Queries",
    "Retry",
    "SealBroken",
    "Secrets",
    "Security",
    "Server",
    "SettingProblem",
    "Settings",
    "SettingsError",
    "Source",
    "Store",
    "Upstream",
    "check_cipher",
    "in_our_words",
    "load_settings",
    "private_entries",
    "private_key",
    "private_key_files",
    "read_privates",
    "sealed",
    "secret_texts",
    "unsealed",
]
