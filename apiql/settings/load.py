"""Reads the settings of a conf folder and the environment, and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from apiql.settings.filling import Filling
from apiql.settings.places import Path as Keys
from apiql.settings.private_text import Secrets
from apiql.settings.privates import read_privates
from apiql.settings.problems import SettingProblem, SettingsError
from apiql.settings.reading import FILE_NAME, read_settings
from apiql.settings.report import place_in, problems_of
from apiql.settings.sections import Settings


def load_settings(conf: Path | None, environ: Mapping[str, str]) -> Settings:
    """`<conf>/apiql.toml` (defaults where there is none), overridden by `APIQL_SECTION__KEY`, with
    the private values that it names. Without that file these are of definitions alone, which tell
    what is wrong with them.

    Raises `SettingsError` with every problem of both.
    """
    reading = read_settings(conf, environ)
    is_lenient = conf is not None and not (conf / FILE_NAME).exists()
    privates = read_privates(conf, environ, is_lenient)
    while True:
        filling = Filling(reading, privates.values, environ)
        try:
            data = filling.filled()
            if filling.problems:
                raise SettingsError(tuple(filling.problems))
            found = Settings.model_validate(data)
            secrets = Secrets.of([*privates.values.values(), *filling.texts], privates.key or b"")
            return found.with_secrets(secrets)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        other = reading.otherwise({tuple(found["loc"]): found["type"] for found in errors})
        if other is None:
            problems = problems_of(reading, errors)
            raise SettingsError(tuple(map(filling.hidden, problems)))
        reading = other


def place_of(conf: Path | None, environ: Mapping[str, str], keys: Keys) -> SettingProblem:
    """Where a setting stands that was read, as a problem that says nothing yet: what is wrong with
    it may be known only beside other files.
    """
    return SettingProblem("", "", **place_in(read_settings(conf, environ), keys))
