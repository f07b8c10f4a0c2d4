"""Reads the settings of a conf folder and the environment, and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from apiql.settings.problems import SettingsError
from apiql.settings.reading import read_settings
from apiql.settings.report import problems_of
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
