"""A secret that stands in the configuration of the servers under test: whatever comes out of a
test, its log or an answer, does not hold it.
"""

PLANTED = "S3CRET-2b1d7c54-8a1e-4d0c-b0a7-6f3c9d0e5a17"
