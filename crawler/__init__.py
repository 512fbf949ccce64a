"""The web -> extracted items. Knows the web; ends with an Article as printed."""
