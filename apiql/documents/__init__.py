"""JSON documents that people write: text -> nodes that know their place -> models, and all that is
odd about them. What the front ends of JSON notations have in common; knows none of them.
"""
