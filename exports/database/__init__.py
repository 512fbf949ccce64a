"""The archive's database: models, sessions, migrations."""
