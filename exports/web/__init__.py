"""The reading room: the archive in a browser, read-only. Start at app.py."""
