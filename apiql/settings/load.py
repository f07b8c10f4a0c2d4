"""Reads the settings of a conf folder and the environment, and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from apiql.settings.places import Path as Keys
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.reading import read_settings
from apiql.settings.report import place_in, problems_of
from apiql.settings.sections import Settings


def load_settings(conf: Path | None, environ: Mapping[str, str]) -> Settings:
    """`<conf>/apiql.toml` (defaults where there is none), overridden by `APIQL_SECTION__KEY`.

    Raises `SettingsError` with every problem of both.
    """
    reading = read_settings(conf, environ)
    while True:
        try:
            return Settings.model_validate(reading.merged())
        except ValidationError as error:
            errors = error.errors(include_url=False)
        other = reading.otherwise({tuple(found["loc"]): found["type"] for found in errors})
        if other is None:
            raise SettingsError(problems_of(reading, errors))
        reading = other


def place_of(conf: Path | None, environ: Mapping[str, str], keys: Keys) -> SettingProblem:
    """Where a setting stands that was read, as a problem that says nothing yet: what is wrong with
    it may be known only beside other files.
    """
    return SettingProblem("", "", **place_in(read_settings(conf, environ), keys))
