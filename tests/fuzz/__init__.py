"""Fuzzing: mutated inputs for everything that reads what others wrote. `python -m tests.fuzz --help`."""
