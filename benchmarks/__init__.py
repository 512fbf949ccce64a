"""Every figure the README quotes, each reproducible with one command."""
