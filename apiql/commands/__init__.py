"""The commands of the command line, and what they do; `cli.py` puts them together."""
