"""What is kept, and how people read it. Knows storage and readers, never the web."""
