"""What can be seen only where definitions are looked at together: names that lead nowhere, calls
that never end, templates and functions that are none, loops without end.
"""

from apiql.frontends.definitions.checks.check import Known, check

__all__ = ["Known", "check"]
