"""Notations in: each front end has the verbs parse (or load) and lower. None knows another."""
