"""Carrying plans out: no HTTP and no files in here."""
