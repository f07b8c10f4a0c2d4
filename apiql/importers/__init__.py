"""Descriptions of interfaces from elsewhere (OpenAPI, Swagger, Postman, curl, HAR) -> settings and
definitions of a conf folder. Nothing here calls anything, and nothing remote is read.
"""
