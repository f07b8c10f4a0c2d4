"""Definitions of both generations -> plans: one lowering for each, into the same IR."""
