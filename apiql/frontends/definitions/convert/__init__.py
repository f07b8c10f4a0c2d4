"""Definitions as texts of APIQL, as far as one means the same. Knows no plan and no folder."""
