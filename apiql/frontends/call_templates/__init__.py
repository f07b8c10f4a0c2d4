"""Call templates, the `<<path>>` notation: read, told what is wrong with them, lowered to plans.

A text becomes documents here (`reading.load`), a document a plan (`lower.lower`). Knows no files,
no server and no calls.
"""
