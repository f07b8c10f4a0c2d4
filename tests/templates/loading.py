"""Templates loaded for a test, by an engine that calls nothing."""

from __future__ import annotations

import tomllib

from apiql.compiling import Compiling
from apiql.engine import all_functions
from apiql.settings import Settings
from apiql.stored_templates import Templates
from apiql.template_files import TemplateFile, TemplateFiles

UPSTREAM = '[upstreams.default]\nurl = "http://upstream.test"\n'


def loaded(files: TemplateFiles, settings: str = "") -> Templates:
    """The templates of these files under these settings (TOML)."""
    made = Settings.model_validate(tomllib.loads(UPSTREAM + settings))
    return Compiling(made, all_functions()).templates(files)


def load_text(text: str, name: str = "t", settings: str = "") -> Templates:
    """The templates of one file."""
    return loaded(TemplateFiles((TemplateFile(name, f"{name}.json", text),)), settings)
