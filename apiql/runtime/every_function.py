"""The functions that every engine has."""

from __future__ import annotations

from apiql.plugins import Registry
from apiql.runtime.caller import CALLER_FUNCTIONS
from apiql.runtime.functions import standard_functions


def all_functions() -> Registry:
    """The standard functions and those that read the caller."""
    functions = standard_functions()
    for function in CALLER_FUNCTIONS:
        functions = functions.with_function(function)
    return functions
