"""Fuzzing of every decoder that reads bytes from outside: `python -m tests.fuzz --minutes 10`."""
