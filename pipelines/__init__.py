"""Extracted item -> cleaned item: one verb per file, in the order of crawler/settings.py."""
