"""A labelled corpus of block pages and articles, and what the crawl makes of each: `python -m tests.blocking`."""
