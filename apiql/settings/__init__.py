"""What an operator can set: `apiql.toml` of the conf folder, then `APIQL_SECTION__KEY` variables.

Sections and defaults: sections.py and upstreams.py. Knows nothing of queries, plans or transports.
"""

from apiql.settings.clients import Clients
from apiql.settings.load import load_settings
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.sections import Answer, Limits, Queries, Security, Server, Settings
from apiql.settings.upstreams import Bulk, Push, Source, Upstream

__all__ = [
    "Answer",
    "Bulk",
    "Clients",
    "Limits",
    "Push",
    "Queries",
    "Security",
    "Server",
    "SettingProblem",
    "Settings",
    "SettingsError",
    "Source",
    "Upstream",
    "load_settings",
]
