"""APIQL: a SQL-like query engine for backend-for-frontend aggregation."""

__version__ = "0.1.0"
