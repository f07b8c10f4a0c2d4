"""The JSON definitions of APIHUB, both generations: read, and told what is wrong with them.

Folders become documents here (`folder.read_folder`), documents are looked at together
(`checks.check`). Knows nothing of plans, servers or calls.
"""
