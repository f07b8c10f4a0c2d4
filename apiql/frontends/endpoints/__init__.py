"""Gateway endpoints (configurations of GOPEN): read, checked, and what they say as functions.

`folder.read_environment` makes gateways of a folder; `modify`, `dynamic`, `aggregate` and `answer`
say what happens to requests and responses. Knows no HTTP, no server and no plan.
"""
