"""The embedded demo: a small shop to query, so that nothing outside the machine is needed."""
