"""Tests, and the demonstration site they run against (tests/replica)."""
