"""Definitions that stand elsewhere: fetched, checked as a whole, and put in place."""
