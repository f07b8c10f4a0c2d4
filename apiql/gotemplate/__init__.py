"""Go's template language over plain data: read once, compiled to closures, evaluated within a
budget. Knows no definitions, no requests and no answers.
"""

from apiql.gotemplate.budget import Budget
from apiql.gotemplate.calls import Function
from apiql.gotemplate.faults import Category, Fault, TemplateRefused
from apiql.gotemplate.functions import v1_functions, v2_functions
from apiql.gotemplate.template import Mode, Rendered, Template, compile_template
from apiql.gotemplate.values import Data, GoInt, Kind, Number

__all__ = [
    "Budget",
    "Category",
    "Data",
    "Fault",
    "Function",
    "GoInt",
    "Kind",
    "Mode",
    "Number",
    "Rendered",
    "Template",
    "TemplateRefused",
    "compile_template",
    "v1_functions",
    "v2_functions",
]
