"""The full-text index: what is searched, how it is kept, how it is asked. Readers use exports/search.py."""
