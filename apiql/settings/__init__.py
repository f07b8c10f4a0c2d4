"""What an operator can set: `apiql.toml` of the conf folder, then `APIQL_SECTION__KEY` variables.

Sections and defaults: sections.py, admin.py, log.py, store.py, upstreams.py. Knows nothing of
queries, plans or transports.
"""

from apiql.settings.access import Access, ApiKey, Issuer, User
from apiql.settings.access_values import Scrypt, scrypt_of
from apiql.settings.addresses import Addresses
from apiql.settings.admin import Admin
from apiql.settings.browsers import Cors, Forgery
from apiql.settings.buckets import BUCKET_EXPECTED, BUCKET_NAME, Buckets
from apiql.settings.caching import Cache
from apiql.settings.certificates import Certificate
from apiql.settings.clients import Clients
from apiql.settings.conductor import in_our_words
from apiql.settings.credentials import Auth
from apiql.settings.endpoints import Endpoints
from apiql.settings.guards import Breaker, OnTimeout, Retry
from apiql.settings.hosts import Health, Hedge, Host
from apiql.settings.legacy import Legacy
from apiql.settings.load import load_settings, place_of
from apiql.settings.log import Log
from apiql.settings.plug_ins import PlugIns
from apiql.settings.private_file import SEALED, SealBroken
from apiql.settings.private_keys import private_key, private_key_files
from apiql.settings.private_text import PrivateText, Secrets
from apiql.settings.privates import (
    Privates,
    check_cipher,
    opening_privates,
    private_entries,
    read_privates,
    sealed,
    unsealed,
)
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.remote import Remote
from apiql.settings.rights import Rights, Scope
from apiql.settings.secrecy import secret_texts
from apiql.settings.sections import Answer, Limits, Queries, Security, Server, Settings
from apiql.settings.signing import Signing, SigningApp
from apiql.settings.store import Store
from apiql.settings.telemetry import Telemetry
from apiql.settings.upstreams import Bulk, Push, Source, Upstream
from apiql.settings.values import Duration
from apiql.settings.within import load_within

__all__ = [
    "BUCKET_EXPECTED",
    "BUCKET_NAME",
    "SEALED",
    "Access",
    "Addresses",
    "Admin",
    "Answer",
    "ApiKey",
    "Auth",
    "Breaker",
    "Buckets",
    "Bulk",
    "Cache",
    "Certificate",
    "Clients",
    "Cors",
    "Duration",
    "Endpoints",
    "Forgery",
    "Health",
    "Hedge",
    "Host",
    "Issuer",
    "Legacy",
    "Limits",
    "Log",
    "OnTimeout",
    "PlugIns",
    "PrivateText",
    "Privates",
    "Push",
    "Queries",
    "Remote",
    "Retry",
    "Rights",
    "Scope",
    "Scrypt",
    "SealBroken",
    "Secrets",
    "Security",
    "Server",
    "SettingProblem",
    "Settings",
    "SettingsError",
    "Signing",
    "SigningApp",
    "Source",
    "Store",
    "Telemetry",
    "Upstream",
    "User",
    "check_cipher",
    "in_our_words",
    "load_settings",
    "load_within",
    "opening_privates",
    "place_of",
    "private_entries",
    "private_key",
    "private_key_files",
    "read_privates",
    "scrypt_of",
    "sealed",
    "secret_texts",
    "unsealed",
]
